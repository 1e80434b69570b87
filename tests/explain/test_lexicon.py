"""The lexicon: names are found without looking at every run of words, and are the same ones."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.row import Row, Span
from luthier.data.tokens import Tokens
from luthier.explain.controls import LONGEST_NAME, lexicon
from luthier.tasks.entities import Entities

TASK = Entities(("a", "b"))
CHARACTERS = "xyz  .-\u00a0é"


def _every_run(text: str) -> list[tuple[int, int, tuple[str, ...]]]:
    words = [found.span() for found in re.finditer(r"\w+(?:[^\s\w]+\w+)*|[^\s\w]", text)]
    return [(words[low][0], words[high - 1][1], tuple(text[words[low][0]:words[high - 1][1]].split()))
            for low in range(len(words)) for high in range(low + 1, min(len(words), low + LONGEST_NAME) + 1)]


def _slowly(train: list[Row], texts: list[str]) -> list[list[tuple[int, int, str]]]:
    """The names in texts, by every run of words of every row."""
    names: dict[tuple[str, ...], Counter[str]] = {}
    for row in train:
        for span in row.target:
            words = tuple(row.text[span.start:span.end].split())
            if len(words) <= LONGEST_NAME:
                names.setdefault(words, Counter())[span.label] += 1
    seen = Counter(words for row in train for _, _, words in _every_run(row.text) if words in names)
    known = {words: found.most_common(1)[0][0] for words, found in names.items() if 2 * found.total() > seen[words]}
    answers = []
    for text in texts:
        found: list[tuple[int, int, str]] = []
        for start, end, words in sorted(_every_run(text), key=lambda run: (run[0] - run[1], run[0])):
            if words in known and all(end <= low or high <= start for low, high, _ in found):
                found.append((start, end, known[words]))
        answers.append(sorted(found))
    return answers


def _tokens(texts: list[str]) -> Tokens:
    """One token a character, without special ones."""
    lengths = [max(1, len(text)) for text in texts]
    offsets = np.concatenate([np.stack([np.arange(n), np.arange(n) + 1], axis=1) for n in lengths]).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(np.zeros(len(offsets), np.int32), starts, np.zeros(len(texts)), 0, 0, offsets=offsets,
                  heads=np.ones(len(offsets), bool))


def _found(train: list[Row], texts: list[str]) -> list[list[tuple[int, int, str]]]:
    tokens = _tokens(texts)
    tags = lexicon(train, TASK).predict((tokens, [_row(text) for text in texts])).argmax(1)
    answers = []
    for row in range(len(texts)):
        own, spans = tags[tokens.starts[row]:tokens.starts[row + 1]].tolist(), []
        for at, tag in enumerate(own):
            if tag % 2:
                spans.append([at, at + 1, TASK.labels[(tag - 1) // 2]])
            elif tag:
                spans[-1][1] = at + 1
        answers.append([(low, high, label) for low, high, label in spans])
    return answers


def _row(text: str, spans: tuple[Span, ...] = ()) -> Row:
    return Row("", text, None, spans, "rows", 1)


@st.composite
def _labelled(draw: st.DrawFn) -> Row:
    text = draw(st.text(CHARACTERS, max_size=30))
    spans = []
    for _ in range(draw(st.integers(0, 3)) if text else 0):
        low = draw(st.integers(0, len(text) - 1))
        spans.append(Span(low, draw(st.integers(low + 1, len(text))), draw(st.sampled_from(TASK.labels))))
    return _row(text, tuple(sorted(spans)))


@given(train=st.lists(_labelled(), max_size=5), others=st.lists(st.text(CHARACTERS, max_size=30), max_size=3))
def test_lexicon_finds_what_every_run_of_words_would_find(train: list[Row], others: list[str]) -> None:
    texts = [row.text for row in train] + others
    if texts:
        assert _found(train, texts) == _slowly(train, texts)
