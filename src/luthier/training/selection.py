"""Which parameters are trained, at which multiple of the learning rate, and from which step on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from luthier.errors import ConfigError
from luthier.models.adapters import is_addition
from luthier.models.encoder import EMBEDDINGS, Anatomy
from luthier.recipes.recipe import Method, Recipe, blocks_of

if TYPE_CHECKING:
    from torch import nn

MOST_NAMES = 8


def rate_multiples(model: nn.Module, parts: Anatomy, recipe: Recipe) -> dict[str, float]:
    """The learning rate of every parameter that is trained at some time, over `recipe.learning_rate`.

    Raises:
        ConfigError: an entry of `layer_lr` matches nothing, nothing of the encoder has a bias (BitFit), or nothing is left
            to train.
    """
    names = [name for name, _ in model.named_parameters()]
    check_layer_lr(names, parts, recipe)
    multiples = {name: layer_multiple(recipe, parts.place(name), parts) * _table_multiple(name, parts, recipe.layer_lr)
                 for name in names if _is_trained(name, parts, recipe)}
    if recipe.method is Method.BITFIT and not any(name.endswith("bias") for name in names if not parts.is_head(name)):
        raise ConfigError("method = bitfit trains the biases, and this model has none; use full or lora")
    still = [name for name, multiple in multiples.items() if multiple == 0]
    if any(parts.starts_afresh(name, recipe.reinit_layers) and not parts.is_head(name) for name in still):
        raise ConfigError("layer_lr: gives 0 to a block that reinit_layers starts afresh, which would stay random; leave out one")
    if len(still) == len(multiples):
        raise ConfigError("nothing is trained: frozen_layers and layer_lr leave no parameter of this model with a learning rate")
    return {name: multiple for name, multiple in multiples.items() if multiple > 0}


def layer_multiple(recipe: Recipe, place: int, parts: Anatomy) -> float:
    """Layer decay to the power of the distance from the top block, or the head's multiplier."""
    return recipe.head_lr_multiplier if place == parts.head else recipe.layer_decay ** max(0, parts.count - place)


def _is_trained(name: str, parts: Anatomy, recipe: Recipe) -> bool:
    """Whether freezing and method let a parameter train; what starts afresh is always trained, in full."""
    if parts.starts_afresh(name, recipe.reinit_layers):
        return True
    place = parts.place(name)
    if (place == EMBEDDINGS and recipe.freezes_embeddings) or EMBEDDINGS < place <= recipe.frozen_blocks(parts.count):
        return False
    if recipe.method is Method.LORA:
        return is_addition(name)
    return recipe.method is Method.FULL or name.endswith("bias")


def lowest_trained(recipe: Recipe, parts: Anatomy, step: int) -> int:
    """The lowest place that gradual unfreezing lets train at `step` (from 0)."""
    return max(EMBEDDINGS, parts.above - step // recipe.unfreeze_every) if recipe.unfreeze_every else EMBEDDINGS


def check_layer_lr(names: list[str], parts: Anatomy, recipe: Recipe) -> None:
    """Every entry of `layer_lr` must match something, and name no block that is not there.

    Raises:
        ConfigError: one does not; lists what there is.
    """
    beyond = recipe.layers_beyond(parts.count)
    lost = [pattern for pattern in recipe.layer_lr
            if pattern in beyond or not any(_matches(pattern, name, parts) for name in names)]
    if lost:
        known = list(dict.fromkeys(re.sub(r"\.\d+\.", ".*.", name.removeprefix(parts.base + ".")) for name in names))
        more = f", … {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
        raise ConfigError(
            f"layer_lr: {', '.join(repr(pattern) for pattern in lost)} matches nothing in this model, or blocks beyond "
            f"its last. It has 'embeddings', blocks '0' to '{parts.count - 1}', 'head', and parameters named "
            f"{', '.join(known[:MOST_NAMES])}{more}")


def _table_multiple(name: str, parts: Anatomy, table: Mapping[str, float]) -> float:
    multiple = 1.0
    for pattern, factor in table.items():
        if _matches(pattern, name, parts):
            multiple *= factor
    return multiple


def _matches(pattern: str, name: str, parts: Anatomy) -> bool:
    """Whether an entry of `layer_lr` is about a parameter: by its place, or by its name with or without the base's."""
    place, name = parts.place(name), name.replace(".base_layer.", ".")  # as PEFT calls a layer beside its additions
    if pattern == "embeddings":
        return place == EMBEDDINGS
    if pattern == "head":
        return place == parts.head
    if (blocks := blocks_of(pattern)) is not None:
        return place - 1 in blocks and place <= parts.count
    return any(fnmatchcase(shown, form) for shown in (name, name.removeprefix(parts.base + "."))
               for form in (pattern, f"{pattern}.*"))
