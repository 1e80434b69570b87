"""Rows tokenised once and kept flat, so that every trial, epoch and worker reads the same memory-mapped arrays.

A `Tokens` stands for the rows of one split; a `Sequence` is one row, or one window of a long row, as a model sees it.
Rows are kept up to the model's own maximum and cut to a recipe's `max_length` when read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence as Seq
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Sequence:
    """The token ids (shape [length]) of one window of one row."""

    row: int
    window: int
    token_ids: Ints


@dataclass(frozen=True)
class Tokens:
    """The token ids of many rows: row i is `ids[starts[i]:starts[i + 1]]`; `targets[i]` its label's index, -1 if none.

    The first `prefix` and the last `suffix` ids of each row are special tokens, which cutting keeps.
    """

    ids: Ints
    starts: npt.NDArray[np.int64]
    targets: Ints
    prefix: int
    suffix: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each row, special tokens included. Shape [rows]."""
        return np.diff(self.starts)

    def sequence(self, row: int, max_length: int) -> Sequence:
        """Row number `row`, cut to `max_length` tokens as the tokenizer itself would cut it."""
        ids = self.ids[self.starts[row]:self.starts[row + 1]]
        if len(ids) > max_length:
            kept = max_length - self.suffix
            ids = np.concatenate([ids[:kept], ids[len(ids) - self.suffix:]])
        return Sequence(row, 0, ids)

    def save(self, folder: Path) -> None:
        """Write the arrays to a new folder."""
        folder.mkdir(parents=True)
        for name in ("ids", "starts", "targets"):
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        (folder / "tokens.json").write_text(json.dumps({"prefix": self.prefix, "suffix": self.suffix}))

    @classmethod
    def open(cls, folder: Path) -> Tokens:
        """The arrays of a folder that `save` wrote, memory-mapped."""
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                  for name in ("ids", "starts", "targets")}
        return cls(**arrays, **json.loads((folder / "tokens.json").read_text()))


def tokenize(texts: Seq[str], targets: Seq[int], tokenizer: Any, limit: int) -> Tokens:
    """Tokenise `texts`, at most `limit` tokens each (special tokens included)."""
    prefix, suffix = special_tokens(tokenizer)
    pieces: list[Ints] = []
    lengths = [0]
    for first in range(0, len(texts), 1000):
        encoded = tokenizer(list(texts[first:first + 1000]), truncation=True, max_length=limit)["input_ids"]
        encoded = [ids or [tokenizer.pad_token_id] for ids in encoded]  # an empty text, where there are no special tokens
        lengths.extend(len(ids) for ids in encoded)
        pieces.extend(np.asarray(ids, dtype=np.int32) for ids in encoded)
    flat = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)
    return Tokens(flat, np.cumsum(lengths, dtype=np.int64), np.asarray(targets, dtype=np.int32), prefix, suffix)


def special_tokens(tokenizer: Any) -> tuple[int, int]:
    """How many special tokens the tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    prefix = next((i for i in range(len(full) - len(bare) + 1) if full[i:i + len(bare)] == bare), 0)
    return prefix, len(full) - prefix - len(bare)


def percentile_length(tokens: Tokens, percent: float, limit: int) -> int:
    """The length that `percent` per cent of the rows do not exceed, rounded up to a multiple of 8, within `limit`."""
    longest = int(np.percentile(tokens.lengths, percent, method="higher"))
    return int(min(limit, max(16, -(-longest // 8) * 8)))
