"""The parts of any encoder or decoder: embeddings, blocks from the bottom up, and what stands above them.

Every parameter and module has a place: 0 the embeddings, 1..L the blocks, L+1 what stands above the last block inside
the base model (pooler, final norm), L+2 the new head.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from luthier.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

EMBEDDINGS = 0
# What lies below the blocks, or is read by all of them (relative positions of MPNet and DeBERTa; GPT-2's dropout).
_BOTTOM = ("embed", ".wte.", ".wpe.", "relative_attention_bias", "encoder.LayerNorm.", ".drop.")


def is_embedding(name: str) -> bool:
    """Whether a parameter of the base model, or a module whose name is followed by a dot, lies below the blocks."""
    return any(part in f".{name}" for part in _BOTTOM)


@dataclass(frozen=True)
class Anatomy:
    """Which parameter of a classification model belongs where.

    `base` is the attribute that holds the encoder; `blocks` the path of the list of blocks inside the whole model;
    `count` the number of blocks, L. Where the model runs through the same blocks several times (ALBERT), they are
    `shared`, and `count` is the number of different ones.
    """

    base: str
    blocks: str
    count: int
    shared: bool = False

    @property
    def above(self) -> int:
        """The place of what stands above the last block."""
        return self.count + 1

    @property
    def head(self) -> int:
        """The place of the new head."""
        return self.count + 2

    @lru_cache(maxsize=10_000)  # noqa: B019  # asked for every module at every step; holds a few names a model
    def place(self, name: str) -> int:
        """The place of a parameter, or of a module whose name is followed by a dot."""
        if not name.startswith(self.base + "."):
            return self.head
        if match := re.match(rf"{re.escape(self.blocks)}\.(\d+)\.", name):
            return int(match[1]) + 1
        return EMBEDDINGS if is_embedding(name) else self.above

    def is_head(self, name: str) -> bool:
        """Whether a parameter (or a module whose name is followed by a dot) belongs to the new head."""
        return self.place(name) == self.head

    def starts_afresh(self, name: str, reinit_layers: int) -> bool:
        """Whether a parameter belongs to the head or to one of the top blocks that are re-initialised."""
        place = self.place(name)
        return place == self.head or self.count - reinit_layers < place <= self.count


def anatomy(model: nn.Module) -> Anatomy:
    """Find the embeddings, blocks and head of a model made by `AutoModelForSequenceClassification`.

    Raises:
        ModelError: its blocks cannot be found.
    """
    from torch import nn

    base = str(getattr(model, "base_model_prefix", ""))
    if not base or not hasattr(model, base):
        raise ModelError(f"{type(model).__name__}: no encoder found inside it (base_model_prefix is '{base}').")
    config: Any = model.config
    layers = int(getattr(config, "num_hidden_layers", 0))
    count = int(getattr(config, "num_hidden_groups", layers))
    lists = [name for name, module in model.named_modules()
             if isinstance(module, nn.ModuleList) and len(module) == count and name.startswith(base + ".")]
    if not lists or count == 0:
        raise ModelError(f"{type(model).__name__}: its {count} layers cannot be told apart (they are built in an unusual "
                         "way). Choose another model.")
    return Anatomy(base, min(lists, key=len), count, shared=count < layers)


def reinitialise(model: nn.Module, parts: Anatomy, layers: int, seed: int) -> None:
    """Draw the top `layers` blocks afresh, as the architecture draws new weights (Zhang et al. 2021)."""
    import torch

    torch.manual_seed(seed)
    fresh: Any = model
    with torch.no_grad():
        for name, module in model.named_modules():
            if parts.count - layers < parts.place(name + ".") <= parts.count:
                for parameter in module.parameters(recurse=False):
                    parameter._is_hf_initialized = False  # else transformers leaves it alone
                fresh._init_weights(module)


def train_mode(model: nn.Module, parts: Anatomy, frozen: Collection[int]) -> None:
    """Training mode, but with dropout off at the `frozen` places: what a frozen layer puts out depends on the row alone."""
    for name, module in model.named_modules():  # each by itself: attention asks its own module whether to drop
        module.training = parts.place(name + ".") not in frozen
