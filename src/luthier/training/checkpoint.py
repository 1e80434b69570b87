"""A learner on disk: safetensors and nothing pickled. Only what training changes is kept."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.files import whole
from luthier.training.learner import Learner

if TYPE_CHECKING:
    import torch

_ADAM = ("step", "exp_avg", "exp_avg_sq")


class UnreadableCheckpointError(Exception):
    """A checkpoint is missing, damaged, or not of this learner at this step."""


def checkpoint_bytes(learner: Learner) -> int:
    """What a checkpoint takes: each trained number four times in fp32, or three times without an average."""
    return sum(weight.numel() for weight in learner.trainable.values()) * 4 * (4 if learner.average else 3)


def save_checkpoint(learner: Learner, file: Path) -> None:
    """Write the trainable weights, both Adam moments, the average and the step; the file appears whole or not at all.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in learner.trainable.items():
        tensors[f"weight/{name}"] = parameter.detach()
        state = learner.optimizer.state.get(parameter, {})
        for part in _ADAM:  # a weight that was unfrozen late has made fewer steps
            if part in state:
                tensors[f"{part}/{name}"] = state[part]
        if learner.average:
            tensors[f"average/{name}"] = learner.average.weights[name]
    tensors = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole(file) as partial:
            save_file(tensors, partial, metadata={"step": str(learner.step), "digest": _digest(tensors)})
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_checkpoint(learner: Learner, file: Path, step: int) -> None:
    """Put a learner back where `save_checkpoint` left it at `step`.

    Raises:
        UnreadableCheckpointError: it cannot be; the learner is as it was.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as tensors:
            _check(learner, tensors, step)
        with safe_open(file, framework="pt", device=str(learner.device)) as tensors:
            _put(learner, tensors, step)
    except (OSError, SafetensorError) as error:
        raise UnreadableCheckpointError(f"{file.name}: {error}") from error


def _check(learner: Learner, tensors: Any, step: int) -> None:
    """See that what lies on disk is whole, and of this learner at this step; one tensor at a time is in memory."""
    metadata, names = tensors.metadata() or {}, list(tensors.keys())
    kept = {f"weight/{name}": weight for name, weight in learner.trainable.items()}
    if learner.average:
        kept |= {f"average/{name}": weight for name, weight in learner.trainable.items()}
    if metadata.get("step") != str(step):
        raise UnreadableCheckpointError(f"it is of step {metadata.get('step')}, not {step}")
    if any(name not in names or list(weight.shape) != tensors.get_slice(name).get_shape() for name, weight in kept.items()):
        raise UnreadableCheckpointError("it is of another model or recipe")
    if metadata.get("digest") != _digest({name: tensors.get_slice(name) for name in names}):
        raise UnreadableCheckpointError("its numbers are not those that were written")


def _digest(tensors: Any) -> str:
    """A checksum of tensors by name, or of slices of a file that become tensors when they are read: damage changes it."""
    found = 0
    for name in sorted(tensors):
        found = zlib.crc32(np.ascontiguousarray(tensors[name][...].numpy()).data, zlib.crc32(name.encode(), found))
    return f"{found:08x}"


def _put(learner: Learner, tensors: Any, step: int) -> None:
    import torch

    read = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118  # all of it before anything is changed
    with torch.no_grad():
        for name, parameter in learner.trainable.items():
            parameter.copy_(read[f"weight/{name}"])
            if f"step/{name}" in read:
                learner.optimizer.state[parameter] = {part: read[f"{part}/{name}"] for part in _ADAM}
            if learner.average:
                learner.average.weights[name].copy_(read[f"average/{name}"])
    learner.show_weights()
    learner.step = step
