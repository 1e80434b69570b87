"""A trial's curve: what was measured at each evaluation, in order, from the rows of curves.csv."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from luthier.explain.rows import Row, number, whole


@dataclass(frozen=True)
class Reading:
    """The metrics at one place of a curve. A value may be infinite or nan: that is how a curve ends that diverged."""

    step: int
    epoch: float
    work: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """What one trial was seen to do.

    Attributes:
        train: readings on the training batches (their last 20,000 rows or tokens) since the reading before, with dropout on.
        validation: readings on the validation rows, all on the same ones.
        rows: which validation rows: "rung" (a fixed part) or "all".
    """

    train: tuple[Reading, ...] = ()
    validation: tuple[Reading, ...] = ()
    rows: str = ""

    def after(self, parent: Curve, share: float) -> Curve:
        """This curve as the continuation of its parent's: a final goes on from its trial's weights, after a share of its steps."""
        steps = [reading.step for reading in (*self.train, *self.validation)] or [0]
        until, same = min(share * max(steps), min(steps) - 1), self.rows == parent.rows
        train = tuple(reading for reading in parent.train if reading.step <= until)
        validation = tuple(reading for reading in parent.validation if reading.step <= until) if same else ()
        return replace(self, train=train + self.train, validation=validation + self.validation)

    def values(self, metric: str) -> list[tuple[Reading, float]]:
        """The finite values of a validation metric, in order."""
        return _finite(self.validation, metric)

    def train_values(self, metric: str) -> list[tuple[Reading, float]]:
        """The finite values of a training metric, in order."""
        return _finite(self.train, metric)

    @property
    def is_finite(self) -> bool:
        """Whether every loss that was read is a number."""
        return all(math.isfinite(value) for reading in (*self.train, *self.validation)
                   for name, value in reading.metrics.items() if name in ("loss", "objective"))


def _finite(readings: Sequence[Reading], metric: str) -> list[tuple[Reading, float]]:
    return [(reading, reading.metrics[metric]) for reading in readings
            if math.isfinite(reading.metrics.get(metric, math.nan))]


@dataclass
class _Place:
    epoch: float
    work: float
    metrics: dict[str, float] = field(default_factory=dict)


def curves_of(rows: Sequence[Row]) -> dict[int, Curve]:
    """The curve of each trial in the rows of curves.csv.

    Where a trial was read on some of the validation rows and on all of them, those are kept that it was read on more
    often; and of raw and averaged weights the averaged, which are what is delivered.
    """
    found: dict[int, dict[tuple[str, str, str], dict[int, _Place]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        trial, step, value = whole(row.get("trial")), whole(row.get("step")), _value(row.get("value"))
        if trial is None or step is None or value is None:
            continue
        kind = (str(row.get("split")), str(row.get("rows") or ""), str(row.get("weights") or ""))
        place = _Place(number(row.get("epoch")) or 0.0, number(row.get("work")) or 0.0)
        found[trial][kind].setdefault(step, place).metrics[str(row.get("metric"))] = value
    return {trial: _curve(kinds) for trial, kinds in found.items()}


def _value(cell: object) -> float | None:
    """A value as it stands, nan and infinity included; None for an empty cell."""
    try:
        return float(str(cell))
    except ValueError:
        return None


def _curve(kinds: Mapping[tuple[str, str, str], Mapping[int, _Place]]) -> Curve:
    validation = [kind for kind in kinds if kind[0] == "validation"]
    best = max(validation, key=lambda kind: (kind[2] == "averaged", len(kinds[kind]), kind[1] != "all"), default=None)
    train = next((kind for kind in kinds if kind[0] == "train"), None)
    return Curve(_readings(kinds[train]) if train else (), _readings(kinds[best]) if best else (), best[1] if best else "")


def _readings(places: Mapping[int, _Place]) -> tuple[Reading, ...]:
    return tuple(Reading(step, place.epoch, place.work, place.metrics) for step, place in sorted(places.items()))
