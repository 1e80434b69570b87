"""From a trained model to one that serves: its last layer gives calibrated scores, its config says how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luthier.errors import RunError
from luthier.models.classifier import last_linear, load_trained, quiet
from luthier.recipes.recipe import Recipe
from luthier.search.journal import go_on
from luthier.tasks.base import Task

CONFIG_KEY = "luthier"
"""Where a saved model's config.json keeps what transformers' own settings cannot say."""


def finish(folder: Path, task: Task, temperature: float, recipe: Recipe, pairs: bool) -> Path:
    """Write the finished model beside the trained one in `folder`, which is in the checkpoints of a run; returns its folder.

    Logits l become l / temperature × factor + shift, with the task's factor and shift: both go into the last layer's
    weights, so that plain transformers gives the same scores as Luthier.

    Raises:
        RunError: it cannot be written, as on a full disk.
    """
    import torch
    from safetensors import SafetensorError

    target = folder.with_name(f"{folder.name}-finished")
    model = load_trained(folder)
    factor, shift = task.scale()
    with torch.no_grad():
        linear = last_linear(model)
        linear.weight.mul_(factor / temperature)
        if linear.bias is not None:
            linear.bias.mul_(factor / temperature).add_(shift)
    config: Any = model.config
    setattr(config, CONFIG_KEY, {
        **task.settings(), "pairs": pairs, "long_texts": recipe.long_texts.value, "temperature": temperature})
    saved: Any = model
    try:
        with quiet():
            saved.save_pretrained(target)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{target}: the delivered model cannot be written ({error}). {go_on(folder.parent.parent)}") from error
    return target
