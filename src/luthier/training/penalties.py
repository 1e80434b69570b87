"""What is done to the weights after the optimiser's step: the pull towards the pre-trained weights, and L1.

Both are decoupled from Adam, as its weight decay is: they take the learning rate that the weights have at this step, and
Adam's own scaling of gradients does not touch them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from luthier.recipes.recipe import Recipe

if TYPE_CHECKING:
    import torch


def apply_penalties(optimizer: torch.optim.Optimizer, recipe: Recipe, anchors: Mapping[str, torch.Tensor]) -> None:
    """Shrink the penalised weights in place.

    L2-SP: w ← w - ηλ(w - w₀), for the weights in `anchors`, which holds w₀. L1, the proximal step of ηλ|w|:
    w ← sign(w)·max(0, |w| - ηλ), which puts weights at exactly zero.
    """
    import torch

    if not (recipe.l1 or recipe.l2_sp):
        return
    with torch.no_grad():
        for group in optimizer.param_groups:
            if not group["penalised"]:
                continue
            for name, weight in zip(group["names"], group["params"], strict=True):
                if not weight.requires_grad:
                    continue
                if recipe.l2_sp and name in anchors:
                    weight.lerp_(anchors[name], min(1.0, group["lr"] * recipe.l2_sp))
                if recipe.l1:
                    weight.copy_(torch.nn.functional.softshrink(weight, group["lr"] * recipe.l1))
