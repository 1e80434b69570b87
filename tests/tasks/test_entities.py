"""Entities: what becomes of scores of tokens."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.tasks.entities import Entities


def test_training_figures_of_nothing_are_none() -> None:
    assert Entities(("place",)).batch_metrics(np.zeros((0, 3)), np.zeros(0, np.int64)) == {}


def test_training_figures_by_hand() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3]])
    found = Entities(("place",)).batch_metrics(scores, np.array([0, 1, 2]))
    # true: one entity of two pieces; found: two entities of one piece
    assert found == {"f1": 0.0, "loss": pytest.approx(-np.log([0.8, 0.7, 0.3]).mean())}
