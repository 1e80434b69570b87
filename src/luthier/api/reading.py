"""Rows as a model reads them: tokens with the task's targets, and what the model's tokenizer makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.data.check_tokens import check_tokens, count_words, find_cut_entities, find_misaligned
from luthier.data.findings import Finding
from luthier.data.load import Corpus
from luthier.data.row import Row
from luthier.data.tokens import Tokens, tokenize
from luthier.data.words import trimmed_offsets, word_heads
from luthier.errors import ModelError
from luthier.models.pretrained import Pretrained
from luthier.tasks.base import Head, Task

LENGTH_PERCENT = 99
"""Texts are cut where the default recipe cuts them: at a length that this share of them, in per cents, does not exceed."""


def encode(rows: Sequence[Row], task: Task, tokenizer: Any, limit: int | None) -> Tokens:
    """Rows as tokens with the task's targets, at most `limit` tokens each (None: all).

    Words are those of transformers' pipeline, but none begins with white space (see `trimmed_offsets`): what is true and what is
    found go by the same bounds.

    Raises:
        ModelError: entities need a tokenizer that says where its tokens stand, and this one does not.
    """
    texts, tokenwise = [row.text for row in rows], task.head is Head.TOKENS
    if tokenwise and not tokenizer.is_fast:
        raise ModelError("entities need a tokenizer that says which characters its tokens stand for (a fast one, with a "
                         "tokenizer.json); this model has none. Choose another model.")
    tokens = tokenize(texts, tokenizer, limit, [row.pair for row in rows], offsets=tokenwise)
    if tokenwise:
        tokens = replace(tokens, heads=word_heads(tokens, texts, tokenizer), offsets=trimmed_offsets(tokens, texts))
    return task.encode(tokens, rows)


def most_tokens(pretrained: Pretrained, tokenizer: Any) -> int:
    """The most tokens that a model reads at once."""
    return min(pretrained.positions, int(min(tokenizer.model_max_length, 10**6)))


def token_findings(corpus: Corpus, splits: Mapping[str, Tokens], tokenizer: Any, max_length: int, limit: int,
                   windows: bool = False) -> list[Finding]:
    """What a tokenizer makes of the rows of all parts.

    Args:
        splits: the rows of each part as its tokens.
        max_length: tokens of a row that are to be read at once; `limit` is the most that the model can read.
        windows: whether longer rows are read in windows.
    """
    parts = [(own, splits[part.value]) for part, own in corpus.apart.items()]
    rows = [row for part, _ in parts for row in part]
    lengths = np.concatenate([tokens.lengths for _, tokens in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    unknown = np.concatenate([_unknown(tokens, tokenizer.unk_token_id) for _, tokens in parts])
    given = np.concatenate([tokens.lengths if tokens.lengths_given is None else tokens.lengths_given for _, tokens in parts])
    spans: dict[str, Any] = {}
    if all(tokens.per_token for _, tokens in parts):
        offsets, heads = (np.concatenate([getattr(tokens, name) for _, tokens in parts]) for name in ("offsets", "heads"))
        spans = {"cut_entities": find_cut_entities(rows, starts, offsets, max_length - parts[0][1].special),
                 "misaligned": find_misaligned(rows, starts, offsets, heads)}
    words = count_words([row.text for row in rows]) + count_words([row.pair or "" for row in rows])
    return check_tokens(corpus.kind, rows, lengths=given, max_length=max_length, limit=limit, words=words,
                        windows=windows,
                        unknown=unknown, tokens=lengths - parts[0][1].special, uncased=_is_uncased(tokenizer), **spans)


def _unknown(tokens: Tokens, unknown_id: int | None) -> npt.NDArray[np.int64]:
    """How many tokens of each row stand for something that the vocabulary lacks. Shape [rows]."""
    places = np.zeros(0, np.int64) if unknown_id is None else np.flatnonzero(tokens.ids == unknown_id)
    return np.bincount(np.searchsorted(tokens.starts, places, side="right") - 1, minlength=len(tokens))


def _is_uncased(tokenizer: Any) -> bool:
    """Whether the tokenizer reads capitals as small letters."""
    return bool(tokenizer("Ana Paris")["input_ids"] == tokenizer("ana paris")["input_ids"])
