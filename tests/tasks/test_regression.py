"""Regression: numbers learnt in standard deviations, said in the unit of the rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from luthier.data.row import Row
from luthier.data.tokens import Tokens
from luthier.errors import ConfigError
from luthier.tasks.regression import BANDS, Regression

PAIRS = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-1e6, 1e6, width=32))
NUMBERS = np.array([10.0, 20.0, 60.0, 30.0])
ROWS = [Row(str(i), "text", None, float(number), "f", i) for i, number in enumerate(NUMBERS)]
TASK = Regression.make((), ROWS)
BLANK = Tokens(np.zeros(12, np.int32), np.arange(5) * 3, np.zeros(4, np.int32), 1, 1)


def test_scale_is_that_of_the_training_rows() -> None:
    assert (TASK.mean, TASK.deviation) == (30.0, pytest.approx(NUMBERS.std()))
    assert Regression.make((), ROWS[:1]).deviation == 1.0 and Regression.make(()) == Regression(())


def test_targets_are_the_numbers() -> None:
    tokens = TASK.encode(BLANK, ROWS)
    assert TASK.truth(tokens).tolist() == NUMBERS.tolist() and TASK.truth(tokens, np.array([2])).tolist() == [60]


def test_loss_is_half_the_squared_error_in_standard_deviations() -> None:
    logits = torch.tensor([[0.5], [-1.0], [2.0], [0.0]])
    found = TASK.losses(logits, torch.from_numpy(NUMBERS))
    said = TASK.scores(logits.numpy())[:, 0]
    np.testing.assert_allclose(found, ((said - NUMBERS) / NUMBERS.std()) ** 2 / 2, rtol=1e-5)
    assert TASK.chance_loss(NUMBERS) == pytest.approx(TASK.metrics(np.full((4, 1), 30.0), NUMBERS)["loss"])


def test_served_task_says_logits_as_they_are() -> None:
    logits = np.array([[0.3], [-2.0]])
    factor, shift = TASK.scale()
    np.testing.assert_allclose(TASK.served().scores(logits * factor + shift), TASK.scores(logits))
    assert TASK.served() == Regression.from_settings(("score",), TASK.settings())


def test_linear_model_predicts_by_scores() -> None:
    """Its weights are in standard deviations, as those of a trained head are."""
    features = np.random.default_rng(0).normal(size=(200, 3))
    numbers = features @ [3.0, -1.0, 0.0] + 100
    task = Regression((), mean=100.0, deviation=float(numbers.std()))
    weight, bias = task.fit_linear(features, numbers, 1e6)
    np.testing.assert_allclose(task.scores(features @ weight.T + bias)[:, 0], numbers, atol=1e-2)


def test_answers_and_surprises() -> None:
    scores = np.array([[10.0], [25.0], [31.23456], [33.0]])
    answers = TASK.answers(scores, BLANK, ["x"] * 4)
    assert answers[1] == {"score": 25.0} and TASK.said(answers[2]) == "31.23" and TASK.as_target(answers[1]) == 25.0
    assert [row for row, _ in TASK.surprises(scores, NUMBERS)] == [2, 1, 3, 0]


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_an_error_is_no_headline_and_the_message_says_what_is(metric: str) -> None:
    with pytest.raises(ConfigError, match=r"pearson, spearman, r2.*Less of it is better; r2"):
        Regression.make((), ROWS, metric)


@given(PAIRS)
def test_details_count_every_row_once(numbers: np.ndarray) -> None:
    details = Regression(()).details(numbers[:, :1], numbers[:, 1])
    assert np.sum(details["counts"]) == len(numbers) == sum(band["rows"] for band in details["by_number"])
    assert len(details["edges"]) == BANDS + 1 and np.shape(details["counts"]) == (BANDS, BANDS)
    assert sum(band["error"] * band["rows"] for band in details["by_number"]) == pytest.approx(
        np.abs(numbers[:, 0] - numbers[:, 1]).sum(), rel=1e-6, abs=1e-6)


def test_details_lay_true_numbers_down_and_predicted_ones_across() -> None:
    details = Regression(()).details(np.array([[0.0], [0.0], [12.0]]), np.array([12.0, 12.0, 0.0]))
    assert details["counts"][BANDS - 1][0] == 2 and details["counts"][0][BANDS - 1] == 1
    assert [(band["true"], band["predicted"], band["error"]) for band in details["by_number"]] == [(0, 12, 12), (12, 0, 12)]


def test_details_of_one_value_are_finite() -> None:
    details = Regression(()).details(np.full((3, 1), 2.0), np.full(3, 2.0))
    assert details["by_number"] == [{"low": 2.0, "high": pytest.approx(2 + 1 / BANDS), "rows": 3, "true": 2.0, "predicted": 2.0,
                                     "error": 0.0}]
