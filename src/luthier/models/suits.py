"""Whether a recipe suits a model: what has no meaning there is refused before anything is loaded."""

from __future__ import annotations

import importlib.util

from luthier.models.adapters import INSTALL_PEFT
from luthier.models.pretrained import Pretrained
from luthier.recipes.recipe import Method, Pooling, Recipe, blocks_of

POOLING_SETTINGS: dict[str, dict[Pooling, str]] = {
    "classifier_pooling": {Pooling.CLS: "cls", Pooling.MEAN: "mean"},
}
"""Settings of transformers' configs that choose the pooling, and how they call it."""
_POOLING_MODELS = ("modernbert", "eurobert")


def unsuited(recipe: Recipe, model: Pretrained) -> list[str]:
    """What of `recipe` the model cannot do, one sentence each."""
    found = []
    for name in ("frozen_layers", "reinit_layers"):
        value = getattr(recipe, name)
        if isinstance(value, int) and value > model.layers > 0:
            found.append(f"{name} = {value}: model {model.name} has {model.layers} block{'s' * (model.layers > 1)}; use 0 to "
                         f"{model.layers}")
    if beyond := recipe.layers_beyond(model.layers) if model.layers else []:
        found.append(f"layer_lr: {', '.join(beyond)}: model {model.name} has {model.layers} block{'s' * (model.layers > 1)}; "
                     f"count them from 0 to {model.layers - 1}")
    if recipe.max_length > model.positions:
        found.append(f"max_length = {recipe.max_length}: model {model.name} takes at most {model.positions} tokens")
    if recipe.pooling is not Pooling.MODEL and model.model_type not in _POOLING_MODELS:
        found.append(f"pooling = {recipe.pooling.value}: the classification class of {model.name} ({model.model_type}) has "
                     f"its own way only; one can choose with {', '.join(_POOLING_MODELS)}")
    if recipe.method is Method.LORA and importlib.util.find_spec("peft") is None:
        found.append(INSTALL_PEFT)
    return found + (_unsuited_to_shared_layers(recipe, model) if model.shares_layers else [])


def _unsuited_to_shared_layers(recipe: Recipe, model: Pretrained) -> list[str]:
    """One block that is run several times has no lower and upper layers."""
    wrong = {
        "frozen_layers": recipe.frozen_blocks(model.layers) not in (0, model.layers),
        "layer_decay": recipe.layer_decay != 1.0, "unfreeze_every": recipe.unfreeze_every > 0,
        "reinit_layers": recipe.reinit_layers > 0,
        "layer_lr": any(blocks_of(entry) is not None for entry in recipe.layer_lr)}
    allowed = {"frozen_layers": "0, embeddings or all", "layer_decay": "1", "layer_lr": "embeddings, head or name patterns"}
    return [f"{name}: the layers of {model.name} share their weights, so it can only be {allowed.get(name, '0')}"
            for name, is_wrong in wrong.items() if is_wrong]
