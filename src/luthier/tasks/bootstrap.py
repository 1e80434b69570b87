"""Intervals of any metric by the bootstrap over units: rows, or documents (percentile; Efron & Tibshirani 1993, ch. 13).

A metric is given as a `Statistic`: a function of how often each unit was drawn. One that is written so can be computed for
many resamples at once, and two of them on the same draws are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.tasks.metrics import Score

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Floats], Mapping[str, Floats]]
"""Weights [resamples, units] → {name: figure [resamples]}; a figure that the units drawn leave undefined is NaN."""

RESAMPLES = 1000
MANY = 10
"""Rows for each unit from which a multinomial is faster than to draw rows."""
CHUNK = 2_000_000
"""Weights that are in memory at once, in numbers; a statistic takes a few times their 16 MB."""


def bootstrap(statistic: Statistic, units: int | Ints, seed: int = 0,
              groups: npt.NDArray[Any] | None = None) -> dict[str, Score]:
    """Every figure of a statistic with its 95 % percentile interval, which always holds the figure itself.

    A figure that is undefined on all units together is left out; a resample that leaves one undefined does not count for it.

    Args:
        statistic: what is computed from the weights of the units.
        units: their number, or how many alike rows each stands for (see `alike`) [units].
        seed: of the draws; the same seed and units give the same draws.
        groups: which units are drawn together, by any name of their group [units].

    Raises:
        ValueError: there are no units, or both groups and numbers of alike rows are given.
    """
    if not _number(units):
        raise ValueError("There are no units to resample.")
    whole = statistic(_whole(units))
    parts = [statistic(weights) for weights in resamples(units, seed, groups)]
    return {name: score_of(float(value[0]), np.concatenate([part[name] for part in parts]))
            for name, value in whole.items() if not np.isnan(value[0])}


def bootstrap_difference(statistic: Statistic, other: Statistic, units: int | Ints, seed: int = 0,
                         groups: npt.NDArray[Any] | None = None) -> dict[str, Score]:
    """Every figure of `statistic` minus that of `other`, paired: both see the same draws. Arguments as in `bootstrap`."""

    def difference(weights: Floats) -> dict[str, Floats]:
        one, two = statistic(weights), other(weights)
        return {name: one[name] - two[name] for name in one if name in two}

    return bootstrap(difference, units, seed, groups)


def resamples(units: int | Ints, seed: int = 0, groups: npt.NDArray[Any] | None = None) -> Iterator[Floats]:
    """Weights of `RESAMPLES` resamples of the units, in chunks [at most RESAMPLES, units]. Arguments as in `bootstrap`."""
    width = _number(units)
    random = np.random.default_rng(seed)
    chunk = max(1, CHUNK // width)
    sizes = [min(chunk, RESAMPLES - done) for done in range(0, RESAMPLES, chunk)]
    if groups is not None:
        if not isinstance(units, int):
            raise ValueError("Units that stand for several rows cannot be drawn in groups.")
        names, index = np.unique(groups, return_inverse=True)
        for size in sizes:
            yield _draw(random, size, np.arange(len(names)), len(names))[:, index]
        return
    counts = np.ones(units, dtype=np.int64) if isinstance(units, int) else units
    total = int(counts.sum())
    if total > MANY * width:
        for size in sizes:
            yield random.multinomial(total, counts / total, size=size).astype(np.float64)
        return
    members = np.repeat(np.arange(width), counts)
    for size in sizes:
        yield _draw(random, size, members, width)


def alike(*columns: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
    """Rows that are alike in all columns make one unit, which makes 100,000 rows of few labels a few units.

    Args:
        columns: numbers from 0, each [rows].

    Returns:
        One row of each kind, and how many rows are of it. Shapes [kinds].
    """
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, column_index = np.unique(column, return_inverse=True)
        _, key = np.unique(key * (column_index.max() + 1) + column_index, return_inverse=True)
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    return first.astype(np.int64), counts.astype(np.int64)


def sums_by(index: Ints, size: int) -> Callable[[Floats], Floats]:
    """A function that adds up the last axis by `index` (each from 0 to `size` - 1): [..., rows] → [..., size]."""
    order = np.argsort(index, kind="stable")
    there, starts = np.unique(index[order], return_index=True)

    def add_up(weights: Floats) -> Floats:
        sums = np.zeros((*weights.shape[:-1], size))
        if len(there):
            sums[..., there] = np.add.reduceat(np.take(weights, order, axis=-1), starts, axis=-1)
        return sums

    return add_up


def ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, and 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)


def score_of(value: float, values: Floats) -> Score:
    """A figure with the 95 % percentile interval of its resamples, widened to hold it: a biased metric may leave it out."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Score(value, value, value)
    low, high = np.percentile(known, [2.5, 97.5])
    return Score(value, float(min(low, value)), float(max(high, value)), float(known.std()))


def _number(units: int | Ints) -> int:
    return units if isinstance(units, int) else len(units)


def _whole(units: int | Ints) -> Floats:
    return np.ones((1, units)) if isinstance(units, int) else units.astype(np.float64)[None]


def _draw(random: np.random.Generator, size: int, members: Ints, units: int) -> Floats:
    """How often each unit is among as many rows drawn with replacement, from the unit of each row."""
    weights = np.empty((size, units))
    for row in weights:
        row[:] = np.bincount(members[random.integers(0, len(members), len(members))], minlength=units)
    return weights
