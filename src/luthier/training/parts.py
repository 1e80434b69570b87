"""The parts of a batch that pass through a model one after another: how large they are, and smaller where memory runs out.

A batch is cut by length, which leaves its gradient as it is and saves padding. When memory runs out in a part, parts become
half as large and stay so; the batch, and the gradient of a step, are the same, but for rounding.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from luthier.errors import TrainingError
from luthier.training.batches import by_length, by_tokens

MICRO_BATCH = 8
"""Rows that pass at once through a model that is not packed: as fast as any number (1.24 times the speed of 16 rows of 5 to 70
words at once)."""
MICRO_TOKENS = 4096
"""Tokens that pass through a model at once in training, which bounds the memory that a batch of many rows takes."""
LOOKED_AT_TOKENS = {"cpu": 2048, "cuda": 8192, "mps": 8192}
"""Tokens that pass at once where nothing is trained, by the kind of device: on a CPU, as many as its caches hold what is made of
them (benchmarks/LOG.md)."""
SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "std::bad_alloc", "ALLOC_FAILED",
         "could not create a primitive", "could not create a memory object")
"""How torch says that memory ran out where its error has no type of its own: on CPUs, and in libraries that it calls. The last two
are oneDNN's, which says no more; seen where memory was limited."""

Lengths = npt.NDArray[np.int64]
Positions = npt.NDArray[np.int64]
Found = TypeVar("Found")


class Parts:
    """How batches are cut in one trial.

    Attributes:
        most: the most tokens of a part, padding included; a longer row is a part of its own.
        shortened: `most`, once a batch was cut into other parts than usual for it; until then 0.

    Args:
        packed: whether the model's blocks see real tokens only; else parts have no more than `MICRO_BATCH` rows.
        most: as many tokens as there is memory for; None: no fewer than usual.
    """

    def __init__(self, packed: bool, most: int | None = None) -> None:
        self.packed = packed
        self.most = MICRO_TOKENS if most is None else max(1, min(most, MICRO_TOKENS))
        self.shortened = 0

    def cut(self, lengths: Lengths) -> list[Positions]:
        """Positions into `lengths`, the rows of one batch, by parts."""
        found = self._cut(lengths, self.most)
        if self.most < MICRO_TOKENS and [len(part) for part in found] != [len(part) for part in self._cut(lengths, MICRO_TOKENS)]:
            self.shortened = self.most
        return found

    def _cut(self, lengths: Lengths, most: int) -> list[Positions]:
        if self.packed:
            return list(by_tokens(lengths, most))
        found = []
        for rows in by_length(lengths, MICRO_BATCH):
            size = max(1, most // int(lengths[rows].max()))
            found += [rows[first:first + size] for first in range(0, len(rows), size)]
        return found

    def halve(self, lengths: Lengths) -> None:
        """Have parts half as large as one in which memory ran out, whose rows have these lengths.

        Raises:
            TrainingError: that part had one row alone.
        """
        self.most = half(lengths, min(self.most, int(lengths.sum() if self.packed else len(lengths) * lengths.max())))


def half(lengths: Lengths, tokens: int) -> int:
    """Half of the tokens of a part in which memory ran out.

    Raises:
        TrainingError: it had one row alone.
    """
    if len(lengths) == 1:
        raise TrainingError(f"memory ran out with one row of {int(lengths[0]):,} tokens at a time. A smaller model, a smaller "
                            "max_length or fewer --workers need less.")
    return max(1, tokens // 2)


def passes(lengths: Lengths, most: int, outputs: Callable[[Positions], Found]) -> Iterator[tuple[Positions, Found]]:
    """What `outputs` gives for parts of at most `most` tokens, and from where memory runs out on, for parts of half as many.

    Raises:
        TrainingError: memory ran out with one row.
    """
    waiting = deque(by_tokens(lengths, most))
    while waiting:
        which = waiting.popleft()
        if len(which) > 1 and int(lengths[which].sum()) > most:
            waiting.extendleft(reversed([which[part] for part in by_tokens(lengths[which], most)]))
            continue
        found = unless_memory_runs_out(partial(outputs, which))
        if found is None:
            most = half(lengths[which], int(lengths[which].sum()))
            waiting.appendleft(which)
        else:
            yield which, found


def unless_memory_runs_out(attempt: Callable[[], Found]) -> Found | None:
    """What `attempt` gives; None where memory ran out, and then what it held is free again."""
    try:
        return attempt()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    _free()  # here the error is gone, and with it the frames that hold what was computed
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: Python's, NumPy's and torch's own types, and what torch says on CPUs."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error) for sign in SIGNS)


def _free() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
