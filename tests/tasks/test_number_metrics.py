"""Regression metrics against SciPy and scikit-learn, plain and weighted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from luthier.tasks.bootstrap import bootstrap, bootstrap_difference
from luthier.tasks.number_metrics import number_metrics


def _varies(values: np.ndarray) -> bool:
    return len(set(values.tolist())) > 1


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 3)), min_size=1, max_size=30),
       scale=st.sampled_from([1.0, 1e-6, 1e6]), shift=st.sampled_from([0.0, 100.0]))
def test_figures_are_scipys_plain_and_weighted(pairs: list[tuple[int, int, int]], scale: float, shift: float) -> None:
    predictions, targets, times = np.array(pairs, dtype=float).T
    predictions, targets = predictions * scale + shift * scale, targets * scale
    times = times.astype(int)
    times[0] += 1
    figures = number_metrics(predictions, targets)(np.array([np.ones(len(times)), times]))
    for place, repeats in enumerate((np.ones(len(times), dtype=int), times)):
        one, two = np.repeat(predictions, repeats), np.repeat(targets, repeats)
        vary = _varies(one) and _varies(two)
        expected = {"pearson": stats.pearsonr(one, two).statistic if vary else 0.0,
                    "spearman": stats.spearmanr(one, two).statistic if vary else 0.0,
                    "r2": reference.r2_score(two, one) if _varies(two) else 0.0,
                    "rmse": reference.root_mean_squared_error(two, one), "mae": reference.mean_absolute_error(two, one),
                    "loss": reference.mean_squared_error(two, one)}
        assert {name: value[place] for name, value in figures.items()} == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e-9, 12345.678])
def test_constant_predictions_correlate_with_nothing(constant: float) -> None:
    targets = np.random.default_rng(0).normal(size=50)
    scores = bootstrap(number_metrics(np.full(50, constant), targets), 50)
    for name in ("pearson", "spearman"):
        assert (scores[name].value, scores[name].low, scores[name].high) == (0, 0, 0)
    assert scores["rmse"].value == pytest.approx(np.sqrt(((targets - constant) ** 2).mean()))


def test_intervals_agree_with_a_plain_bootstrap_over_rows() -> None:
    random = np.random.default_rng(1)
    targets = random.integers(0, 6, 60).astype(float)
    predictions = np.round(targets + random.normal(size=60), 1)
    scores = bootstrap(number_metrics(predictions, targets), 60)
    plain = []
    for _ in range(1000):
        rows = random.integers(0, 60, 60)
        plain.append([stats.pearsonr(predictions[rows], targets[rows]).statistic,
                      stats.spearmanr(predictions[rows], targets[rows]).statistic])
    for name, values in zip(("pearson", "spearman"), np.array(plain).T, strict=True):
        assert [scores[name].low, scores[name].high] == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=0.02)
        assert scores[name].low < scores[name].value < scores[name].high


def test_differences_are_paired() -> None:
    random = np.random.default_rng(2)
    targets = random.normal(size=200)
    one = targets + random.normal(size=200)
    two = one + 0.05 * random.normal(size=200)
    difference = bootstrap_difference(number_metrics(one, targets), number_metrics(two, targets), 200)["pearson"]
    assert difference.error < 0.2 * bootstrap(number_metrics(one, targets), 200)["pearson"].error
