"""What a study stores of its frozen blocks: whether anything, for which recipes, and how much of the disk that takes."""

from __future__ import annotations

from typing import Any

from luthier.api.measure import Measured
from luthier.api.prepare import Prepared
from luthier.recipes.recipe import Recipe
from luthier.sharing.plan import Sharing, boundary
from luthier.sharing.quota import Quota, size
from luthier.sharing.trunk import MOST_SHARE, value_type
from luthier.sharing.work import stored_bytes


def stored_blocks(recipe: Recipe, prepared: Prepared, measured: Measured, sharing: Sharing, quota: Quota) -> int:
    """How many of the lowest blocks trials of a recipe do not run, for what they make of rows is stored."""
    layers = prepared.asked.models[recipe.model].layers
    return 0 if why_not_stored(recipe, prepared, measured, sharing, quota) else boundary(recipe, layers)


def why_not_stored(recipe: Recipe, prepared: Prepared, measured: Measured, sharing: Sharing, quota: Quota) -> str:
    """Why nothing is stored for a recipe's model; empty where it is."""
    if not sharing.checkpoints:
        return "nothing is shared (--no-sharing)"
    if not sharing.trunk:
        return ("the configuration switches it off" if prepared.asked.settings.trunk is not None else
                "a full run sees fewer rows than there are, so going over all of them would not pay")
    if prepared.asked.models[recipe.model].shares_layers:
        return "the model's blocks share their weights"
    most = quota.trunk * MOST_SHARE
    if entry_bytes(len(prepared.splits["train"]), prepared, measured) > most:
        return f"it would take more than the {size(int(most))} that it may (--disk)"
    return ""


def entry_bytes(rows: int, prepared: Prepared, measured: Measured) -> int:
    """The size of what is stored of so many rows, as the default recipe's model makes it."""
    config: Any = measured.frozen.model.config
    width = config.hidden_size * value_type(measured.precision).itemsize
    return stored_bytes(rows, prepared.default, prepared.shape, width)
