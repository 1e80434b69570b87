"""Rows held out in turn: the figure corrected for the choice, and when to offer it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.search.few_rows import bbc_cv, expected_width, is_wide
from luthier.tasks.bootstrap import Floats
from luthier.tasks.classification import Classification


def share(right: Floats) -> Any:
    """The share of right rows; NaN of no row."""
    def statistic(weights: Floats) -> dict[str, Floats]:
        with np.errstate(invalid="ignore"):
            return {"accuracy": weights @ right / weights.sum(1), "other": weights.sum(1)}

    return statistic


def test_bbc_of_one_finalist_is_its_figure_with_the_interval_of_the_bootstrap() -> None:
    right = (np.arange(200) % 5 > 0).astype(float)
    found = bbc_cv([share(right)], "accuracy", 200)
    assert found.value == pytest.approx(0.8, abs=0.003)
    assert found.error == pytest.approx(0.4 / 200**0.5, rel=0.08)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * found.error, rel=0.1)


def test_bbc_lets_no_row_score_what_it_chose() -> None:
    """Finalist i is right on row i alone: drawn rows choose one of theirs, which is then wrong on all that were not drawn."""
    assert bbc_cv([share(row) for row in np.eye(12)], "accuracy", 12).value == 0.0


def test_bbc_chooses_by_the_rule_that_was_used() -> None:
    random = np.random.default_rng(0)
    better, default = (random.random(300) < 0.9).astype(float), (random.random(300) < 0.6).astype(float)
    both = [share(default), share(better)]
    assert bbc_cv(both, "accuracy", 300).value == pytest.approx(better.mean(), abs=0.01)
    kept = bbc_cv(both, "accuracy", 300, choice=lambda figures: int(figures[1] - figures[0] > 0.9))
    assert kept.value == pytest.approx(default.mean(), abs=0.01)


def test_the_gain_of_the_best_of_equal_recipes_is_nothing_once_it_is_corrected() -> None:
    chance = np.random.default_rng(0)
    naive, corrected = [], []
    for _ in range(12):
        finalists = (chance.random((8, 150)) < 0.8).astype(float)
        naive.append(finalists.mean(1).max() - finalists[0].mean())
        corrected.append(bbc_cv([share(row) for row in finalists], "accuracy", 150, against=0).value)
    assert np.mean(naive) > 0.03 and abs(np.mean(corrected)) < 0.012
    better = [share(np.zeros(100)), share(np.ones(100))]
    assert bbc_cv(better, "accuracy", 100, against=0).value == pytest.approx(1.0)


def test_bbc_draws_groups_together() -> None:
    right = np.repeat((np.arange(40) % 4 > 0).astype(float), 10)
    rows = bbc_cv([share(right)], "accuracy", 400)
    documents = bbc_cv([share(right)], "accuracy", 400, groups=np.repeat(np.arange(40), 10))
    assert documents.error == pytest.approx(rows.error * 10**0.5, rel=0.2)


def test_bbc_takes_the_statistic_of_a_task() -> None:
    task = Classification(("a", "b", "c"), "macro_f1")
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 120)
    finalists = []
    for skill in (0.5, 2.0):
        scores = random.random((120, 3)) + skill * np.eye(3)[truth] * (random.random((120, 1)) < 0.7)
        finalists.append(scores / scores.sum(1, keepdims=True))
    own = [task.metrics(scores, truth)["macro_f1"] for scores in finalists]
    found = bbc_cv([task.statistic(scores, truth) for scores in finalists], "macro_f1", 120)
    assert own[0] < found.value <= own[1] + 0.02 and found.low < found.value < found.high


def test_bbc_refuses_what_has_no_rows_to_leave_out() -> None:
    with pytest.raises(ValueError, match="Too few rows"):
        bbc_cv([share(np.ones(1))], "accuracy", 1)
    with pytest.raises(ValueError, match="no finalist"):
        bbc_cv([], "accuracy", 10)


def test_the_width_of_a_test_is_wilson_s() -> None:
    assert expected_width(100) == pytest.approx(0.1553, abs=5e-4)  # 0.7112 to 0.8666: 80 of 100
    assert expected_width(0) == 1.0
    assert [is_wide(rows) for rows in (60, 240, 260, 5000)] == [True, True, False, False]
    assert not is_wide(60, right=0.99)
