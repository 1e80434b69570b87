"""From a trained model to one that serves: its last layer gives calibrated scores, its config says how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from luthier.models.classifier import last_linear, load_trained, quiet
from luthier.recipes.recipe import Recipe
from luthier.tasks.base import Task

CONFIG_KEY = "luthier"
"""Where a saved model's config.json keeps what transformers' own settings cannot say."""


def finish(folder: Path, task: Task, temperature: float, recipe: Recipe, pairs: bool) -> Path:
    """Write the finished model beside the trained one in `folder`; returns its folder.

    Logits l become l / temperature × factor + shift, with the task's factor and shift: both go into the last layer's
    weights, so that plain transformers gives the same scores as Luthier.
    """
    import torch

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
    with quiet():
        saved.save_pretrained(target)
    return target
