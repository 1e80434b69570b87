"""Checks of what stands in two parts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.data.checks.common import Parts, finding, hashes, key_of, shown
from luthier.data.findings import Finding, Severity
from luthier.data.places import count, percent, places
from luthier.data.row import Row, Split

LOUD_SHARE = 0.01
"""From this share of a part's rows on, near duplicates in an earlier part are a warning."""


def leaks(parts: Parts) -> list[Finding]:
    """Texts of the validation or test rows that an earlier part has too; rows that were cut off never have."""
    order = [split for split in Split if parts.get(split)]
    numbers = {split: hashes(parts[split]) for split in order}
    found = []
    for index, split in enumerate(order):
        for earlier in order[:index]:
            likely = {side: np.flatnonzero(np.isin(numbers[side], numbers[other])).tolist()
                      for side, other in ((split, earlier), (earlier, split))}
            known = {key_of(parts[earlier][place]) for place in likely[earlier]}
            if leaked := [row for place in likely[split] if key_of(row := parts[split][place]) in known]:
                found.append(finding(
                    "leak", Severity.WARNING,
                    f"Leak: {count(len(leaked), f'{split} row')} of {len(parts[split]):,} with a text that "
                    f"the {earlier} rows have too ({places(leaked)}). The {split} figure will be too good.",
                    f"Remove them from the {split} rows.", leaked))
    return found


def near_leaks(parts: Parts, rows: Sequence[Row], groups: Sequence[Sequence[int]]) -> list[Finding]:
    """Texts of the validation or test rows that are nearly, but not wholly, those of an earlier part.

    Args:
        rows: the rows of all parts, in their order (`every`).
        groups: indices into `rows` of texts that are alike.
    """
    part = [split for split in Split for _ in parts.get(split, ())]
    pairs: dict[tuple[Split, Split], list[tuple[int, int]]] = {}
    order = list(Split)
    for group in groups:
        first: dict[Split, int] = {}
        for index in group:
            first.setdefault(part[index], index)
        if len(first) == 1:
            continue
        keys = {split: {key_of(rows[index]) for index in group if part[index] is split} for split in first}
        for index in group:
            own = part[index]
            for earlier in order[:order.index(own)]:
                if earlier in first and key_of(rows[index]) not in keys[earlier]:
                    pairs.setdefault((own, earlier), []).append((index, first[earlier]))
    found = []
    for (split, earlier), found_pairs in sorted(pairs.items(), key=lambda item: (order.index(item[0][0]), order.index(item[0][1]))):
        leaked = [(rows[index], rows[other]) for index, other in sorted(found_pairs)]
        own_rows, share = [row for row, _ in leaked], len(leaked) / len(parts[split])
        row, other = leaked[0]
        found.append(finding(
            "near-leak", Severity.WARNING if share >= LOUD_SHARE else Severity.NOTE,
            f"Near leak: {count(len(leaked), f'{split} row')} of {len(parts[split]):,} ({percent(share)}) with nearly the text of "
            f"one of the {earlier} rows ({places(own_rows)}), such as {shown(row.text)} beside {shown(other.text)} "
            f"({places([other])}).",
            f"The {split} figure will be somewhat too good: keep one of each in the data, or tie them with --group-column.",
            own_rows))
    return found
