"""`Learner`: everything that changes while one trial trains."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from luthier.models.adapters import add_lora, is_addition
from luthier.models.encoder import EMBEDDINGS, Anatomy, anatomy, train_mode
from luthier.models.vocabulary import Ids, compact, put_back
from luthier.recipes.recipe import Averaging, Method, Recipe
from luthier.recipes.seeds import Seeds
from luthier.training.optimizer import Average, make_optimizer
from luthier.training.precision import Precision, lower
from luthier.training.selection import lowest_trained, rate_multiples

if TYPE_CHECKING:
    import torch
    from torch import nn


class Learner:
    """The model, its optimiser, the weight average, and the steps made.

    Attributes:
        trainable: the trained weights by name, in fp32; the model's own parameters, or what these are rounded from.
        trained_parameters: how many numbers the trained weights have, the whole embedding counted.

    Args:
        model: as it starts, re-initialised blocks and the head's start included.
        precision: what the model computes in.
        used: the token ids of the training rows, in order, where the others' embeddings need not be trained.

    Raises:
        ConfigError: the recipe names parts that the model does not have.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, seeds: Seeds, precision: Precision = Precision.FP32,
                 used: Ids | None = None) -> None:
        from torch import nn

        self.model, self.recipe, self.seeds = model, recipe, seeds
        self.parts: Anatomy = anatomy(model)
        sizes = {name: p.numel() for name, p in model.named_parameters()}
        self._used = used if used is not None and compact(model, used) else None
        if recipe.method is Method.LORA:
            add_lora(model, self.parts, recipe, seeds.init)
        multiples = rate_multiples(model, self.parts, recipe)
        self._own: dict[str, nn.Parameter] = {n: p for n, p in model.named_parameters() if n in multiples}
        self.trained_parameters = sum(sizes.get(name, p.numel()) for name, p in self._own.items())
        whole = {name: parameter.data for name, parameter in self._own.items()}
        lower(model, precision)
        self._rounded = [name for name, parameter in self._own.items() if parameter.dtype != whole[name].dtype]
        self.trainable = self._own | {name: nn.Parameter(whole[name]) for name in self._rounded}
        _draw_masks_cheaply(model)
        self._gradients: dict[str, torch.Tensor] = {}
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
        """Training mode, with what is frozen at this step out of the gradient and without dropout; no gradients yet."""
        lowest = lowest_trained(self.recipe, self.parts, self.step)
        if lowest != self._lowest:
            self._lowest = lowest
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(name in self.trainable and self._may_train(name))
            for name, parameter in self.trainable.items():
                parameter.requires_grad_(self._own[name].requires_grad)
            live = {self.parts.place(name) for name, parameter in self.trainable.items() if parameter.requires_grad}
            self._frozen = set() if self.recipe.dropout_in_frozen else self._places - live
        train_mode(self.model, self.parts, self._frozen)
        self.optimizer.zero_grad(set_to_none=True)
        for name in self._rounded:  # what is left of a backward pass in which memory ran out
            self._own[name].grad = None

    def _may_train(self, name: str) -> bool:
        assert self._lowest is not None
        return self.parts.place(name) >= self._lowest or self.parts.starts_afresh(name, self.recipe.reinit_layers)

    def take_gradients(self) -> None:
        """After a backward pass: add the gradients of the rounded weights to those of the weights they are rounded from.

        These are kept in the same place from step to step: new memory for them costs more than the sum does.
        """
        import torch

        for name in self._rounded:
            parameter, weight = self._own[name], self.trainable[name]
            if parameter.grad is None:
                continue
            if weight.grad is None:
                if name not in self._gradients:
                    self._gradients[name] = torch.empty_like(weight)
                weight.grad = self._gradients[name].copy_(parameter.grad)
            else:
                weight.grad += parameter.grad
            parameter.grad = None

    def show_weights(self) -> None:
        """Have the model compute with the weights as they are now."""
        self._show({name: self.trainable[name] for name in self._rounded})

    def _show(self, weights: Mapping[str, torch.Tensor]) -> None:
        import torch

        if weights:
            with torch.no_grad():
                torch._foreach_copy_([self._own[name] for name in weights], list(weights.values()))

    def finished_weights(self) -> dict[str, torch.Tensor]:
        """The trained weights that count: the average where there is one."""
        import torch

        if not self.average:
            return {name: weight.detach() for name, weight in self.trainable.items()}
        with torch.no_grad():  # an average is never exactly zero: what L1 has put at zero is delivered as zero
            return {name: torch.where(weight == 0, weight, self.average.weights[name]) if self.recipe.l1
                    else self.average.weights[name] for name, weight in self.trainable.items()}

    def finish(self, start: nn.Module) -> nn.Module:
        """The finished model in fp32, as transformers knows it, adapters merged.

        Args:
            start: the model that this learner began with, anew; the weights that count are put into it.
        """
        import torch

        tuner = add_lora(start, self.parts, self.recipe, self.seeds.init) if self.recipe.method is Method.LORA else None
        parameters = dict(start.named_parameters())
        with torch.no_grad():
            for name, weight in self.finished_weights().items():
                if self._used is not None and weight.shape != parameters[name].shape:
                    put_back(parameters[name], weight, self._used)
                else:
                    parameters[name].copy_(weight)
        finished: nn.Module = start if tuner is None else tuner.merge_and_unload()
        return finished.eval()

    @contextlib.contextmanager
    def evaluated_weights(self) -> Iterator[nn.Module]:
        """The model in evaluation mode, holding the weights that count."""
        own = {name: parameter.detach().clone() for name, parameter in self._own.items()} if self.average else {}
        self._show(self.finished_weights() if self.average else {})
        self.model.eval()
        try:
            yield self.model
        finally:
            self._show(own)


def _draw_masks_cheaply(model: nn.Module) -> None:
    """Replace the model's dropout layers by ours."""
    from torch import nn

    from luthier.models.layers import Dropout

    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p))
