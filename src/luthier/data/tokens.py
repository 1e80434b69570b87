"""Rows tokenised once and kept flat, so that every trial, epoch and worker reads the same memory-mapped arrays.

A `Tokens` stands for the rows of one split; what a model sees of them, cut or in windows, is a `Sequences` of it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence as Seq
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.files import write_array

Ints = npt.NDArray[np.int32]
Array = npt.NDArray[Any]
CHUNK = 1000
IGNORED = -100
"""The target of what is not trained where each token has a target: special tokens and padding."""


@dataclass(frozen=True)
class Tokens:
    """The token ids of many rows: row i is `ids[starts[i]:starts[i + 1]]`, special tokens included.

    The first `prefix` and the last `suffix` ids of each row are special tokens, which cutting keeps.

    Attributes:
        targets: what a model is to say of each row, as its task encodes it; entities: of each token. Shape [rows, ...] or
            [tokens].
        lengths_given: tokens of each row before any were left out. Shape [rows].
        seconds: where the second text of each pair begins in its row; `middle` special tokens stand before it. Shape [rows].
        types: token types, for models that tell the two texts of a pair by them. Shape [tokens].
        offsets: the characters that each token stands for, from and to; special tokens have (0, 0). Shape [tokens, 2].
        heads: whether a token is the first of a word. Shape [tokens].
        spans: entities as (row, start, end, label's index), in characters. Shape [entities, 4].
    """

    ids: Ints
    starts: npt.NDArray[np.int64]
    targets: Array
    prefix: int
    suffix: int
    middle: int = 0
    lengths_given: npt.NDArray[np.int64] | None = None
    seconds: npt.NDArray[np.int64] | None = None
    types: npt.NDArray[np.int8] | None = None
    offsets: Ints | None = None
    heads: npt.NDArray[np.bool_] | None = None
    spans: Ints | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each row, special tokens included. Shape [rows]."""
        return np.diff(self.starts)

    @property
    def per_token(self) -> bool:
        """Whether each token has a target of its own."""
        return self.offsets is not None

    @property
    def special(self) -> int:
        """Special tokens of each row."""
        return self.prefix + self.middle + self.suffix

    def units(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """What the targets and scores of some rows are numbered by: the rows, or all of their tokens where these have targets."""
        if not self.per_token:
            return rows
        lengths = self.lengths[rows]
        firsts = np.repeat(self.starts[:-1][rows] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        return np.asarray(firsts + np.arange(lengths.sum()))

    def save(self, folder: Path) -> None:
        """Write the arrays to a new folder."""
        folder.mkdir(parents=True)
        plain = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int):
                plain[field.name] = value
            elif value is not None:
                write_array(folder / f"{field.name}.npy", value)
        (folder / "tokens.json").write_text(json.dumps(plain))

    @classmethod
    def open(cls, folder: Path) -> Tokens:
        """The arrays of a folder that `save` wrote, memory-mapped."""
        arrays = {file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in sorted(folder.glob("*.npy"))}
        return cls(**arrays, **json.loads((folder / "tokens.json").read_text()))


def gather(parts: Seq[tuple[Tokens, npt.NDArray[np.int64]]]) -> Tokens:
    """Some rows of each of several splits, one after another, as a split of their own."""
    starts = [np.zeros(1, np.int64)]
    found: dict[str, list[Array]] = {}
    for number, (tokens, rows) in enumerate(parts):
        lengths = tokens.lengths[rows]
        places = np.repeat(tokens.starts[:-1][rows] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        by_row = {"lengths_given": rows, "seconds": rows, "targets": places if tokens.per_token else rows}
        by_token = dict.fromkeys(("ids", "types", "offsets", "heads"), places)
        for name, which in {**by_row, **by_token}.items():
            if (values := getattr(tokens, name)) is not None:
                found.setdefault(name, []).append(np.asarray(values[which]))
        if tokens.spans is not None:
            found.setdefault("spans", []).append(_moved(tokens.spans, rows, sum(len(before) for _, before in parts[:number])))
        starts.append(starts[-1][-1] + np.cumsum(lengths))
    first = parts[0][0]
    return Tokens(starts=np.concatenate(starts), prefix=first.prefix, suffix=first.suffix, middle=first.middle,
                  **{name: np.concatenate(values) for name, values in found.items()})


def _moved(spans: Ints, rows: npt.NDArray[np.int64], before: int) -> Ints:
    """The spans of some rows, of which each has a new number: its place among them, after so many others."""
    order = np.argsort(spans[:, 0], kind="stable")
    first, last = (np.searchsorted(spans[order, 0], rows, side=side) for side in ("left", "right"))
    each = last - first
    places = np.repeat(first - np.cumsum(each) + each, each) + np.arange(each.sum())
    moved = np.array(spans[order[places]])
    moved[:, 0] = before + np.repeat(np.arange(len(rows)), each)
    return moved


def tokenize(texts: Seq[str], tokenizer: Any, limit: int | None, pairs: Seq[str | None] | None = None,
             offsets: bool = False) -> Tokens:
    """Tokenise `texts`, keeping at most `limit` tokens each (special tokens included; None: all). Targets are left at 0.

    Args:
        pairs: the second text of each, or None for each.
        offsets: whether to keep which characters each token stands for, and which begin a word.
    """
    paired = [pair or "" for pair in pairs] if pairs is not None and any(pair is not None for pair in pairs) else None
    prefix, middle, suffix = special_tokens(tokenizer, paired is not None)
    flat: dict[str, list[Array]] = {"ids": [], "types": [], "offsets": []}  # an array for each chunk: one a text costs more
    lengths, given, seconds = [0], [], []
    for first in range(0, len(texts), CHUNK):
        chunk = list(texts[first:first + CHUNK])
        second = None if paired is None else paired[first:first + CHUNK]
        cut = {} if limit is None else {"truncation": "longest_first", "max_length": limit}
        encoded = tokenizer(chunk, second, verbose=False, return_offsets_mapping=offsets, **cut)
        if limit is not None:
            given += _lengths(tokenizer, chunk, second, [len(ids) for ids in encoded["input_ids"]], limit)
        rows = [ids or [tokenizer.pad_token_id] for ids in encoded["input_ids"]]  # a text may be empty
        lengths += [len(ids) for ids in rows]
        flat["ids"].append(_flat(rows, np.int32))
        if second is not None:
            seconds += [_second_start(encoded.sequence_ids(index), len(ids) - suffix) for index, ids in enumerate(rows)]
            if "token_type_ids" in encoded:
                flat["types"].append(_flat(encoded["token_type_ids"], np.int8))
        if offsets:
            flat["offsets"].append(_flat([places or [(0, 0)] for places in encoded["offset_mapping"]], np.int32).reshape(-1, 2))
    joined = {name: np.concatenate(parts) for name, parts in flat.items() if parts}
    starts = np.cumsum(lengths, dtype=np.int64)
    return Tokens(
        joined.get("ids", np.zeros(0, np.int32)), starts, np.zeros(len(texts), np.int32), prefix, suffix, middle,
        lengths_given=np.asarray(given, np.int64) if limit is not None else np.diff(starts),
        seconds=np.asarray(seconds, np.int64) if paired is not None else None, types=joined.get("types"),
        offsets=joined.get("offsets", np.zeros((0, 2), np.int32)) if offsets else None)


def _flat(rows: Seq[Seq[Any]], kind: type[np.generic]) -> Array:
    """The values of all rows, one after another."""
    return np.asarray(list(itertools.chain.from_iterable(rows)), dtype=kind)


def _lengths(tokenizer: Any, chunk: list[str], second: list[str] | None, kept: list[int], limit: int) -> list[int]:
    """Tokens of each text before it was cut: those kept, but for texts that fill the limit, which are tokenised once more."""
    lengths = [max(1, number) for number in kept]
    full = [index for index, number in enumerate(kept) if number >= limit]
    if full:
        whole = tokenizer([chunk[index] for index in full], None if second is None else [second[index] for index in full],
                          verbose=False, return_attention_mask=False, return_token_type_ids=False)["input_ids"]
        for index, ids in zip(full, whole, strict=True):
            lengths[index] = len(ids)
    return lengths


def _second_start(parts: Seq[int | None], end: int) -> int:
    return next((place for place, part in enumerate(parts) if part == 1), end)


def special_tokens(tokenizer: Any, pair: bool = False) -> tuple[int, int, int]:
    """How many special tokens the tokenizer puts before a text, between the two of a pair, and after."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    prefix = next((i for i in range(len(full) - len(bare) + 1) if full[i:i + len(bare)] == bare), 0)
    if not pair:
        return prefix, 0, len(full) - prefix - len(bare)
    encoded = tokenizer("a", "b")
    parts = encoded.sequence_ids(0)
    first, second = ([place for place, part in enumerate(parts) if part == which] for which in (0, 1))
    return first[0], second[0] - first[-1] - 1, len(parts) - second[-1] - 1


def used_ids(tokens: Tokens, pad_token_id: int) -> npt.NDArray[np.int64]:
    """The token ids that any row has, and that of padding, in order."""
    seen = np.zeros(1 + max(int(tokens.ids.max(initial=0)), pad_token_id), bool)
    seen[tokens.ids] = True
    seen[pad_token_id] = True
    return np.flatnonzero(seen)


def percentile_length(tokens: Tokens, percent: float, limit: int) -> int:
    """The length that `percent` per cent of the rows do not exceed, rounded up to a multiple of 8, within `limit`."""
    longest = int(np.percentile(tokens.lengths, percent, method="higher"))
    return int(min(limit, max(16, -(-longest // 8) * 8)))
