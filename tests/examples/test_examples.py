"""The examples that the wheel ships: their size, that no two rows are alike, and that words alone do not solve them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from importlib import resources

import numpy as np
import pytest

from luthier.explain.controls import tfidf
from luthier.tasks.classification import Classification

EXAMPLES = {"reviews": 3, "support": 12}


def read(name: str) -> list[dict[str, str]]:
    with resources.files("luthier").joinpath(f"examples/{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def words(text: str) -> list[str]:
    return re.sub(r"[^\w\s]", "", text.lower()).split()


@pytest.mark.parametrize(("name", "labels"), EXAMPLES.items())
def test_example_has_enough_rows_of_every_label(name: str, labels: int) -> None:
    counts = Counter(row["label"] for row in read(name))
    assert sum(counts.values()) >= 600 and len(counts) == labels and min(counts.values()) >= 40


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_rows_differ_after_normalisation(name: str) -> None:
    texts = Counter(" ".join(words(row["text"])) for row in read(name))
    assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_rows_do_not_share_a_frame(name: str) -> None:
    """No more than two rows begin with the same four words, or end with them, or share seven words in a row."""
    starts, ends, runs = Counter[str](), Counter[str](), Counter[str]()
    for row in read(name):
        found = words(row["text"])
        if len(found) >= 6:
            starts[" ".join(found[:4])] += 1
            ends[" ".join(found[-4:])] += 1
        runs.update({" ".join(found[i:i + 7]) for i in range(len(found) - 6)})
    for shared in (starts, ends, runs):
        assert {part: count for part, count in shared.items() if count > 2} == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_beyond_words_alone(name: str) -> None:
    rows = read(name)
    task = Classification(tuple(sorted({row["label"] for row in rows})))
    targets, texts = task.encode([row["label"] for row in rows]), [row["text"] for row in rows]
    held = np.arange(len(rows)) % 5 == 0
    control = tfidf([t for t, h in zip(texts, held, strict=True) if not h], targets[~held],
                    [t for t, h in zip(texts, held, strict=True) if h], targets[held], task)
    scores = control.predict([t for t, h in zip(texts, held, strict=True) if h])
    assert task.metrics(scores, targets[held])["macro_f1"] < 0.85
