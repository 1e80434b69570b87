"""Write docs/hyperparameters.md from the recipe's own fields: python docs/generate.py"""

from __future__ import annotations

import dataclasses
import enum
import typing
from pathlib import Path

from luthier.config import Limits, Words, field_types, optional, shown
from luthier.recipes.recipe import CONDITIONS, Recipe

HEAD = """# Hyperparameters

Every hyperparameter of a recipe: an option of `luthier train` (`--frozen-layers 4`), a key of a recipe.toml for `--config`,
a keyword of `luthier.train`, a NAME for `--set`, `--search` and `--search-also` of `luthier tune`, and a column of
trials.csv. The defaults below are those of `Recipe()`; the default recipe of a run scales learning rate, epochs, warmup,
head and length to rows, labels and model (`layer_decay` is 1 where blocks share their weights); in a search its rate is constant
(`schedule`), and only the finals end with a decay. It has a learning rate of 1e-4 (5e-5 above 40 million parameters; ten times that
with LoRA or BitFit), batches of 16 and 4 to 20 epochs, so that there are 500 steps where 20 epochs allow; a budget may
afford fewer.

Unless `--search` is given, `tune` searches `learning_rate` (a fifth to eight times the default's), `head_lr_multiplier` (1
to 30; with LoRA or BitFit 0.1 to 10), `layer_decay`, `frozen_layers` (none to all), `batch_size` (8, 16, 32 and 64, as far
as the rows allow), `dropout` (0 to 0.3) and `weight_decay` (off, or 0.003 to 3). Written by docs/generate.py.

| name | values | default | meaning |
|---|---|---|---|
"""


def render() -> str:
    """The page."""
    kinds = field_types(Recipe)
    lines = [f"| `{field.name}` | {_values(kinds[field.name], field.metadata['limits'])} | {_default(field)} | "
             f"{field.metadata['help']}{_condition(field.name)} |" for field in dataclasses.fields(Recipe) if field.name != "model"]
    return HEAD + "\n".join(lines) + "\n"


def _values(kind: typing.Any, limits: Limits) -> str:
    if typing.get_origin(kind) is typing.Annotated:
        union, words = typing.get_args(kind)
        assert isinstance(words, Words)
        return f"{_values(typing.get_args(union)[0], limits)}, or {words.said}"
    kind, _ = optional(kind)
    if typing.get_origin(kind) is tuple:
        return "names"
    if typing.get_origin(kind) is dict:
        return f"NAME=NUMBER, …; numbers {limits}"
    if issubclass(kind, enum.Enum):
        return ", ".join(member.value for member in kind)
    return {bool: "true, false", str: "a name"}.get(kind) or f"{'whole number' if kind is int else 'number'} {limits}"


def _default(field: dataclasses.Field[typing.Any]) -> str:
    value = getattr(Recipe(), field.name)
    return "-" if value in (None, "", {}, ()) else shown(value)


def _condition(name: str) -> str:
    if name not in CONDITIONS:
        return ""
    other, value = CONDITIONS[name]
    return f" Only where {other} is {value.value}."


if __name__ == "__main__":
    (Path(__file__).parent / "hyperparameters.md").write_text(render(), encoding="utf-8")
