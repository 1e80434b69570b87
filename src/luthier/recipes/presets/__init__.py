"""Recipes worth trying before anything is known, written relative to the default recipe. One TOML file each.

Their numbers are those of recorded runs, picked by benchmarks/portfolio.py and not rounded further than two or three digits.

`[times]` multiplies hyperparameters of the default, `[set]` replaces them, and `frozen_share` freezes that share of the
model's blocks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from typing import Any

from luthier.config import read_toml
from luthier.recipes.recipe import Method, Recipe


@dataclass(frozen=True)
class Preset:
    """A named recipe."""

    name: str
    recipe: Recipe


def load_presets(default: Recipe, layers: int | None, held: Collection[str] = ()) -> tuple[Preset, ...]:
    """The presets, applied to the default recipe of a model with `layers` blocks (None: of several models).

    What a preset would change of the hyperparameters named in `held` stays. Those that come to the default or to one before are
    left out.
    """
    folder = resources.files(__package__)
    found: list[Preset] = []
    for entry in sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name):
        with resources.as_file(entry) as path:
            table = read_toml(path)
        name = entry.name.removesuffix(".toml").split("-", 1)[1]
        changes = _changes(table, default, layers)
        recipe = default.replace(**{what: value for what, value in changes.items() if what not in held})
        if recipe not in [default, *(preset.recipe for preset in found)]:
            found.append(Preset(name, recipe))
    return tuple(found)


def _changes(table: dict[str, Any], default: Recipe, layers: int | None) -> dict[str, Any]:
    changes: dict[str, Any] = dict(table.get("set", {}))
    if default.method is not Method.FULL:  # where the head has the rate of the rest
        changes.pop("head_lr_multiplier", None)
    for name, factor in table.get("times", {}).items():
        changes[name] = float(f"{getattr(default, name) * factor:.4g}")
    if "frozen_share" in table:
        share = table["frozen_share"]
        changes["frozen_layers"] = f"{100 * share:.0f}%" if layers is None else round(share * layers)
    return changes
