"""The optimiser: a learning rate for every layer at every step, decoupled weight decay, and the weight average."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from luthier.models.encoder import EMBEDDINGS, Anatomy
from luthier.recipes.recipe import Averaging, Recipe, Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn

AVERAGE_POWER = 9
"""The weight average gives step s of t a weight of about (s/t)^9, so its mean age is t/11 steps."""
APART_SHARE, MOST_APART = 32, 8
"""How many steps lie between weights that are taken into the average: at most one for so many made, and no more than these."""
RISING_SHARE, RATE_RATIO = 0.1, 32
"""Of the slanted triangle: the share of the steps in which the rate rises, and its highest over its lowest value."""


def rate_share(recipe: Recipe, step: int, total_steps: int) -> float:
    """The learning rate of step `step` (from 0) over its peak: warmup, then the schedule."""
    if recipe.schedule is Schedule.SLANTED_TRIANGULAR:
        return _slanted_triangle(step, total_steps)
    warmup = min(1.0, (step + 1) / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    if recipe.schedule is Schedule.CONSTANT:
        return warmup
    decay_steps = max(1, total_steps - recipe.warmup_steps)
    if recipe.schedule is Schedule.COSINE:
        progress = min(1.0, max(0.0, (step - recipe.warmup_steps) / decay_steps))
        return min(warmup, (1 + math.cos(math.pi * progress)) / 2)
    if recipe.schedule is Schedule.WARMUP_STABLE_DECAY:
        decay_steps = max(1, round(total_steps * recipe.decay_share))
    return min(warmup, max(0.0, min(1.0, (total_steps - step) / decay_steps)))


def _slanted_triangle(step: int, total_steps: int) -> float:
    """Howard & Ruder 2018, eq. 3."""
    cut = max(1, int(total_steps * RISING_SHARE))
    height = step / cut if step < cut else 1 - (step - cut) / max(1, cut * (1 / RISING_SHARE - 1))
    return (1 + max(0.0, height) * (RATE_RATIO - 1)) / RATE_RATIO


def make_optimizer(trainable: Mapping[str, nn.Parameter], multiples: Mapping[str, float], parts: Anatomy,
                   recipe: Recipe) -> torch.optim.AdamW:
    """AdamW over the trainable parameters, one group for each learning rate and for penalised or not.

    Every group carries `names`, `multiple` (its learning rate over the recipe's) and `penalised`: weight decay, L1 and
    L2-SP are on matrices only, never on embeddings, biases or norms.
    """
    import torch

    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for name, parameter in trainable.items():
        penalised = parameter.ndim >= 2 and parts.place(name) != EMBEDDINGS
        group = groups.setdefault((multiples[name], penalised), {
            "params": [], "names": [], "multiple": multiples[name], "penalised": penalised,
            "weight_decay": recipe.weight_decay if penalised else 0.0})
        group["params"].append(parameter)
        group["names"].append(name)
    return torch.optim.AdamW(list(groups.values()), lr=recipe.learning_rate, fused=True)


def set_rates(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int, total_steps: int) -> float:
    """Give every group its rate at `step`; returns the encoder's rate."""
    rate = recipe.learning_rate * rate_share(recipe, step, total_steps)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["multiple"]
    return rate


def clip(optimizer: torch.optim.Optimizer, weights: Collection[nn.Parameter], norm: torch.Tensor, size: float,
         most: float) -> None:
    """Have the next step made with gradients of a norm of at most `most`, where that of all of them is `norm`, of value `size`.

    A fused optimiser divides them as it reads them, as it does for `torch.amp.GradScaler`, and leaves them divided: that spares a
    pass over them. Of Apple's GPUs it is not documented, so there they are divided first.
    """
    import torch

    fused: Any = optimizer
    fused.grad_scale = None
    if size + 1e-6 <= most:
        return
    if norm.device.type == "mps":
        torch.nn.utils.clip_grads_with_norm_(weights, most, norm)
    else:
        fused.grad_scale = (norm + 1e-6) / most


def newest_share(recipe: Recipe, step: int, total_steps: int) -> float:
    """What the weights after step `step` (from 0) count for in the average so far; 0: they are left out of it.

    EMA: polynomial decay (Shamir & Zhang 2013), which needs no horizon, so that a short run is a prefix of a long one. To take
    weights in costs as much time as half an update of them, and neighbours hardly differ, so that the later of a long run only
    come in at every second, fourth or eighth step, and then count for those left out as well. A run that ends in between is
    without its last steps, up to seven of them.
    SWA: the plain mean over the last `swa_share` of all steps (Izmailov et al. 2018); before that, the newest alone.
    """
    if recipe.averaging is Averaging.EMA:
        apart = min(MOST_APART, 1 << max(0, (step // APART_SHARE).bit_length() - 1))
        if (step + 1) % apart:
            return 0.0
        return 1 - math.prod(1 - (AVERAGE_POWER + 1) / (taken + AVERAGE_POWER + 1) for taken in range(step + 1 - apart, step + 1))
    first = total_steps - max(1, round(recipe.swa_share * total_steps))
    return 1 / max(1, step - first + 1)


class Average:
    """A running average of the trainable weights."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        self.weights = {name: weight.detach().clone() for name, weight in weights.items()}

    def update(self, weights: Mapping[str, torch.Tensor], share: float) -> None:
        """Take in the newest weights, which count for `share` of the average."""
        import torch

        with torch.no_grad():
            torch._foreach_lerp_(list(self.weights.values()), [weights[name].detach() for name in self.weights], share)
