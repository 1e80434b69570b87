"""Checks of labels that are numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.data.checks.common import Parts, every, finding
from luthier.data.columns import Columns
from luthier.data.findings import Finding, Severity
from luthier.data.places import count, places, some
from luthier.data.row import Row, Split

OUTLIER = 6.0
"""Robust standard deviations (1.4826 times the median absolute deviation) from the median."""
SCALES = ((0.0, 1.0), (-1.0, 1.0), (1.0, 5.0), (0.0, 5.0), (1.0, 7.0), (1.0, 10.0), (0.0, 10.0), (0.0, 100.0))
"""What people score on."""
STRAY_SHARE = 0.05
"""At most this share of the rows may lie outside of a scale that the others keep."""


def constant(given: Parts, columns: Columns) -> list[Finding]:
    """Parts whose rows all have the same number: nothing can be learnt from one, or measured on it."""
    found = []
    for split, rows in given.items():
        values = {row.target for row in rows}
        if len(values) != 1:
            continue
        if split is Split.TRAIN:
            found.append(finding("constant-number", Severity.ERROR,
                                 f"All {count(len(rows), 'training row')} have the number {_figure(rows[0])} "
                                 f"(column '{columns.label[0]}').", "Add rows with others, or use another --label-column."))
        elif len(rows) > 1:
            found.append(finding("constant-number", Severity.WARNING,
                                 f"All {count(len(rows), f'{split} row')} have the number {_figure(rows[0])}, so that no "
                                 "correlation can be measured on them.", "Add rows with others.", rows))
    return found


def outliers(parts: Parts) -> list[Finding]:
    """Numbers very far from the others."""
    rows = every(parts)
    values = _values(rows)
    if not len(values):
        return []
    centre = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - centre)))
    far = [rows[index] for index in np.flatnonzero(np.abs(values - centre) > OUTLIER * spread)] if spread else []
    if not far:
        return []
    return [finding("outlier", Severity.WARNING,
                    f"{count(len(far), 'row')} with a number more than {OUTLIER:g} robust standard deviations from the median "
                    f"of {centre:g}: {some(map(_figure, far))} ({places(far)}).",
                    "Squared errors hang on such rows: correct or remove them if they are slips.", far)]


def strays(parts: Parts) -> list[Finding]:
    """A few numbers far outside of the scale that all others keep, such as 45 among scores from 0 to 5."""
    rows = every(parts)
    values = _values(rows)
    for low, high in SCALES:
        outside = (values < low) | (values > high)
        inside = values[~outside]
        if not len(inside) or inside.min() > low or inside.max() < high or not outside.any():
            continue
        gap = np.maximum(low - values, values - high)[outside].min()
        if outside.mean() <= STRAY_SHARE and gap >= 0.2 * (high - low):
            odd = [rows[index] for index in np.flatnonzero(outside)]
            return [finding("off-scale", Severity.WARNING,
                            f"All numbers but {len(odd):,} lie from {low:g} to {high:g}; the others are "
                            f"{some(map(_figure, odd))} ({places(odd)}).",
                            "Were they given on another scale? Correct or remove them.", odd)]
    return []


def _values(rows: Sequence[Row]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray([row.target for row in rows if isinstance(row.target, float)], dtype=np.float64)


def _figure(row: Row) -> str:
    return f"{row.target:g}" if isinstance(row.target, float) else str(row.target)
