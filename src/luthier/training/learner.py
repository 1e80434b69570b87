"""`Learner`: everything that changes while one trial trains."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from luthier.models.adapters import add_lora, is_addition, merged
from luthier.models.encoder import EMBEDDINGS, Anatomy, anatomy, train_mode
from luthier.recipes.recipe import Averaging, Method, Recipe
from luthier.recipes.seeds import Seeds
from luthier.training.optimizer import Average, make_optimizer
from luthier.training.selection import lowest_trained, rate_multiples

if TYPE_CHECKING:
    import torch
    from torch import nn


class Learner:
    """The model, its optimiser, the weight average, and the steps made.

    Args:
        model: as it starts, re-initialised blocks and the head's start included.

    Raises:
        ConfigError: the recipe names parts that the model does not have.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, seeds: Seeds) -> None:
        self.model, self.recipe, self.seeds = model, recipe, seeds
        self.parts: Anatomy = anatomy(model)
        self._tuner: Any = add_lora(model, self.parts, recipe, seeds.init) if recipe.method is Method.LORA else None
        multiples = rate_multiples(model, self.parts, recipe)
        self.trainable: dict[str, nn.Parameter] = {n: p for n, p in model.named_parameters() if n in multiples}
        self._places = {self.parts.place(name) for name, _ in model.named_parameters()}
        self._frozen: set[int] = set()
        self.optimizer = make_optimizer(self.trainable, multiples, self.parts, recipe)
        self.anchors = self._pretrained_weights() if recipe.l2_sp else {}
        self.average = None if recipe.averaging is Averaging.NONE else Average(self.trainable)
        self.step = 0
        self._lowest: int | None = None

    def _pretrained_weights(self) -> dict[str, torch.Tensor]:
        """What L2-SP pulls towards: trained matrices of the encoder that came with the pre-trained model."""
        return {name: p.detach().clone() for name, p in self.trainable.items()
                if p.ndim >= 2 and self.parts.place(name) != EMBEDDINGS and not is_addition(name)
                and not self.parts.starts_afresh(name, self.recipe.reinit_layers)}

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return next(self.model.parameters()).device

    def begin_step(self) -> None:
        """Training mode, with what is frozen at this step out of the gradient and without dropout."""
        lowest = lowest_trained(self.recipe, self.parts, self.step)
        if lowest != self._lowest:
            self._lowest = lowest
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(name in self.trainable and self._may_train(name))
            live = {self.parts.place(name) for name, parameter in self.trainable.items() if parameter.requires_grad}
            self._frozen = set() if self.recipe.dropout_in_frozen else self._places - live
        train_mode(self.model, self.parts, self._frozen)

    def _may_train(self, name: str) -> bool:
        assert self._lowest is not None
        return self.parts.place(name) >= self._lowest or self.parts.starts_afresh(name, self.recipe.reinit_layers)

    def plain_model(self) -> nn.Module:
        """The model as transformers knows it: with adapters merged into a copy, otherwise the model itself."""
        return merged(self._tuner) if self._tuner is not None else self.model

    @contextlib.contextmanager
    def evaluated_weights(self) -> Iterator[nn.Module]:
        """The model in evaluation mode, holding the weights that count: the average where there is one."""
        import torch

        own = {name: p.detach().clone() for name, p in self.trainable.items()} if self.average else {}
        with torch.no_grad():
            if self.average:
                for name, parameter in self.trainable.items():
                    average = self.average.weights[name]
                    # An average is never exactly zero: what L1 has put at zero is delivered as zero.
                    parameter.copy_(torch.where(parameter == 0, parameter, average) if self.recipe.l1 else average)
            self.model.eval()
            try:
                yield self.model
            finally:
                for name, weight in own.items():
                    self.trainable[name].copy_(weight)
