"""`Recipe`: valid or refused with every wrong field named; the same after TOML, JSON and back."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.config import Limits, as_text, field_types, read_toml, write_toml
from luthier.errors import ConfigError
from luthier.recipes.recipe import (
    CONDITIONS,
    HELP,
    Averaging,
    HeadInit,
    Method,
    Recipe,
    Schedule,
    applies,
    blocks_of,
    steps_per_epoch,
)

LIMITS: dict[str, Limits] = {field.name: field.metadata["limits"] for field in dataclasses.fields(Recipe)}
TYPES = field_types(Recipe)


NAMES = st.from_regex(r"[a-z0-9.*-]+", fullmatch=True)
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "frozen_layers": st.integers(0, 1000) | st.sampled_from(["half", "all", "embeddings", "0%", "75%", "100%"]),
    "class_weighting": st.floats(0, 1) | st.just("auto"),
    "layer_lr": st.dictionaries(NAMES, st.floats(0, 1000), max_size=3),
    "lora_targets": st.lists(NAMES, max_size=3).map(tuple),
    "attention_dropout": st.none() | st.floats(0, 0.9),
    "dropout_in_frozen": st.booleans(),
    "model": st.sampled_from(["", "minilm", "owner/name"]),
}
SPECIAL_WRONG: dict[str, list[Any]] = {
    "frozen_layers": ["halves", "101%", -1, 2.5, None, True, [3]],
    "class_weighting": ["automatic", 1.1, -0.1, None, math.nan],
    "layer_lr": [{"a": -1}, {"a": "x"}, {"a,b": 1}, "a", ["a"], 5],
    "lora_targets": [5, [1], True, {"a": 1}],
    "attention_dropout": ["x", 0.95, -0.1, True, math.inf],
    "dropout_in_frozen": ["perhaps", 1, None],
    "model": [True, None, ["a"]],
}


def _right(name: str) -> st.SearchStrategy[Any]:
    """Values that the hyperparameter may take."""
    kind, limits = TYPES[name], LIMITS[name]
    if name in SPECIAL:
        return SPECIAL[name]
    if issubclass(kind, enum.Enum):
        return st.sampled_from(kind)
    if kind is int:
        return st.integers(int(limits.low), int(limits.high))
    return st.floats(limits.low, limits.high, exclude_min=limits.open_low)


def _wrong(name: str) -> st.SearchStrategy[Any]:
    """Values that it may not."""
    kind, limits = TYPES[name], LIMITS[name]
    if name in SPECIAL:
        return st.sampled_from(SPECIAL_WRONG[name])
    if issubclass(kind, enum.Enum):
        return st.sampled_from(["", "Constant", 1, True, None])
    above = st.floats(limits.high, exclude_min=True, allow_infinity=True)
    below = st.floats(max_value=limits.low, exclude_max=not limits.open_low)
    if kind is int:
        above, below = st.integers(int(limits.high) + 1), st.integers(max_value=int(limits.low) - 1)
    return above | below | st.sampled_from(["x", "", True, None, math.nan, [1], {}]) | (
        st.just(5.5) if kind is int else st.nothing())


RECIPES = st.fixed_dictionaries({name: _right(name) for name in TYPES}).map(lambda table: Recipe(**table))
BROKEN = st.sets(st.sampled_from(sorted(TYPES)), min_size=1).flatmap(
    lambda names: st.fixed_dictionaries({name: _wrong(name) for name in names}))


@settings(deadline=None)
@given(recipe=RECIPES)
def test_recipe_survives_toml(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    write_toml(path, {"recipe": recipe.to_table()})
    again = Recipe.from_table(read_toml(path)["recipe"])
    assert again == recipe
    assert again.hash == recipe.hash


@settings(deadline=None)
@given(recipe=RECIPES)
def test_recipe_survives_json(recipe: Recipe) -> None:
    again = Recipe.from_table(json.loads(json.dumps(recipe.to_table())))
    assert again == recipe
    assert again.hash == recipe.hash


@settings(deadline=None)
@given(recipe=RECIPES)
def test_recipe_survives_being_written_as_texts(recipe: Recipe) -> None:
    """As in the rows of a trials.csv and the values of --set."""
    assert Recipe.from_table({name: as_text(value) for name, value in recipe.to_table().items()}) == recipe


@settings(max_examples=200, deadline=None)
@given(wrong=BROKEN)
def test_recipe_names_each_wrong_field_and_no_other(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe(**wrong)
    assert {line.split(" = ")[0] for line in str(caught.value).splitlines()} == set(wrong)


@settings(max_examples=50, deadline=None)
@given(recipe=RECIPES, wrong=BROKEN)
def test_replace_names_wrong_fields_and_unknown_ones_together(recipe: Recipe, wrong: dict[str, Any]) -> None:
    changes = {name: value for name, value in wrong.items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        recipe.replace(**changes, learning_rat=1)
    lines = str(caught.value).splitlines()
    assert "learning_rat: no such setting. Did you mean 'learning_rate'?" in lines
    assert {line.split(" = ")[0] for line in lines if " = " in line} == set(changes)


def test_replace_changes_only_what_it_is_told() -> None:
    recipe = Recipe(dropout=0.25)
    changed = recipe.replace(epochs=3, schedule="linear")
    assert changed == dataclasses.replace(recipe, epochs=3.0, schedule=Schedule.LINEAR)
    assert recipe == Recipe(dropout=0.25)


def test_recipe_defaults_are_valid_and_every_field_has_help() -> None:
    assert Recipe.from_table({}) == Recipe()
    assert list(HELP) == list(TYPES)
    assert all(text.endswith(".") and text[0].isupper() for text in HELP.values())


def test_recipe_holds_no_seed() -> None:
    assert not [name for name in TYPES if "seed" in name]


def test_hash_is_the_same_for_equal_recipes_and_differs_for_others() -> None:
    assert Recipe(batch_size=16.0, epochs=4).hash == Recipe(batch_size=16, epochs=4.0).hash
    variants = [Recipe(), Recipe(epochs=3), Recipe(schedule=Schedule.LINEAR), Recipe(averaging=Averaging.NONE),
                Recipe(head_init=HeadInit.PROBE), Recipe(batch_size=17), Recipe(learning_rate=1.00001e-4)]
    hashes = {recipe.hash for recipe in variants}
    assert len(hashes) == len(variants)
    assert all(len(text) == 12 and int(text, 16) >= 0 for text in hashes)


@given(rows=st.integers(1, 10**6), batch_size=st.integers(1, 4096))
def test_steps_per_epoch_reach_every_row_and_waste_no_step(rows: int, batch_size: int) -> None:
    steps = steps_per_epoch(rows, batch_size)
    assert (steps - 1) * batch_size < rows <= steps * batch_size


@given(rows=st.integers(1, 10**5), batch_size=st.integers(1, 512), steps=st.integers(1, 10**5))
def test_total_steps_are_exact_for_epochs_made_from_steps(rows: int, batch_size: int, steps: int) -> None:
    """Schedulers write a number of steps as a fraction of epochs; none may be lost on the way."""
    per_epoch = steps_per_epoch(rows, batch_size)
    epochs = steps / per_epoch
    if 0 < epochs <= LIMITS["epochs"].high:
        assert Recipe(epochs=epochs, batch_size=batch_size).total_steps(rows) == steps


@pytest.mark.parametrize(("epochs", "rows", "steps"), [(2, 100, 14), (0.5, 100, 4), (1e-6, 100, 1), (3, 1, 3)])
def test_total_steps_count_whole_steps_and_at_least_one(epochs: float, rows: int, steps: int) -> None:
    assert Recipe(epochs=epochs, batch_size=16).total_steps(rows) == steps


def test_only_a_constant_rate_without_a_horizon_in_its_average_is_horizon_free() -> None:
    free = {(schedule, averaging) for schedule in Schedule for averaging in Averaging
            if Recipe(schedule=schedule, averaging=averaging).horizon_free}
    assert free == {(Schedule.CONSTANT, Averaging.NONE), (Schedule.CONSTANT, Averaging.EMA)}


@pytest.mark.parametrize(("named", "layers", "reinit", "blocks", "embeddings"), [
    (0, 6, 0, 0, False), (4, 6, 0, 4, True), ("half", 6, 0, 3, True), ("half", 12, 0, 6, True), ("75%", 12, 0, 9, True),
    ("all", 6, 0, 6, True), ("embeddings", 6, 0, 0, True), ("0%", 6, 0, 0, False), ("00%", 6, 0, 0, False),
    ("1%", 6, 0, 0, True), (6, 6, 2, 4, True), ("all", 6, 6, 0, True)])
def test_frozen_layers_in_numbers(named: Any, layers: int, reinit: int, blocks: int, embeddings: bool) -> None:
    recipe = Recipe(frozen_layers=named, reinit_layers=reinit)
    assert (recipe.frozen_blocks(layers), recipe.freezes_embeddings) == (blocks, embeddings)


@pytest.mark.parametrize(("entry", "blocks"), [
    ("7", [7]), ("0-2", [0, 1, 2]), ("3-1", []), ("embeddings", None), ("7x", None), ("encoder.layer.7", None), ("-2", None)])
def test_entries_of_layer_lr_name_blocks(entry: str, blocks: list[int] | None) -> None:
    found = blocks_of(entry)
    assert (found if found is None else list(found)) == blocks
    assert Recipe(layer_lr={entry: 1}).layers_beyond(2) == ([entry] if blocks and max(blocks) > 1 else [])


def test_conditions_name_hyperparameters_and_their_values() -> None:
    for name, (other, value) in CONDITIONS.items():
        assert name in HELP and isinstance(value, TYPES[other])


@pytest.mark.parametrize(("values", "rank", "pull"), [
    ({"method": Method.LORA}, True, False), ({"method": "lora"}, True, False), ({"method": "full"}, False, True),
    ({"method": "bitfit"}, False, False), ({"method": ""}, False, False), ({}, True, True)])
def test_a_hyperparameter_applies_beside_a_value_or_its_text(values: dict[str, Any], rank: bool, pull: bool) -> None:
    assert (applies("lora_rank", values), applies("l2_sp", values)) == (rank, pull)
    assert applies("learning_rate", values)


@given(recipe=RECIPES)
def test_what_means_something_is_the_same_after_being_written(recipe: Recipe) -> None:
    texts = {name: as_text(getattr(recipe, name)) for name in HELP}
    assert all(recipe.means_something(name) == applies(name, texts) == applies(name, recipe.to_table()) for name in HELP)
    assert all(recipe.means_something(name) == (getattr(recipe, other) is wanted) for name, (other, wanted) in CONDITIONS.items())
