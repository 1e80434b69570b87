"""Controls: what one gets on the same rows without fine-tuning. A result means little beside none of them.

Each fits a linear model of the task on features that need no training, or none at all; its strength is the best on the
validation rows, as a careful user would choose it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.data.row import Row, Span
from luthier.data.tokens import Tokens
from luthier.tasks.base import Floats, Task, Truth

STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse strengths of the L2 penalty that are tried."""

MOST_WORDS, MOST_WEIGHTS = 200_000, 10_000_000
"""The most frequent words and pairs are kept; the weights of all labels together stay within some 100 MB."""
LONGEST_NAME = 8
"""The most words and marks of an entity that is looked up."""
Targets = npt.NDArray[Any]
Texts = tuple[Sequence[str], Sequence[str] | None]
"""Texts and, for pairs, the second text of each."""


@dataclass(frozen=True)
class Control:
    """A fitted control: `predict` turns rows, in the form it was fitted on, into scores [units, outputs]."""

    name: str
    title: str
    predict: Callable[[Any], Floats]


def majority(task: Task, targets: Targets, title: str) -> Control:
    """What one says who knows nothing but how often each label occurs in training, of so many units."""
    guess = task.guess(targets)
    return Control("majority", title, lambda units: np.tile(guess, (units, 1)))


def tfidf(texts: Texts, targets: Targets, validation: Texts, truth: Truth, task: Task) -> Control:
    """Words and pairs of words, weighted by TF-IDF, under a linear model; pairs by what they share and what they do not."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    title = "TF-IDF + ridge regression" if len(task.outputs) == 1 else "TF-IDF + logistic regression"
    most = min(MOST_WORDS, MOST_WEIGHTS // len(task.outputs))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", max_features=most)
    try:
        vectorizer.fit([*texts[0], *(texts[1] or ())])
    except ValueError:  # no row holds a word: only the frequencies are left
        guess = task.guess(targets)
        return Control("tfidf", title, lambda rows: np.tile(guess, (len(rows[0]), 1)))

    def features(rows: Texts) -> Any:
        one = vectorizer.transform(rows[0])
        return one if rows[1] is None else compared(one, vectorizer.transform(rows[1]))

    predict = _best_linear(features(texts), targets, features(validation), truth, task)
    return Control("tfidf", title, lambda rows: predict(features(rows)))


def probe(features: npt.NDArray[np.float32], targets: Targets, validation: npt.NDArray[np.float32], truth: Truth,
          task: Task) -> Control:
    """A linear model on what the frozen pre-trained model makes of a text, standardised."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    scale = np.sqrt(features.shape[1])
    predict = _best_linear(scaler.transform(features) / scale, targets, scaler.transform(validation) / scale, truth, task)
    return Control("probe", "frozen probe", lambda rows: predict(scaler.transform(rows) / scale))


def token_probe(features: npt.NDArray[np.float32], targets: Targets, task: Task,
                predict: Callable[[Any, npt.NDArray[np.float32], npt.NDArray[np.float32]], Floats]) -> Control:
    """A linear model on what the frozen pre-trained model makes of each token, standardised.

    Args:
        predict: the scores of rows by a model whose last layer has a given weight and bias.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    scale = np.sqrt(features.shape[1])
    weight, bias = task.fit_linear(scaler.transform(features) / scale, targets, 100.0)
    weight = weight / (scaler.scale_ * scale)
    bias = bias - weight @ scaler.mean_
    return Control("probe", "frozen probe", lambda rows: predict(rows, weight.astype(np.float32), bias.astype(np.float32)))


def lexicon(rows: Sequence[Row], task: Task) -> Control:
    """Every name that was an entity in training, wherever the same words stand; the longest first."""
    names: dict[tuple[str, ...], Counter[str]] = {}
    for row in rows:
        for span in row.target or ():  # type: ignore[union-attr]
            assert isinstance(span, Span)
            words = tuple(row.text[span.start:span.end].split())
            if len(words) <= LONGEST_NAME:
                names.setdefault(words, Counter())[span.label] += 1
    outside: Counter[tuple[str, ...]] = Counter()
    firsts = _by_first_piece(names)
    for row in rows:
        outside.update(words for _, _, words in _runs(row.text, firsts) if words in names)
    known = {words: found.most_common(1)[0][0] for words, found in names.items() if 2 * found.total() > outside[words]}
    firsts = _by_first_piece(known)

    def predict(form: tuple[Tokens, Sequence[Row]]) -> Floats:
        tokens, texts = form
        tagged = task.encode(tokens, [_with_spans(row, _look_up(row.text, known, firsts)) for row in texts])
        return np.asarray(np.eye(len(task.outputs))[np.maximum(tagged.targets, 0)])

    return Control("lexicon", "names seen in training", predict)


def compared(one: Any, two: Any) -> Any:
    """Features of pairs from those of their texts: how far they are apart, what they share, and their cosine.

    Args:
        one, two: dense or sparse, [rows, features].

    Returns:
        |u − v|, u·v by feature, and cos(u, v): [rows, 2 × features + 1] (Reimers & Gurevych 2019, with the cosine).
    """
    import scipy.sparse

    product, apart = (one.multiply(two), abs(one - two)) if scipy.sparse.issparse(one) else (one * two, np.abs(one - two))
    norms = [np.sqrt(np.asarray(each.multiply(each).sum(1) if scipy.sparse.issparse(each) else (each * each).sum(1)).ravel())
             for each in (one, two)]
    cosine = np.asarray(product.sum(1)).ravel() / np.maximum(norms[0] * norms[1], 1e-12)
    if scipy.sparse.issparse(one):
        return scipy.sparse.hstack([apart, product, scipy.sparse.csr_matrix(cosine[:, None])]).tocsr()
    return np.concatenate([apart, product, cosine[:, None]], axis=1)


def _best_linear(features: Any, targets: Targets, validation: Any, truth: Truth, task: Task) -> Callable[[Any], Floats]:
    """The linear model whose strength scores best on the validation rows, as a function of features."""
    best: tuple[float, Callable[[Any], Floats]] | None = None
    for strength in STRENGTHS:
        weight, bias = task.fit_linear(features, targets, strength)

        def predict(rows: Any, weight: Any = weight, bias: Any = bias) -> Floats:
            return task.scores(np.asarray(rows @ weight.T) + bias)

        value = task.metrics(predict(validation), truth)[task.metric]
        if best is None or value > best[0]:
            best = (value, predict)
    assert best is not None
    return best[1]


def _pieces(text: str) -> list[tuple[int, int]]:
    """The words and marks of a text, from and to; a mark within a word is part of it."""
    import re

    return [found.span() for found in re.finditer(r"\w+(?:[^\s\w]+\w+)*|[^\s\w]", text)]


def _by_first_piece(names: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """The first piece of each name, with the most pieces of a name that begins so."""
    found: dict[str, int] = {}
    for name in names:
        text = " ".join(name)
        pieces = _pieces(text)
        if pieces:
            first = text[slice(*pieces[0])]
            found[first] = max(found.get(first, 0), len(pieces))
    return found


def _runs(text: str, firsts: Mapping[str, int]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """The runs of up to `LONGEST_NAME` pieces that may be names: where each stands, and its words.

    Args:
        firsts: what names begin with, and how many pieces they have at most, from `_by_first_piece`.
    """
    pieces = _pieces(text)
    for at, (low, end) in enumerate(pieces):
        for _, high in pieces[at:at + min(LONGEST_NAME, firsts.get(text[low:end], 0))]:
            yield low, high, tuple(text[low:high].split())


def _look_up(text: str, known: Mapping[tuple[str, ...], str], firsts: Mapping[str, int]) -> tuple[Span, ...]:
    found: list[Span] = []
    for start, end, words in sorted(_runs(text, firsts), key=lambda run: (run[0] - run[1], run[0])):
        if words in known and all(end <= span.start or span.end <= start for span in found):
            found.append(Span(start, end, known[words]))
    return tuple(sorted(found))


def _with_spans(row: Row, spans: tuple[Span, ...]) -> Row:
    import dataclasses

    return dataclasses.replace(row, target=spans)
