"""Tokens: cutting equals the tokenizer's own truncation, and the arrays survive the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from luthier.data.tokens import Tokens, percentile_length, special_tokens, tokenize
from luthier.models.classifier import load_tokenizer


@pytest.mark.parametrize("length", [4, 9, 16, 200])
def test_sequence_is_cut_as_the_tokenizer_would_cut(tiny_model: Path, example_rows: list[dict[str, str]], length: int) -> None:
    tokenizer, texts = load_tokenizer(tiny_model), [row["text"] for row in example_rows[:50]]
    tokens = tokenize(texts, [0] * 50, tokenizer, 256)
    expected = tokenizer(texts, truncation=True, max_length=length)["input_ids"]
    assert [tokens.sequence(i, length).token_ids.tolist() for i in range(50)] == expected


def test_sequence_of_a_decoder_is_cut_as_its_tokenizer_would_cut(shared: Path, example_rows: list[dict[str, str]]) -> None:
    tokenizer, texts = load_tokenizer(shared / "models/stories260k"), [row["text"] for row in example_rows[:50]]
    tokens = tokenize(texts, [0] * 50, tokenizer, 512)
    expected = tokenizer(texts, truncation=True, max_length=12)["input_ids"]
    assert [tokens.sequence(i, 12).token_ids.tolist() for i in range(50)] == expected


def test_special_tokens_counts_those_before_and_after(tiny_model: Path) -> None:
    assert special_tokens(load_tokenizer(tiny_model)) == (1, 1)


def test_tokens_survive_the_disk_memory_mapped(tiny_model: Path, tmp_path: Path) -> None:
    tokens = tokenize(["a good tent", "", "dreadful"], [1, -1, 0], load_tokenizer(tiny_model), 32)
    tokens.save(tmp_path / "t")
    again = Tokens.open(tmp_path / "t")
    assert isinstance(again.ids, np.memmap)
    for name in ("ids", "starts", "targets"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tokens, name))
    assert (again.prefix, again.suffix, len(again)) == (1, 1, 3)


def test_percentile_length_covers_nearly_all_rows(tiny_model: Path, example_rows: list[dict[str, str]]) -> None:
    tokens = tokenize([row["text"] for row in example_rows], [0] * len(example_rows), load_tokenizer(tiny_model), 512)
    length = percentile_length(tokens, 99, 512)
    assert length % 8 == 0 and (tokens.lengths <= length).mean() >= 0.99
    assert percentile_length(tokens, 99, 20) == 20
