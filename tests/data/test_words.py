"""Which tokens begin a word: what the pipeline of transformers takes for one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.data.row import Row
from luthier.data.tokens import Tokens, tokenize
from luthier.data.words import knows_words, word_heads
from luthier.models.classifier import load_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")


@pytest.fixture(params=["tiny_model", "byte_level_model"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    path: Path = request.getfixturevalue(request.param)
    return load_tokenizer(path)


def heads_of(tokenizer: Any, texts: list[str]) -> Tokens:
    tokens = tokenize(texts, tokenizer, None, offsets=True)
    return dataclasses.replace(tokens, heads=word_heads(tokens, texts, tokenizer))


def test_words_are_those_of_the_pipeline(tokenizer: Any, odd_texts: list[str], reviews: list[Row]) -> None:
    from transformers.pipelines.token_classification import AggregationStrategy, TokenClassificationPipeline

    pipe = object.__new__(TokenClassificationPipeline)
    pipe.tokenizer = tokenizer
    texts = [*odd_texts, *(row.text for row in reviews[:100])]
    tokens = heads_of(tokenizer, texts)
    assert tokens.heads is not None
    for row, text in enumerate(texts):
        encoded = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
        found = pipe.gather_pre_entities(text, np.array(encoded["input_ids"]), np.zeros((len(encoded["input_ids"]), 1)),
                                         encoded["offset_mapping"], np.array(encoded["special_tokens_mask"]),
                                         AggregationStrategy.FIRST)
        expected = [place == 0 or not piece["is_subword"] for place, piece in enumerate(found)]
        own = tokens.heads[tokens.starts[row]:tokens.starts[row + 1]].tolist()
        assert own == [False, *expected, False], text


def test_tokenizers_are_told_apart_by_their_marks(tiny_model: Path, byte_level_model: Path) -> None:
    assert knows_words(load_tokenizer(tiny_model)) and not knows_words(load_tokenizer(byte_level_model))


def test_pieces_of_a_word_are_no_words(tiny_model: Path, reviews: list[Row]) -> None:
    tokenizer = load_tokenizer(tiny_model)
    tokens = heads_of(tokenizer, [row.text for row in reviews[:50]])
    assert tokens.heads is not None
    names = tokenizer.convert_ids_to_tokens(tokens.ids.tolist())
    assert any(name.startswith("##") for name in names)
    assert tokens.heads.tolist() == [not name.startswith(("##", "[CLS]", "[SEP]")) for name in names]


def test_texts_without_a_token_have_no_words(tokenizer: Any) -> None:
    tokens = heads_of(tokenizer, ["", "a", ""])
    assert tokens.heads is not None and tokens.heads.sum() == 1
