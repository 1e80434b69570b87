"""Confident learning against the formulas of the paper, written out; probes that see no row of the fold they judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.data.row import Kind, text_key
from luthier.errors import DataError
from luthier.explain import label_errors as le


def case(seed: int, rows: int, labels: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    draw = np.random.default_rng(seed)
    return draw.dirichlet(np.full(labels, 0.5), rows), draw.integers(labels, size=rows)


def slow_labels(p: Any, given_labels: Any) -> list[int]:
    """The columns of the confident joint that rows fall in (Northcutt et al. 2021, section 3.1), -1 for none."""
    n, k = p.shape
    own = [[x for x in range(n) if given_labels[x] == j] for j in range(k)]
    t = [sum(p[x][j] for x in own[j]) / len(own[j]) if own[j] else 2.0 for j in range(k)]
    confident = []
    for x in range(n):
        over = [j for j in range(k) if p[x][j] >= t[j] - 1e-12]
        confident.append(max(over, key=lambda j: p[x][j]) if over else -1)
    return confident


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 5))
def test_confident_labels_are_those_of_the_paper(seed: int, rows: int, labels: int) -> None:
    probabilities, named = case(seed, rows, labels)
    confident = slow_labels(probabilities, named)
    assert le.confident_labels(probabilities, named).tolist() == confident
    wrong, _ = le.confident_errors(probabilities, named)
    assert wrong.tolist() == [best not in (-1, label) for best, label in zip(confident, named, strict=True)]


def test_suspects_of_classes_are_ranked_by_margin() -> None:
    p = np.asarray([[.9, .1], [.8, .2], [.1, .9], [.2, .8], [.95, .05], [.3, .7]])
    found = le.suspects(Kind.CLASS, p, np.asarray([0, 0, 1, 1, 1, 0]), ("no", "yes"))
    assert [(one.row, one.given, one.suggested) for one in found] == [(4, "yes", "no"), (5, "no", "yes")]
    assert [one.score for one in found] == pytest.approx([0.05, 0.3])


def test_suspects_of_sets_change_only_what_is_suspect() -> None:
    p = np.asarray([[.9, .1], [.9, .2], [.1, .1], [.1, .9], [.05, .9], [.9, .9]])
    given_sets = np.asarray([[1, 0], [1, 0], [0, 0], [0, 1], [1, 1], [1, 0]])
    found = le.suspects(Kind.LABELS, p, given_sets, ("a", "b"))
    assert [(one.row, one.given, one.suggested) for one in found] == [(4, "a; b", "b"), (5, "a", "a; b")]


def test_suspects_of_numbers_are_far_from_their_prediction() -> None:
    predictions = np.linspace(0, 5, 101)
    named = predictions + np.random.default_rng(0).uniform(-0.1, 0.1, 101)
    named[7] += 3
    (one,) = le.suspects(Kind.NUMBER, predictions, named)
    assert one.row == 7 and one.score < 1e-6
    assert le.suspects(Kind.NUMBER, predictions, predictions) == []


def test_entities_are_out_of_scope() -> None:
    with pytest.raises(DataError, match="cannot judge entities"):
        le.suspects(Kind.SPANS, np.zeros(3), np.zeros(3))
    with pytest.raises(DataError, match="cannot judge entities"):
        le.out_of_fold(Kind.SPANS, np.zeros((99, 2)), np.zeros(99), 2, range(99))


@pytest.mark.parametrize("kind", [Kind.CLASS, Kind.LABELS, Kind.NUMBER])
def test_folds_keep_groups_whole_and_spread_labels(kind: Kind) -> None:
    draw = np.random.default_rng(0)
    targets = {Kind.CLASS: draw.integers(3, size=300), Kind.LABELS: np.eye(3, dtype=int)[draw.integers(3, size=300)],
               Kind.NUMBER: draw.normal(size=300)}[kind]
    groups = [index // 2 for index in range(300)]
    fold = le.assign_folds(kind, targets, groups, 5, 0)
    assert (fold[::2] == fold[1::2]).all() and np.bincount(fold).tolist() == [60] * 5
    assert (fold == le.assign_folds(kind, targets, groups, 5, 0)).all()


@pytest.mark.parametrize("kind", [Kind.CLASS, Kind.LABELS, Kind.NUMBER])
def test_out_of_fold_learns_what_is_there_and_nothing_of_the_row_itself(kind: Kind) -> None:
    draw = np.random.default_rng(1)
    features = draw.normal(size=(400, 6))
    side = (features[:, 0] > 0).astype(np.int64)
    targets = {Kind.CLASS: side, Kind.LABELS: np.stack([side, 1 - side], 1), Kind.NUMBER: features[:, 0] * 2}[kind]
    found = le.out_of_fold(kind, features, targets, 2, range(400))
    if kind is Kind.NUMBER:
        assert np.corrcoef(found, targets)[0, 1] > 0.99
    else:
        assert (found.argmax(1) == np.reshape(targets, (400, -1))[:, 0] if kind is Kind.CLASS else
                (found > 0.5) == targets).mean() > 0.95
    if kind is Kind.CLASS:
        np.testing.assert_allclose(found.sum(1), 1)
        noise = le.out_of_fold(kind, draw.normal(size=(400, 300)), side, 2, range(400))
        assert 0.4 < (noise.argmax(1) == side).mean() < 0.6


def test_out_of_fold_of_too_few_rows_is_refused() -> None:
    with pytest.raises(DataError, match="49 rows are too few"):
        le.out_of_fold(Kind.CLASS, np.zeros((49, 2)), np.zeros(49, int), 2, range(49))
    with pytest.raises(DataError, match="too few"):
        le.out_of_fold(Kind.CLASS, np.zeros((99, 2)), np.zeros(99, int), 2, [0] * 99)


def test_flipped_labels_of_real_rows_are_found(shared: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = [json.loads(line) for line in (shared / "data/sms_spam/train.jsonl").read_text(encoding="utf-8").splitlines()[:2000]]
    truth = np.asarray([row["label"] == "spam" for row in rows]).astype(np.int64)
    flipped = np.random.default_rng(0).random(len(rows)) < 0.05
    named = np.where(flipped, 1 - truth, truth)
    features = TfidfVectorizer(sublinear_tf=True).fit_transform([row["text"] for row in rows]).tocsr()
    probabilities = le.out_of_fold(Kind.CLASS, features, named, 2, [text_key(row["text"]) for row in rows])
    found = [flipped[one.row] for one in le.suspects(Kind.CLASS, probabilities, named, ("ham", "spam"))]
    assert np.mean(found) > 0.8 and sum(found) / flipped.sum() > 0.6
