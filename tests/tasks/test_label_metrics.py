"""Multi-label metrics against scikit-learn, plain and weighted; thresholds against a search over all of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from luthier.tasks.bootstrap import Floats, bootstrap
from luthier.tasks.label_metrics import ENOUGH, Bools, label_metrics, tune_thresholds


def _corpus(rows: int, labels: int, seed: int, rate: float = 0.3) -> tuple[Floats, Bools]:
    """Probabilities with ties that go along with the truth; rows and labels without any may occur."""
    random = np.random.default_rng(seed)
    truth = random.random((rows, labels)) < rate
    return np.clip(np.round(0.3 * truth + 0.7 * random.random((rows, labels)), 1), 0.05, 0.95), truth


def _f1(truth: Bools, given: Bools) -> float:
    return float(2 * (truth & given).sum() / (truth.sum() + given.sum()))


def _expected(probabilities: Floats, thresholds: Floats, truth: Bools) -> dict[str, float]:
    """What scikit-learn says."""
    given = probabilities >= thresholds
    there = truth.any(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        macro = reference.f1_score(truth, given, average="macro", zero_division=np.nan) if (truth | given).any() else 0.0
        return {
            "micro_f1": reference.f1_score(truth, given, average="micro", zero_division=0), "macro_f1": macro,
            "subset_accuracy": reference.accuracy_score(truth, given),
            "mean_average_precision": reference.average_precision_score(truth[:, there], probabilities[:, there])
            if there.any() else np.nan,
            "loss": reference.log_loss(truth.ravel(), probabilities.ravel(), labels=[False, True])}


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(2, 30), labels=st.integers(2, 5), seed=st.integers(0, 10**6), rate=st.sampled_from([0.02, 0.2, 0.6]))
def test_figures_are_scikit_learns_plain_and_weighted(rows: int, labels: int, seed: int, rate: float) -> None:
    probabilities, truth = _corpus(rows, labels, seed, rate)
    thresholds = np.linspace(0.3, 0.7, labels)
    times = np.random.default_rng(seed).integers(0, 4, rows)
    times[0] += 1
    figures = label_metrics(probabilities, thresholds, truth)(np.array([np.ones(rows), times]))
    for place, repeats in enumerate((np.ones(rows, dtype=int), times)):
        expected = _expected(np.repeat(probabilities, repeats, 0), thresholds, np.repeat(truth, repeats, 0))
        assert {name: value[place] for name, value in figures.items()} == pytest.approx(expected, nan_ok=True)


def test_every_figure_has_an_interval() -> None:
    probabilities, truth = _corpus(80, 4, 1)
    scores = bootstrap(label_metrics(probabilities, np.full(4, 0.5), truth), 80)
    assert set(scores) == {"micro_f1", "macro_f1", "subset_accuracy", "mean_average_precision", "loss"}
    assert all(score.low < score.value < score.high for score in scores.values())


def test_rows_that_have_no_label_and_are_given_none_are_right() -> None:
    figures = label_metrics(np.full((3, 2), 0.1), np.full(2, 0.5), np.zeros((3, 2), dtype=bool))(np.ones((1, 3)))
    assert figures["subset_accuracy"][0] == 1
    assert figures["micro_f1"][0] == figures["macro_f1"][0] == 0
    assert np.isnan(figures["mean_average_precision"][0])


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_with_enough_positive_rows_a_threshold_is_that_of_the_best_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random((120, 2)) < 0.4
    truth[:ENOUGH] = True
    probabilities = 0.3 * truth + 0.7 * random.random((120, 2))
    thresholds = tune_thresholds(probabilities, truth)
    for i in range(2):
        candidates = [_f1(truth[:, i], probabilities[:, i] >= score) for score in probabilities[:, i]]
        assert _f1(truth[:, i], probabilities[:, i] >= thresholds[i]) == pytest.approx(max(candidates))


def test_a_threshold_lies_midway_between_the_neighbouring_scores() -> None:
    truth = np.repeat([[True], [False]], 30, axis=0)
    probabilities = np.concatenate([np.linspace(0.4, 0.9, 30), np.linspace(0.01, 0.2, 30)])[:, None]
    assert tune_thresholds(probabilities, truth) == pytest.approx([0.3])


def test_neighbouring_scores_too_near_to_part_are_parted_rightly() -> None:
    high = np.nextafter(0.5, 1)
    probabilities = np.repeat([[high], [0.5]], 30, axis=0)
    truth = np.repeat([[True], [False]], 30, axis=0)
    assert ((probabilities >= tune_thresholds(probabilities, truth)) == truth).all()


def test_few_positive_rows_move_a_threshold_little() -> None:
    """A label of 200 positive rows sets the shared threshold to 0.3; the other's best cut is 0.8, on ever fewer rows."""
    common = np.concatenate([np.full(200, 0.4), np.full(200, 0.2)])
    thresholds = []
    for positives in (0, 1, 10, 20):
        rare = np.where(np.arange(400) < positives, 0.9, 0.1)
        rare[200:210] = 0.7
        truth = np.stack([np.arange(400) < 200, np.arange(400) < positives], 1)
        thresholds.append(tune_thresholds(np.stack([common, rare], 1), truth))
    own = [pair[1] for pair in thresholds]
    assert [pair[0] for pair in thresholds] == pytest.approx([0.3] * 4)
    assert own[0] == pytest.approx(0.3)
    assert own[3] == pytest.approx(0.8)
    assert own == sorted(own)
    odds = np.log([0.3 / 0.7, 0.8 / 0.2])
    assert own[2] == pytest.approx(1 / (1 + np.exp(-odds.mean())))


def test_without_positive_rows_thresholds_are_one_half() -> None:
    assert tune_thresholds(np.array([[0.2, 0.9], [0.1, 0.3]]), np.zeros((2, 2), dtype=bool)) == pytest.approx([0.5, 0.5])


def test_shrinking_pays_where_labels_are_rare() -> None:
    """Calibrated probabilities, three positive rows a label: each label's own best cut does worse on new rows."""
    random = np.random.default_rng(0)
    logits = random.normal(-4.5, 1.5, (6000, 20))
    probabilities = 1 / (1 + np.exp(-logits))
    truth = random.random((6000, 20)) < probabilities
    shown, new = slice(0, 100), slice(100, None)
    shrunk = tune_thresholds(probabilities[shown], truth[shown])
    often = np.tile(np.arange(100), ENOUGH)
    own = tune_thresholds(probabilities[often], truth[often])
    halves = np.full(20, 0.5)
    figures = [label_metrics(probabilities[new], thresholds, truth[new])(np.ones((1, 5900)))["macro_f1"][0]
               for thresholds in (shrunk, own, halves)]
    assert figures[0] > max(figures[1:]) + 0.02
