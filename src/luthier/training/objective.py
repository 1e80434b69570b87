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
        weights = task.label_weights(tokens.targets.astype(np.int64), recipe.class_weighting)
        self.weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)

    def __call__(self, model: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The sum of the rows' losses (a scalar), and the logits of the (first) pass."""
        logits = self._logits(model, batch)
        losses = self._losses(logits, batch)
        if self.recipe.r_drop > 0:
            other = self._logits(model, batch)
            losses = (losses + self._losses(other, batch)) / 2
            losses = losses + self.recipe.r_drop * self.task.divergence(logits, other)
        return losses.sum(), logits

    def _losses(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        return self.task.losses(logits, batch.targets, self.recipe.label_smoothing, self.weights)

    @staticmethod
    def _logits(model: nn.Module, batch: Batch) -> torch.Tensor:
        logits: torch.Tensor = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        return logits
