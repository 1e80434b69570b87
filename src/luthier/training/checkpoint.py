"""A learner on disk: safetensors and nothing pickled. Only what training changes is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from luthier.training.learner import Learner

if TYPE_CHECKING:
    import torch

_ADAM = ("step", "exp_avg", "exp_avg_sq")


def save_checkpoint(learner: Learner, file: Path) -> None:
    """Write the trainable weights, both Adam moments, the average and the step; the file appears whole or not at all."""
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
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    save_file({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, partial,
              metadata={"step": str(learner.step)})
    partial.replace(file)


def load_checkpoint(learner: Learner, file: Path) -> None:
    """Put a learner back where `save_checkpoint` left it."""
    import torch
    from safetensors import safe_open

    with safe_open(file, framework="pt", device=str(learner.device)) as tensors, torch.no_grad():
        names = set(tensors.keys())
        learner.step = int(tensors.metadata()["step"])
        for name, parameter in learner.trainable.items():
            parameter.copy_(tensors.get_tensor(f"weight/{name}"))
            if f"step/{name}" in names:
                learner.optimizer.state[parameter] = {part: tensors.get_tensor(f"{part}/{name}") for part in _ADAM}
            if learner.average:
                learner.average.weights[name].copy_(tensors.get_tensor(f"average/{name}"))
    learner.show_weights()
