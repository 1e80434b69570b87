"""What frozen blocks make of rows: computed once a study, read by every trial, epoch and worker.

Where the lowest blocks are frozen, and frozen means without dropout, what comes out of them is a function of the row alone.
The store keeps it for whole splits, without padding, in files that are memory-mapped; a trial then begins above them. An
entry at a boundary serves every trial that is frozen at least as deep. Files may be deleted at any time: what is missing is
made again, to the same numbers, for it is always made in the same batches.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from luthier.data.sequences import Sequences
from luthier.files import whole
from luthier.models.encoder import anatomy
from luthier.models.packing import every_token, packing_of, probe
from luthier.training.batches import by_tokens, collate
from luthier.training.parts import unless_memory_runs_out
from luthier.training.precision import Precision

if TYPE_CHECKING:
    import torch
    from torch import nn

MADE_AT_ONCE = 4096
"""Tokens."""
WAIT_SECONDS = 0.2
"""How often to look whether another worker has finished an entry, or has died over it."""
MOST_SHARE = 2 / 5
"""Of what all entries may take: the most of one, so that those of two depths, each with a smaller one of the validation rows, do
not drive each other out."""

_CHECKSUM_BYTES, _READ_AT_ONCE = 4, 1 << 20
"""The bytes of the checksum that follows an entry's values; how many bytes are read at once to check it."""
_SOUND: set[tuple[Path, int]] = set()
"""Files, each with its number on the disk, that this process has read through and found to be what was written."""


@dataclass(frozen=True)
class Stored:
    """What the lowest `boundary` blocks make of some sequences: of sequence i, `values[starts[i]:starts[i + 1]]`.

    `values` are fp32, or bf16 as 16-bit integers, for NumPy has no bf16. Shape [tokens, hidden].
    """

    boundary: int
    values: npt.NDArray[Any]
    starts: npt.NDArray[np.int64]

    def padded(self, which: npt.NDArray[np.int64]) -> torch.Tensor:
        """The values of some sequences, zeros where the shorter ones end. Shape [sequences, longest, hidden]."""
        import torch

        lengths = self.starts[which + 1] - self.starts[which]
        found = np.zeros((len(which), int(lengths.max()), self.values.shape[1]), self.values.dtype)
        for place, index in enumerate(which.tolist()):
            found[place, :lengths[place]] = self.values[self.starts[index]:self.starts[index + 1]]
        tensor = torch.from_numpy(found)
        return tensor.view(torch.bfloat16) if found.dtype == np.int16 else tensor


_BESIDE: dict[type, tuple[None, ...] | None] = {}
"""What stands in for whatever else the blocks of an architecture put out beside their hidden states."""


class Trunk:
    """Lets a model begin above its lowest blocks, with what is stored of them.

    The blocks stay where they are, with their names; while something is given for them they are merely not run.
    """

    def __init__(self, model: nn.Module, boundary: int) -> None:
        self._hidden: torch.Tensor | None = None
        self._packing = packing_of(model)
        self._blocks = list(model.get_submodule(anatomy(model).blocks).children())[:boundary]
        if type(model) not in _BESIDE:
            _BESIDE[type(model)] = self._beside_hidden(model)
        self._others = _BESIDE[type(model)]
        self._before = [vars(block).get("forward") for block in self._blocks]  # of another trunk, where there is one
        for block in self._blocks:
            block.forward = self._stand_in(block.forward, last=block is self._blocks[-1])

    def _beside_hidden(self, model: nn.Module) -> tuple[None, ...] | None:
        """What stands in for whatever else a block puts out beside its hidden states; None where that is all it puts out."""
        kinds: list[tuple[None, ...] | None] = []
        handle = self._blocks[0].register_forward_hook(
            lambda _, __, output: kinds.append((None,) * (len(output) - 1) if isinstance(output, tuple) else None))
        config: Any = model.config
        try:
            probe(model, config.pad_token_id)
        finally:
            handle.remove()
        return kinds[0]

    def remove(self) -> None:
        """Leave the model as it was."""
        for block, before in zip(self._blocks, self._before, strict=True):
            if before is None:
                del block.forward
            else:
                block.forward = before

    def give(self, stored: Stored, which: npt.NDArray[np.int64] | None) -> None:
        """Say which of the stored sequences the model is called with next; None: the blocks are to run again."""
        self._hidden = None if which is None else stored.padded(which).to(
            next(self._blocks[0].parameters()).device)

    def _stand_in(self, forward: Callable[..., Any], last: bool) -> Callable[..., Any]:
        def stand_in(hidden: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            if self._hidden is None:
                return forward(hidden, *args, **kwargs)
            if last:
                hidden = self._hidden if self._packing is None else self._packing.packed(self._hidden)
            return hidden if self._others is None else (hidden, *self._others)
        return stand_in


def value_type(precision: Precision) -> np.dtype[Any]:
    """In what each number is kept."""
    return np.dtype(np.int16 if precision is Precision.BF16 else np.float32)


class _ReachedError(Exception):
    """Ends a forward pass at the boundary."""


class TrunkStore:
    """The entries of one study, in a folder of their own.

    Args:
        most_bytes: what all entries together may take; those used longest ago go first. None takes more than `MOST_SHARE` of it.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes

    def get(self, model: nn.Module, weights: str, boundary: int, read: Sequences, precision: Precision,
            pad_token_id: int) -> Stored | None:
        """The entry for some sequences at a boundary; made, from a lower one where there is one, if it is not there.

        None where it would take more than it may, cannot be written, or memory runs out while it is made.

        Args:
            model: pre-trained up to the boundary, in `precision`.
            weights: the hash of its weights.
        """
        starts = np.concatenate([[0], np.cumsum(read.lengths)])
        hidden = int(model.config.hidden_size)  # type: ignore[union-attr, arg-type]
        dtype = value_type(precision)
        shape, path = (int(starts[-1]), hidden), "packed" if packing_of(model) is not None else "padded"
        names = {depth: f"{weights[:16]}-{depth}-{precision}-{path}-{_identity(read)}.npy" for depth in range(1, boundary + 1)}
        try:
            while (found := self._open(names[boundary], dtype, shape)) is None:
                if not self._make_room(shape[0] * hidden * dtype.itemsize):
                    return None
                with FileLock(self.folder / f"{names[boundary]}.lock").acquire(poll_interval=WAIT_SECONDS):
                    if (found := self._open(names[boundary], dtype, shape)) is not None:  # made by another worker meanwhile
                        break
                    lower = next((Stored(depth, values, starts) for depth in range(boundary - 1, 0, -1)
                                  if (values := self._open(names[depth], dtype, shape)) is not None), None)
                    made = partial(self._write, names[boundary], dtype, shape, _values(model, boundary, read, lower, pad_token_id))
                    if unless_memory_runs_out(made) is None:
                        return None
        except OSError:  # a full disk, or a folder that cannot be written to
            return None
        return Stored(boundary, found, starts)

    def forget_unfinished(self) -> None:
        """Delete what workers of a killed command have left unfinished; nobody may be at work."""
        for file in self.folder.glob("*.partial"):
            file.unlink(missing_ok=True)

    def _open(self, name: str, dtype: np.dtype[Any], shape: tuple[int, int]) -> npt.NDArray[Any] | None:
        """An entry's values, memory-mapped; one that cannot be read, or is not what was written, is deleted, and missing.

        Each process reads it through once to see that it is whole.
        """
        file = self.folder / name
        try:
            values = np.load(file, mmap_mode="r", allow_pickle=False)
            if values.dtype != dtype or values.shape != shape:
                raise ValueError
            if (seen := (file, file.stat().st_ino)) not in _SOUND:
                if _checksum(file, but_last=_CHECKSUM_BYTES) != _last(file, _CHECKSUM_BYTES):
                    raise ValueError
                _SOUND.add(seen)
            os.utime(file)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError):
            file.unlink(missing_ok=True)
            return None
        found: npt.NDArray[Any] = values
        return found

    def _write(self, name: str, dtype: np.dtype[Any], shape: tuple[int, int],
               made: Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]) -> bool:
        """Fill a new entry with what is `made`: places in it, and values. It appears whole or not at all; True once it is there."""
        for left in self.folder.glob(f"{name}.*.partial"):  # of a worker that died over it
            left.unlink(missing_ok=True)
        with whole(self.folder / name) as file:
            values = np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
            _reserve(file)
            for places, own in made:
                values[places] = own
            values.flush()
            del values
            checksum = _checksum(file)
            with file.open("ab") as stream:
                stream.write(checksum)
            _SOUND.add((self.folder / name, file.stat().st_ino))
        return True

    def _make_room(self, size: int) -> bool:
        """Delete the entries used longest ago, until one more of `size` bytes fits; whether it may be at all."""
        if size > self.most_bytes * MOST_SHARE:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for file in self.folder.glob("*.npy"):
            with contextlib.suppress(FileNotFoundError):  # another worker makes room too
                found = file.stat()
                entries.append((found.st_mtime, found.st_size, file))
        taken = sum(entry[1] for entry in entries)
        for _, bytes_, file in sorted(entries):
            if taken + size <= self.most_bytes:
                break
            with contextlib.suppress(PermissionError):  # in use by another worker, where the system does not let that go
                file.unlink(missing_ok=True)
                taken -= bytes_
        return True


def _reserve(file: Path) -> None:
    """Take the room of a sparse file on the disk now: where a map is written to, a full disk ends the process at once.

    Raises:
        OSError: there is no room.
    """
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)


def _checksum(file: Path, but_last: int = 0) -> bytes:
    """A checksum of a file's bytes, but so many at its end: damage changes it. Read, not mapped: it is not the process's memory."""
    found, left = 0, file.stat().st_size - but_last
    with file.open("rb") as stream:
        while left > 0 and (part := stream.read(min(left, _READ_AT_ONCE))):
            found, left = zlib.crc32(part, found), left - len(part)
    return found.to_bytes(_CHECKSUM_BYTES)


def _last(file: Path, count: int) -> bytes:
    """So many bytes at the end of a file."""
    with file.open("rb") as stream:
        stream.seek(-count, os.SEEK_END)
        return stream.read()


def _identity(read: Sequences) -> str:
    """What tells these sequences from any others: their token ids, and where they begin and end."""
    found = hashlib.blake2b(np.ascontiguousarray(read.tokens.ids).tobytes(), digest_size=12)
    for part in (read.tokens.starts, read.rows, read.low, read.high):
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def _values(model: nn.Module, boundary: int, read: Sequences, lower: Stored | None,
            pad_token_id: int) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]:
    """What the lowest blocks put out for each token: places in the entry, and values; in batches that are always the same."""
    import torch

    device = next(model.parameters()).device
    block = list(model.get_submodule(anatomy(model).blocks).children())[boundary - 1]
    starts, caught = np.concatenate([[0], np.cumsum(read.lengths)]), []

    def reached(_: nn.Module, __: Any, output: Any) -> None:
        caught.append(output[0] if isinstance(output, tuple) else output)
        raise _ReachedError

    training, trunk = model.training, None if lower is None else Trunk(model, lower.boundary)
    handle = block.register_forward_hook(reached)
    model.eval()
    try:
        with torch.no_grad(), every_token(model):
            for which in by_tokens(read.lengths, MADE_AT_ONCE):
                batch = collate(read, which, pad_token_id).to(device)
                if trunk is not None and lower is not None:
                    trunk.give(lower, which)
                with contextlib.suppress(_ReachedError):
                    model(**batch.inputs())
                hidden, packing = caught.pop(), packing_of(model)
                if packing is not None:
                    hidden = packing.padded(hidden)
                real = hidden[batch.attention_mask > 0].contiguous().cpu()
                own = real.view(torch.int16).numpy() if real.dtype == torch.bfloat16 else real.numpy()
                yield np.concatenate([np.arange(starts[index], starts[index + 1]) for index in which.tolist()]), own
    finally:
        handle.remove()
        if trunk is not None:
            trunk.remove()
        model.train(training)
