"""Which rows meet in which step, and how they become padded tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens
from luthier.recipes.recipe import steps_per_epoch

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Padded inputs and targets: `input_ids` and `attention_mask` of shape [rows, longest], `targets` of [rows]."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.targets.to(device))


@lru_cache(maxsize=4)
def epoch_order(rows: int, seed: int, epoch: int) -> Rows:
    """The order of the rows in one epoch: a function of (seed, epoch) alone, so there is no state to save."""
    return np.random.default_rng([seed, epoch]).permutation(rows)


def step_rows(step: int, rows: int, batch_size: int, seed: int) -> Rows:
    """The rows of optimiser step `step` (from 0)."""
    epoch, index = divmod(step, steps_per_epoch(rows, batch_size))
    return epoch_order(rows, seed, epoch)[index * batch_size:(index + 1) * batch_size]


def collate(tokens: Tokens, rows: Sequence[int] | Rows, max_length: int, pad_token_id: int) -> Batch:
    """The given rows as one batch, padded on the right to the longest of them."""
    import torch

    sequences = [tokens.sequence(int(row), max_length).token_ids for row in rows]
    lengths = np.array([len(ids) for ids in sequences])
    filled = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(filled.shape, pad_token_id, dtype=np.int64)
    padded[filled] = np.concatenate(sequences)
    return Batch(torch.from_numpy(padded), torch.from_numpy(filled.astype(np.int64)),
                 torch.from_numpy(tokens.targets[np.asarray(rows)].astype(np.int64)))


def by_length(tokens: Tokens, rows: Rows, batch_size: int) -> Iterator[Rows]:
    """Batches of rows of like length, for evaluation: hardly any padding. Yields positions into `rows`."""
    positions = np.argsort(tokens.lengths[rows], kind="stable")
    for first in range(0, len(positions), batch_size):
        yield positions[first:first + batch_size]
