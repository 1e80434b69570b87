"""Controls: what one gets on the same rows without fine-tuning. A result means little beside none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.sharing.features import logistic_regression
from luthier.tasks.base import Floats, Ints, Task

STRENGTHS = (1.0, 10.0, 100.0)
"""Values of C tried for a control; the best on the validation rows is kept, as a careful user would."""

MOST_WORDS, MOST_WEIGHTS = 200_000, 10_000_000
"""The most frequent words and pairs are kept; the weights of all labels together stay within some 100 MB."""


@dataclass(frozen=True)
class Control:
    """A fitted control: `predict` turns rows, in the form it was fitted on, into probabilities [rows, labels]."""

    name: str
    title: str
    predict: Callable[[Any], Floats]


def majority(targets: Ints, labels: int) -> Control:
    """Always the label that is most frequent in training."""
    shares = np.bincount(targets, minlength=labels) / len(targets)
    return Control("majority", "most frequent label", lambda rows: np.tile(shares, (len(rows), 1)))


def tfidf(texts: Sequence[str], targets: Ints, validation: Sequence[str], truth: Ints, task: Task) -> Control:
    """Words and pairs of words, weighted by TF-IDF, under a logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    most = min(MOST_WORDS, MOST_WEIGHTS // len(task.labels))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", max_features=most)
    try:
        features = vectorizer.fit_transform(texts)
    except ValueError:  # no row holds a word: only the frequencies are left
        return Control("tfidf", "TF-IDF + logistic regression", majority(targets, len(task.labels)).predict)
    predict = _best_regression(features, targets, vectorizer.transform(validation), truth, task)
    return Control("tfidf", "TF-IDF + logistic regression", lambda rows: predict(vectorizer.transform(rows)))


def probe(features: npt.NDArray[np.float32], targets: Ints, validation: npt.NDArray[np.float32], truth: Ints,
          task: Task) -> Control:
    """A logistic regression on the mean hidden state of the frozen pre-trained model, standardised."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    scale = np.sqrt(features.shape[1])
    predict = _best_regression(scaler.transform(features) / scale, targets, scaler.transform(validation) / scale, truth, task)
    return Control("probe", "frozen probe", lambda rows: predict(scaler.transform(rows) / scale))


def _best_regression(features: Any, targets: Ints, validation: Any, truth: Ints, task: Task) -> Callable[[Any], Floats]:
    """The regression whose C scores best on the validation rows, as a function of features."""
    best: tuple[float, Any] | None = None
    for c in STRENGTHS:
        model = logistic_regression(features, targets, c)
        value = task.metrics(_probabilities(model, validation, len(task.labels)), truth)[task.metric]
        if best is None or value > best[0]:
            best = (value, model)
    assert best is not None
    chosen = best[1]
    return lambda rows: _probabilities(chosen, rows, len(task.labels))


def _probabilities(model: Any, features: Any, labels: int) -> npt.NDArray[np.float64]:
    found = np.zeros((features.shape[0], labels))
    found[:, model.classes_] = model.predict_proba(features)
    return found
