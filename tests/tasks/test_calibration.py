"""Calibration: errors by hand and against scikit-learn, temperatures that are known, operating points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn import metrics as reference

from luthier.tasks.bootstrap import bootstrap
from luthier.tasks.calibration import (
    BINS,
    COLDEST,
    HOTTEST,
    calibration_metrics,
    class_squares,
    describe_point,
    fit_temperature,
    label_squares,
    operating_metrics,
    operating_points,
    reliability,
)


def _classes(rows: int, labels: int, temperature: float, seed: int, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are to be divided by `temperature`, and targets drawn accordingly."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, spread, (rows, labels))
    shares = softmax(logits, axis=1)
    return logits * temperature, (shares.cumsum(1) < random.random((rows, 1))).sum(1)


def _labels(rows: int, labels: int, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    logits = random.normal(-2, 2, (rows, labels))
    return logits * temperature, random.random((rows, labels)) < expit(logits)


def _ece(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """The calibration error of rows that each count once."""
    return float(calibration_metrics(confidence, right, np.zeros(len(right)), bins)(np.ones((1, len(right))))["ece"][0])


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.91, 0.55, 0.52, 0.1])
    right = np.array([True, False, True, True, False])
    # ten bins: (0.9, 1] has 2 answers, 0.93 against 0.5; (0.5, 0.6] has 2, 0.535 against 1; (0, 0.1] has 1, 0.1 against 0
    assert _ece(confidence, right, 10) == pytest.approx((2 * 0.43 + 2 * 0.465 + 0.1) / 5)


@settings(deadline=None)
@given(values=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40), bins=st.integers(1, 20))
def test_calibration_error_and_reliability_tell_the_same(values: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = np.array([value for value, _ in values]), np.array([value for _, value in values])
    rows = reliability(confidence, right, bins)
    assert sum(row["rows"] for row in rows) == len(values)
    expected = sum(row["rows"] * abs(row["confidence"] - row["right"]) for row in rows) / len(values)
    assert _ece(confidence, right, bins) == pytest.approx(expected, abs=1e-12)
    assert all(row["low"] - 1e-9 <= row["confidence"] <= row["high"] + 1e-9 for row in rows)


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(2, 40), labels=st.integers(2, 5), seed=st.integers(0, 10**6))
def test_brier_scores_are_scikit_learns(rows: int, labels: int, seed: int) -> None:
    logits, targets = _classes(rows, labels, 1.0, seed)
    probabilities = softmax(logits, axis=1)
    shares = probabilities[:, 1] if labels == 2 else probabilities
    assert class_squares(probabilities, targets).mean() == pytest.approx(
        reference.brier_score_loss(targets, shares, labels=range(labels)))
    logits, truth = _labels(rows, labels, 1.0, seed)
    each = [reference.brier_score_loss(truth[:, i], expit(logits[:, i]), labels=[False, True]) for i in range(labels)]
    assert label_squares(expit(logits), truth).mean() == pytest.approx(np.mean(each))


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 30), seed=st.integers(0, 10**6), many=st.booleans())
def test_weighted_figures_are_those_of_repeated_rows(rows: int, seed: int, many: bool) -> None:
    random = np.random.default_rng(seed)
    shape = (rows, 3) if many else (rows,)
    confidence, right = random.random(shape), random.random(shape) < 0.6
    times = random.integers(0, 4, rows)
    times[0] += 1
    squares = ((confidence - right) ** 2).reshape(rows, -1).mean(1)
    again, all_right = np.repeat(confidence, times, 0), np.repeat(right, times, 0)
    figures = calibration_metrics(confidence, right, squares)(times[None].astype(float))
    assert figures["ece"][0] == pytest.approx(_ece(again.ravel(), all_right.ravel()))
    assert figures["brier"][0] == pytest.approx(((again - all_right) ** 2).mean())


def test_intervals_of_calibration() -> None:
    logits, targets = _classes(400, 3, 3.0, 0)
    probabilities = softmax(logits, axis=1)
    statistic = calibration_metrics(probabilities.max(1), probabilities.argmax(1) == targets, class_squares(probabilities, targets))
    scores = bootstrap(statistic, 400)
    assert set(scores) == {"ece", "brier"}
    assert scores["ece"].low > 0.1


@pytest.mark.parametrize("temperature", [0.25, 0.6, 1.8, 5.0])
def test_a_known_temperature_is_found_and_mends_the_probabilities(temperature: float) -> None:
    logits, targets = _classes(4000, 4, temperature, 1)
    found = fit_temperature(logits.astype(np.float32), targets, "softmax")
    assert found == pytest.approx(temperature, rel=0.06)
    before, after = (softmax(logits / t, axis=1) for t in (1.0, found))
    errors = [_ece(p.max(1), p.argmax(1) == targets) for p in (before, after)]
    assert errors[1] < min(0.03, 0.5 * errors[0])
    logits, truth = _labels(2000, 6, temperature, 2)
    assert fit_temperature(logits, truth, "sigmoid") == pytest.approx(temperature, rel=0.06)


def test_probabilities_that_are_calibrated_are_mostly_left_alone() -> None:
    found = [fit_temperature(*_classes(200, 3, 1.0, seed), "softmax") for seed in range(40)]
    assert sum(temperature == 1.0 for temperature in found) >= 25
    assert all(0.7 < temperature < 1.4 for temperature in found)


def test_too_few_rows_or_one_label_fit_no_temperature() -> None:
    logits, targets = _classes(29, 3, 4.0, 0)
    assert fit_temperature(logits, targets, "softmax") == 1.0
    logits, targets = _classes(200, 3, 4.0, 0)
    assert fit_temperature(logits, np.zeros_like(targets), "softmax") == 1.0
    assert fit_temperature(logits, np.zeros((200, 3), dtype=bool), "sigmoid") == 1.0


def test_answers_that_are_all_right_do_not_make_the_model_certain() -> None:
    targets = np.arange(100) % 2
    logits = 3.0 * np.eye(2)[targets]
    temperature = fit_temperature(logits, targets, "softmax")
    confidence = softmax(logits / temperature, axis=1).max()
    assert 0.97 < confidence < 0.999


def test_temperatures_are_bounded() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 500)
    assert COLDEST <= fit_temperature(1e-3 * np.eye(2)[targets] + 0.0, targets, "softmax") < COLDEST * 1.01
    assert HOTTEST * 0.99 < fit_temperature(random.normal(size=(500, 2)) * 1e4, targets, "softmax") <= HOTTEST


def test_operating_points_by_hand_and_in_words() -> None:
    confidence, right = np.array([0.55, 0.65, 0.85, 0.92]), np.array([False, True, True, False])
    points = operating_points(confidence, right, (0.5, 0.8, 0.95))
    assert points == [{"confidence": 0.5, "answered": 1.0, "right": 0.5}, {"confidence": 0.8, "answered": 0.5, "right": 0.5},
                      {"confidence": 0.95, "answered": 0.0, "right": None}]
    assert [describe_point(point) for point in points] == [
        "at confidence ≥ 0.5: 100 % of rows answered, 50 % right", "at confidence ≥ 0.8: 50 % of rows answered, 50 % right",
        "at confidence ≥ 0.95: no row answered"]


@pytest.mark.parametrize(("answered", "right", "words"), [
    (0.712, 0.964, "71 % of rows answered, 96 % right"), (0.999, 0.9999, "over 99 % of rows answered, over 99 % right"),
    (0.004, 0.0, "under 1 % of rows answered, 0 % right"), (1.0, 1.0, "100 % of rows answered, 100 % right")])
def test_words_never_round_to_all_or_none(answered: float, right: float, words: str) -> None:
    assert describe_point({"confidence": 0.8, "answered": answered, "right": right}) == f"at confidence ≥ 0.8: {words}"


def test_operating_points_have_intervals() -> None:
    random = np.random.default_rng(3)
    confidence = random.uniform(0.4, 0.99, 300)
    right = random.random(300) < confidence
    scores = bootstrap(operating_metrics(confidence, right), 300)
    for point in operating_points(confidence, right, (0.5, 0.6, 0.7, 0.8, 0.9)):
        name = f"{point['confidence']:g}"
        assert scores[f"answered_{name}"].value == point["answered"]
        assert scores[f"right_{name}"].value == pytest.approx(point["right"])
        assert scores[f"right_{name}"].low < scores[f"right_{name}"].high
    assert not bootstrap(operating_metrics(np.full(3, 0.6), np.ones(3, dtype=bool), (0.9,)), 3).keys() - {"answered_0.9"}
