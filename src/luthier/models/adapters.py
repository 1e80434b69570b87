"""LoRA through PEFT: low-rank additions to linear layers, and the plain model that they come to."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from luthier.errors import ConfigError, nearest
from luthier.models.encoder import Anatomy
from luthier.recipes.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

INSTALL_PEFT = "method = lora needs PEFT. Run: pip install 'luthier[lora]'"
_NAME = "default"


def is_addition(parameter: str) -> bool:
    """Whether a parameter's name is that of a low-rank addition."""
    return ".lora_" in parameter


def add_lora(model: nn.Module, parts: Anatomy, recipe: Recipe, seed: int) -> Any:
    """Put additions beside the linear layers of the unfrozen blocks, in place; gives PEFT's tuner, which can merge them.

    None where all of them are frozen: then the head alone is trained.

    Raises:
        ConfigError: PEFT is not installed, or no linear layer has a name of `lora_targets`.
    """
    chosen = adapted_layers(model, parts, recipe)
    if not chosen:
        return None
    try:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel
    except ImportError:
        raise ConfigError(INSTALL_PEFT) from None
    import torch
    from transformers.pytorch_utils import Conv1D

    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT remarks on what it sets itself
        return LoraModel(model, {_NAME: LoraConfig(
            r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout, target_modules=chosen,
            fan_in_fan_out=isinstance(model.get_submodule(chosen[0]), Conv1D))}, _NAME)


def adapted_layers(model: nn.Module, parts: Anatomy, recipe: Recipe) -> list[str]:
    """The linear layers that get additions: those of the unfrozen blocks and above, by `lora_targets`.

    Raises:
        ConfigError: one of `lora_targets` is the name of no linear layer of the model.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)
              and not parts.starts_afresh(name + ".", recipe.reinit_layers)]
    known = sorted({name.rpartition(".")[2] for name in linear})
    unknown = [target for target in recipe.lora_targets if target not in known]
    if unknown:
        raise ConfigError(f"lora_targets: '{unknown[0]}' is no linear layer of this model; it has {', '.join(known)}."
                          f"{nearest(unknown[0], known)}")
    frozen = recipe.frozen_blocks(parts.count)
    return [name for name in linear if parts.place(name + ".") > frozen
            and (not recipe.lora_targets or name.rpartition(".")[2] in recipe.lora_targets)]
