"""The parts of any encoder or decoder: embeddings, blocks from the bottom up, and what stands above them.

Layers are numbered as ELECTRA's layer decay counts them: 0 the embeddings, 1..L the blocks, L what stands above the
last block inside the base model (pooler, final norm); the new head is apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

# What lies below the blocks, or is read by all of them (relative positions of MPNet and DeBERTa; GPT-2's dropout).
_BOTTOM = ("embed", ".wte.", ".wpe.", "relative_attention_bias", "encoder.LayerNorm.", ".drop.")


@dataclass(frozen=True)
class Anatomy:
    """Which parameter of a classification model belongs where.

    `base` is the attribute that holds the encoder; `blocks` the path of the list of blocks inside the whole model;
    `count` the number of blocks, L.
    """

    base: str
    blocks: str
    count: int

    def layer(self, parameter: str) -> int | None:
        """The layer number of a parameter's name: 0 for embeddings, 1..L for blocks, L above them, None for the head."""
        if not parameter.startswith(self.base + "."):
            return None
        if match := re.match(rf"{re.escape(self.blocks)}\.(\d+)\.", parameter):
            return int(match[1]) + 1
        return 0 if any(part in parameter for part in _BOTTOM) else self.count

    def is_head(self, parameter: str) -> bool:
        """Whether a parameter belongs to the new head."""
        return self.layer(parameter) is None


def anatomy(model: nn.Module) -> Anatomy:
    """Find the embeddings, blocks and head of a model made by `AutoModelForSequenceClassification`.

    Raises:
        ModelError: its blocks cannot be told apart, as where layers share their weights (ALBERT).
    """
    from torch import nn

    base = str(getattr(model, "base_model_prefix", ""))
    if not base or not hasattr(model, base):
        raise ModelError(f"{type(model).__name__}: no encoder found inside it (base_model_prefix is '{base}').")
    count = int(getattr(model.config, "num_hidden_layers", 0))
    lists = [name for name, module in model.named_modules()
             if isinstance(module, nn.ModuleList) and len(module) == count and name.startswith(base + ".")]
    if not lists or count == 0:
        raise ModelError(
            f"{type(model).__name__}: its {count} layers cannot be told apart (they share weights, or are built in an "
            "unusual way). Choose another model.")
    return Anatomy(base, min(lists, key=len), count)


def freeze(model: nn.Module, parts: Anatomy, layers: int) -> None:
    """Keep the embeddings and the bottom `layers` blocks as they are; 0 trains everything.

    Raises:
        ModelError: there are fewer blocks than that.
    """
    if layers > parts.count:
        raise ModelError(f"frozen_layers = {layers}: this model has {parts.count} blocks; use 0 to {parts.count}.")
    for name, parameter in model.named_parameters():
        layer = parts.layer(name)
        parameter.requires_grad_(layers == 0 or layer is None or layer > layers or _above(name, parts, layer))


def _above(name: str, parts: Anatomy, layer: int) -> bool:
    return layer == parts.count and not name.startswith(parts.blocks + ".")


def train_mode(model: nn.Module, parts: Anatomy, layers: int) -> None:
    """Training mode, but with dropout off in the frozen part: a frozen layer's output depends on the row alone."""
    model.train()
    if layers == 0:
        return
    for name, module in model.named_modules():
        layer = parts.layer(name + ".")
        if layer is not None and layer <= layers and not _above(name, parts, layer):
            module.eval()  # with all inside it: attention asks its own module whether to drop
