"""Training figures: of the last units alone, so that they take no more memory on many tokens."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.engines import tally
from luthier.engines.tally import Seen
from luthier.tasks.classification import Classification
from luthier.training.loop import Step

TASK = Classification(("no", "yes"))


def _step(number: int, right: bool, units: int) -> Step:
    scores = np.tile([0.1, 0.9] if right else [0.9, 0.1], (units, 1))
    return Step(number, float(number), 1e-4, units, units, scores, np.ones(units, np.int64))


def test_training_figures_are_of_the_last_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST_UNITS", 8)
    seen = Seen()
    for number in range(1, 101):
        seen.add(_step(number, number > 90, 3))
        assert sum(len(scores) for scores, _ in seen.units) < 8 + 3
    assert {scores.dtype for scores, _ in seen.units} == {np.dtype(np.float32)}
    found = seen.figures(TASK)
    assert (found["accuracy"], found["objective"]) == (1.0, 50.5)


def test_training_figures_of_few_units_are_of_all() -> None:
    seen = Seen()
    assert seen.figures(TASK) == {}
    for number, right in enumerate((True, False, True, True), 1):
        seen.add(_step(number, right, 5))
    assert seen.figures(TASK)["accuracy"] == 0.75
    assert seen.figures(TASK)["loss"] == pytest.approx(-(3 * np.log(0.9) + np.log(0.1)) / 4)
