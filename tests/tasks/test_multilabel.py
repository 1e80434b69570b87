"""Multi-label: how sure a whole set of labels is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from luthier.data.tokens import Tokens
from luthier.tasks.multilabel import Multilabel

TOKENS = Tokens(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0), 0, 0)


def test_confidence_is_the_probability_of_the_whole_set() -> None:
    task = Multilabel(("a", "b"), thresholds=(0.2, 0.5))
    scores = np.array([[0.2, 0.1], [0.19, 0.1], [0.9, 0.6], [0.0, 1.0], [1.0, 0.0]])
    expected = [0.2 * 0.9, 0.81 * 0.9, 0.9 * 0.6, 1.0, 1.0]
    assert task.confidence(scores, TOKENS) == pytest.approx(expected)
    assert Multilabel(("a", "b")).confidence(scores, TOKENS)[0] == pytest.approx(0.8 * 0.9)


def test_a_label_given_at_a_low_threshold_is_not_a_sure_answer() -> None:
    task = Multilabel(("a", "b"), thresholds=(0.2, 0.2))
    found = task.calibration(np.array([[0.25, 0.01], [0.01, 0.01]]), np.array([[True, False], [False, False]]))
    assert [point["answered"] for point in found["operating_points"]] == [0.5] * 6


def test_operating_points_are_more_right_the_surer_they_are() -> None:
    random = np.random.default_rng(0)
    scores = random.beta(0.3, 1.2, (20_000, 6))
    truth = random.random(scores.shape) < scores
    task = Multilabel(tuple("abcdef"), thresholds=(0.2, 0.3, 0.5, 0.5, 0.6, 0.7))
    points = task.calibration(scores, truth)["operating_points"]
    assert all(before["right"] < after["right"] for before, after in itertools.pairwise(points))
    sure, right = task.confidence(scores, TOKENS), ((scores >= np.array(task.thresholds)) == truth).all(1)
    assert sure.mean() == pytest.approx(right.mean(), abs=0.01)
