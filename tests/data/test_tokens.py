"""Tokens: cutting equals the tokenizer's own truncation, and the arrays survive the disk."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.data.sequences import Cut, sequences
from luthier.data.tokens import Tokens, gather, percentile_length, special_tokens, tokenize
from luthier.models.classifier import load_tokenizer


@pytest.mark.parametrize("length", [4, 9, 16, 200])
def test_sequence_is_cut_as_the_tokenizer_would_cut(tiny_model: Path, example_rows: list[dict[str, str]], length: int) -> None:
    tokenizer, texts = load_tokenizer(tiny_model), [row["text"] for row in example_rows[:50]]
    tokens = tokenize(texts, tokenizer, 256)
    expected = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
    read = sequences(tokens, Cut(length))
    assert [tokens.ids[read.positions(i)].tolist() for i in range(50)] == expected


def test_sequence_of_a_decoder_is_cut_as_its_tokenizer_would_cut(shared: Path, example_rows: list[dict[str, str]]) -> None:
    tokenizer, texts = load_tokenizer(shared / "models/stories260k"), [row["text"] for row in example_rows[:50]]
    tokens = tokenize(texts, tokenizer, 512)
    expected = tokenizer(texts, truncation=True, max_length=12)["input_ids"]
    read = sequences(tokens, Cut(12))
    assert [tokens.ids[read.positions(i)].tolist() for i in range(50)] == expected


def test_special_tokens_counts_those_before_and_after(tiny_model: Path) -> None:
    assert special_tokens(load_tokenizer(tiny_model)) == (1, 0, 1)
    assert special_tokens(load_tokenizer(tiny_model), pair=True) == (1, 1, 1)


def test_tokens_survive_the_disk_memory_mapped(tiny_model: Path, tmp_path: Path) -> None:
    tokens = tokenize(["a good tent", "", "dreadful"], load_tokenizer(tiny_model), 32, ["x", "y z", "w"], offsets=True)
    tokens = dataclasses.replace(tokens, targets=np.array([1, -1, 0], np.int32))
    tokens.save(tmp_path / "t")
    again = Tokens.open(tmp_path / "t")
    assert isinstance(again.ids, np.memmap)
    for name in ("ids", "starts", "targets", "lengths_given", "seconds", "types", "offsets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tokens, name))
    assert (again.prefix, again.middle, again.suffix, len(again)) == (1, 1, 1, 3)
    assert again.heads is None and again.spans is None


def test_percentile_length_covers_nearly_all_rows(tiny_model: Path, example_rows: list[dict[str, str]]) -> None:
    tokens = tokenize([row["text"] for row in example_rows], load_tokenizer(tiny_model), 512)
    length = percentile_length(tokens, 99, 512)
    assert length % 8 == 0 and (tokens.lengths <= length).mean() >= 0.99
    assert percentile_length(tokens, 99, 20) == 20


class _Counting:
    """A tokenizer that keeps which texts it was given."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.given = tokenizer, []

    def __call__(self, texts: Any, *others: Any, **options: Any) -> Any:
        self.given += texts if isinstance(texts, list) else []
        return self.tokenizer(texts, *others, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)


@pytest.mark.parametrize("pairs", [None, ["a tent"] * 40])
def test_only_texts_that_fill_the_limit_are_tokenised_twice(tiny_model: Path, example_rows: list[dict[str, str]],
                                                            pairs: list[str] | None) -> None:
    tokenizer, texts = load_tokenizer(tiny_model), ["", *(row["text"] for row in example_rows[:39])]
    whole = tokenize(texts, tokenizer, None, pairs).lengths
    limit = int(np.median(whole))
    counting = _Counting(tokenizer)
    cut = tokenize(texts, counting, limit, pairs)
    assert cut.lengths_given is not None and cut.lengths_given.tolist() == whole.tolist()
    assert sorted(counting.given) == sorted([*texts, *(texts[i] for i in np.flatnonzero(whole >= limit))])


@pytest.mark.parametrize("offsets", [False, True])
def test_gathered_rows_are_those_of_the_splits_that_they_come_from(tiny_model: Path, offsets: bool) -> None:
    """Tokenising the chosen texts anew gives the same."""
    tokenizer, random = load_tokenizer(tiny_model), np.random.default_rng(0)
    texts = [["a good tent", "", "dreadful", "the tent is good, the bag is not", "fine"], ["not bad", "a bag", "it broke at once"]]
    pairs = [[f"{text} or not" for text in part] for part in texts] if not offsets else [None, None]
    rows = [np.array([3, 0, 4]), np.array([2, 1])]
    parts, chosen = [], []
    for own, second, which in zip(texts, pairs, rows, strict=True):
        found = tokenize(own, tokenizer, 32, second, offsets=offsets)
        targets = random.integers(0, 9, len(found.ids) if offsets else len(own)).astype(np.int32)
        spans = np.array([[4, 0, 2, 1], [0, 3, 5, 0], [3, 1, 4, 2], [0, 0, 1, 1]], np.int32)
        spans = spans[spans[:, 0] < len(own)] if offsets else None
        parts.append((dataclasses.replace(found, targets=targets, spans=spans), which))
        chosen += [(own[row], second[row] if second else None, parts[-1][0], row) for row in which.tolist()]
    got = gather(parts)
    second = None if offsets else [pair for _, pair, *_ in chosen]
    again = tokenize([text for text, *_ in chosen], tokenizer, 32, second, offsets=offsets)
    for name in ("ids", "starts", "lengths_given", "seconds", "types", "offsets"):
        np.testing.assert_array_equal(getattr(got, name), getattr(again, name))
    for place, (*_, tokens, row) in enumerate(chosen):
        own = tokens.units(np.array([row]))
        np.testing.assert_array_equal(got.targets[got.units(np.array([place]))], tokens.targets[own])
        if tokens.spans is not None:
            assert got.spans is not None
            np.testing.assert_array_equal(got.spans[got.spans[:, 0] == place, 1:], tokens.spans[tokens.spans[:, 0] == row, 1:])
    assert (got.prefix, got.middle, got.suffix) == (again.prefix, again.middle, again.suffix)
