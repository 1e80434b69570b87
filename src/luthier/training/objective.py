"""What one step minimises: the task's loss with label smoothing and class weights, and R-Drop's divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.data.tokens import Tokens
from luthier.recipes.recipe import Recipe
from luthier.tasks.base import Task
from luthier.training.batches import Batch

if TYPE_CHECKING:
    import torch
    from torch import nn


class Objective:
    """The loss of a recipe on its training rows; `tokens` give the number of rows of each label."""

    def __init__(self, task: Task, recipe: Recipe, tokens: Tokens, device: torch.device) -> None:
        import torch

        self.task, self.recipe = task, recipe
        weights = task.label_weights(np.asarray(tokens.targets), recipe.class_weighting)
        self.weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)

    def __call__(self, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The sum of the units' losses (a scalar); the logits of the (first) pass and the targets, of each unit."""
        logits, targets = self._logits(model, batch)
        losses = self._losses(logits, targets)
        if self.recipe.r_drop > 0:
            other, _ = self._logits(model, batch)
            losses = (losses + self._losses(other, targets)) / 2
            losses = losses + self.recipe.r_drop * self.task.divergence(logits, other)
        return losses.sum(), logits, targets

    def units(self, batch: Batch) -> int:
        """How many units the batch has: sequences, or tokens with a target."""
        return len(self.task.supervised(batch.targets, batch.targets)[1])

    def _losses(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.task.losses(logits, targets, self.recipe.label_smoothing, self.weights)

    def _logits(self, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        return self.task.supervised(model(**batch.inputs()).logits.float(), batch.targets)
