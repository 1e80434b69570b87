"""The optimiser: a learning rate for every layer at every step, decoupled weight decay, and the weight average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luthier.models.encoder import Anatomy
from luthier.recipes.recipe import Recipe, Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn

AVERAGE_POWER = 9
"""The weight average gives step s of t a weight of about (s/t)^9, so its mean age is t/11 steps."""


def layer_scale(recipe: Recipe, layer: int | None, count: int) -> float:
    """The learning rate of a layer over `recipe.learning_rate`: decay^(count - layer), or the head's multiplier."""
    return recipe.head_lr_multiplier if layer is None else recipe.layer_decay ** (count - layer)


def rate_share(recipe: Recipe, step: int, total_steps: int) -> float:
    """The learning rate of step `step` (from 0) over its peak: warmup, then the schedule."""
    warmup = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    if recipe.schedule is Schedule.CONSTANT:
        return warmup
    if recipe.schedule is Schedule.LINEAR:
        decay_steps = max(1, total_steps - recipe.warmup_steps)
    else:
        decay_steps = max(1, round(total_steps * recipe.decay_share))
    return min(warmup, max(0.0, min(1.0, (total_steps - step) / decay_steps)))


def make_optimizer(model: nn.Module, parts: Anatomy, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over the trainable parameters, one group for each (layer, decayed or not).

    Every group carries `scale`, its learning rate over the recipe's, and `names`. Weight decay is on matrices only,
    never on embeddings, biases or norms.
    """
    import torch

    groups: dict[tuple[int | None, bool], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        layer = parts.layer(name)
        decayed = parameter.ndim >= 2 and layer != 0
        group = groups.setdefault((layer, decayed), {
            "params": [], "names": [], "scale": layer_scale(recipe, layer, parts.count),
            "weight_decay": recipe.weight_decay if decayed else 0.0})
        group["params"].append(parameter)
        group["names"].append(name)
    return torch.optim.AdamW(list(groups.values()), lr=recipe.learning_rate, fused=True)


def set_rates(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, total_steps: int) -> float:
    """Give every group its rate at `step`; returns the encoder's rate."""
    rate = recipe.learning_rate * rate_share(recipe, step, total_steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    return rate


class Average:
    """A running average of the trainable weights over about the last tenth of the steps so far.

    Polynomial-decay averaging (Shamir & Zhang 2013): it needs no horizon, so a short run is a prefix of a long one.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        self.weights = {name: weight.detach().clone() for name, weight in weights.items()}

    def update(self, weights: Mapping[str, torch.Tensor], step: int) -> None:
        """Take in the weights after step `step` (from 0)."""
        import torch

        share = (AVERAGE_POWER + 1) / (step + AVERAGE_POWER + 1)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.weights.values()), [weights[name].detach() for name in self.weights], share)
