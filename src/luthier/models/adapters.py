"""LoRA through PEFT: low-rank additions to linear layers, and the plain model that they come to."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

from luthier.errors import ConfigError
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

    Raises:
        ConfigError: PEFT is not installed, or no linear layer has a name of `lora_targets`.
    """
    try:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel
    except ImportError:
        raise ConfigError(INSTALL_PEFT) from None
    import torch
    from transformers.pytorch_utils import Conv1D

    frozen = recipe.frozen_blocks(parts.count)
    linear = {name: module for name, module in model.named_modules()
              if isinstance(module, torch.nn.Linear | Conv1D) and frozen < parts.place(name + ".") < parts.head
              and not parts.starts_afresh(name + ".", recipe.reinit_layers)}
    chosen = [name for name in linear if not recipe.lora_targets or name.rpartition(".")[2] in recipe.lora_targets]
    if not chosen:
        known = sorted({name.rpartition(".")[2] for name in linear})
        raise ConfigError(f"lora_targets = {', '.join(recipe.lora_targets) or 'all'}: no trained linear layer has such a "
                          f"name; this model has {', '.join(known) or 'none'}")
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT remarks on what it sets itself
        return LoraModel(model, {_NAME: LoraConfig(
            r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout, target_modules=chosen,
            fan_in_fan_out=isinstance(linear[chosen[0]], Conv1D))}, _NAME)


def merged(tuner: Any) -> nn.Module:
    """A copy of the tuner's model with the additions added in: a plain model of transformers' own class."""
    plain: nn.Module = copy.deepcopy(tuner).merge_and_unload()
    return plain
