"""Which sequences meet in which step, and how they become padded tensors."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Seq
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from luthier.data.sequences import Sequences
from luthier.data.tokens import IGNORED
from luthier.recipes.recipe import steps_per_epoch

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Padded inputs and targets.

    `input_ids`, `attention_mask` and, for pairs, `token_type_ids` have the shape [sequences, longest]; `targets` are of each
    sequence, or of each token.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    token_type_ids: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        types = None if self.token_type_ids is None else self.token_type_ids.to(device)
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.targets.to(device), types)

    def inputs(self) -> dict[str, torch.Tensor]:
        """What a model is called with."""
        found = {"input_ids": self.input_ids, "attention_mask": self.attention_mask}
        return found if self.token_type_ids is None else {**found, "token_type_ids": self.token_type_ids}


@lru_cache(maxsize=4)
def epoch_order(rows: int, seed: int, epoch: int) -> Rows:
    """The order of the sequences in one epoch: a function of (seed, epoch) alone, so there is no state to save."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def step_rows(step: int, rows: int, batch_size: int, seed: int) -> Rows:
    """The sequences of optimiser step `step` (from 0)."""
    epoch, index = divmod(step, steps_per_epoch(rows, batch_size))
    return epoch_order(rows, seed, epoch)[index * batch_size:(index + 1) * batch_size]


def collate(sequences: Sequences, which: Seq[int] | Rows, pad_token_id: int) -> Batch:
    """The given sequences as one batch, padded on the right to the longest of them."""
    import torch

    tokens = sequences.tokens
    positions = [sequences.positions(int(index)) for index in which]
    lengths = np.array([len(found) for found in positions])
    filled = np.arange(lengths.max()) < lengths[:, None]
    flat = np.concatenate(positions)

    def padded(values: npt.NDArray[np.generic], fill: int) -> torch.Tensor:
        array = np.full(filled.shape, fill, dtype=np.int64)
        array[filled] = values
        return torch.from_numpy(array)

    if tokens.per_token:
        targets = padded(tokens.targets[flat], IGNORED)
    else:
        own = tokens.targets[sequences.rows[np.asarray(which)]]
        targets = torch.from_numpy(own.astype(np.float32 if own.dtype.kind == "f" else np.int64))
    types = None if tokens.types is None else padded(tokens.types[flat], 0)
    return Batch(padded(tokens.ids[flat], pad_token_id), torch.from_numpy(filled.astype(np.int64)), targets, types)


def by_length(lengths: Rows, batch_size: int) -> Iterator[Rows]:
    """Batches of sequences of like length: hardly any padding. Yields positions into `lengths`."""
    positions = np.argsort(lengths, kind="stable")
    for first in range(0, len(positions), batch_size):
        yield positions[first:first + batch_size]


def by_tokens(lengths: Rows, most: int) -> Iterator[Rows]:
    """Sequences of like length together, as many as have `most` tokens at the most. Yields positions into `lengths`."""
    positions = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[positions])
    first = 0
    while first < len(positions):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield positions[first:last]
        first = last
