"""The default recipe and space, at every size of data and model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.recipes.defaults import (
    FEWEST_EPOCHS,
    FEWEST_STEPS,
    MANY_LABELS,
    MOST_EPOCHS,
    SMALL_MODEL,
    default_recipe,
    default_space,
)
from luthier.recipes.recipe import HeadInit, Method, steps_per_epoch
from luthier.recipes.space import Choice, Interval, Switched

ROWS = st.integers(1, 300_000)
LABELS = st.integers(2, 300)
PARAMETERS = st.integers(1, 10**9)
LENGTHS = st.integers(16, 8192)
LAYERS = st.integers(1, 48)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, labels=LABELS, parameters=PARAMETERS, length=LENGTHS)
def test_default_recipe_runs_long_enough_and_not_too_long(rows: int, labels: int, parameters: int, length: int) -> None:
    recipe = default_recipe(rows, labels, parameters, length)
    assert FEWEST_EPOCHS <= recipe.epochs <= MOST_EPOCHS
    assert recipe.total_steps(rows) >= FEWEST_STEPS or recipe.epochs == MOST_EPOCHS
    assert recipe.epochs == FEWEST_EPOCHS or recipe.total_steps(rows) <= FEWEST_STEPS
    assert recipe.warmup_steps < recipe.total_steps(rows)
    assert recipe.max_length == length


def test_default_recipe_is_horizon_free_so_that_rungs_are_prefixes() -> None:
    assert default_recipe(1000, 3, SMALL_MODEL, 128).horizon_free


def test_default_recipe_is_gentler_with_a_larger_model() -> None:
    small, large = default_recipe(1000, 3, SMALL_MODEL, 128), default_recipe(1000, 3, SMALL_MODEL + 1, 128)
    assert large.learning_rate < small.learning_rate
    assert large == small.replace(learning_rate=large.learning_rate)


def test_default_head_starts_from_a_probe_where_labels_are_many() -> None:
    few, many = default_recipe(1000, MANY_LABELS - 1, SMALL_MODEL, 128), default_recipe(1000, MANY_LABELS, SMALL_MODEL, 128)
    assert (few.head_init, many.head_init) == (HeadInit.RANDOM, HeadInit.PROBE)
    assert many.head_lr_multiplier < few.head_lr_multiplier


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, parameters=PARAMETERS, layers=LAYERS, method=st.sampled_from(Method), shared=st.booleans(), data=st.data())
def test_default_space_holds_only_valid_recipes(
        rows: int, parameters: int, layers: int, method: Method, shared: bool, data: st.DataObject) -> None:
    base = default_recipe(rows, 3, parameters, 128, method=method, shared_layers=shared)
    space = default_space(base, layers, rows, shared)
    recipe = space.at([data.draw(st.floats(0, 1, exclude_max=True)) for _ in space.axes])
    assert 0 <= recipe.frozen_blocks(layers) <= layers
    assert len(space.dimensions) <= 7
    assert set(space.notes) <= set(space.dimensions)
    changed = {name for name, value in recipe.to_table().items() if value != base.to_table()[name]}
    assert changed <= set(space.dimensions)


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, parameters=PARAMETERS, layers=LAYERS, method=st.sampled_from(Method), shared=st.booleans())
def test_default_space_reaches_around_the_default(
        rows: int, parameters: int, layers: int, method: Method, shared: bool) -> None:
    """So that TPE can learn from it: its batch size alone may be too large for few rows."""
    base = default_recipe(rows, 3, parameters, 128, method=method, shared_layers=shared)
    space = default_space(base, layers, rows, shared)
    assert space.without(["batch_size"]).read(base) is not None
    assert rows < 128 or space.read(base) is not None


def test_default_space_of_shared_layers_freezes_all_or_nothing() -> None:
    space = default_space(default_recipe(1000, 3, 1, 128, shared_layers=True), 12, 1000, shared_layers=True)
    assert "layer_decay" not in space.dimensions
    assert space.dimensions["frozen_layers"] == Choice((0, "all"))


def test_default_space_of_a_model_without_blocks_searches_nothing_of_blocks() -> None:
    assert not {"layer_decay", "frozen_layers"} & set(default_space(default_recipe(1000, 3, 1, 128), 0, 1000).dimensions)


def test_default_space_turns_weight_decay_off_half_of_the_time() -> None:
    decay = default_space(default_recipe(1000, 3, 1, 128), 6, 1000).dimensions["weight_decay"]
    assert decay == Switched(Interval(0.003, 3.0, log=True))


def test_default_space_follows_the_rate_of_the_method() -> None:
    lora = default_space(default_recipe(1000, 3, 1, 128, method=Method.LORA), 6, 1000).dimensions
    assert lora["learning_rate"] == Interval(2e-4, 8e-3, log=True)
    assert lora["head_lr_multiplier"] == Interval(0.1, 10, log=True)


@pytest.mark.parametrize(("layers", "least"), [(1, 0.05), (6, 0.6), (12, 0.77), (24, 0.88), (48, 0.9)])
def test_default_space_lets_no_block_of_a_deep_model_stand_still(layers: int, least: float) -> None:
    space = default_space(default_recipe(1000, 3, 1, 128), layers, 1000)
    assert space.dimensions["layer_decay"] == Interval(least, 1.0)
    assert f"from {least:g}" in space.notes["layer_decay"]


def test_default_space_says_why_its_batches_end_early() -> None:
    assert "fewer than 8 steps" in default_space(default_recipe(300, 3, 1, 128), 6, 300).notes["batch_size"]
    assert "batch_size" not in default_space(default_recipe(512, 3, 1, 128), 6, 512).notes


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_default_space_has_no_batches_that_leave_few_steps(rows: int) -> None:
    batches = default_space(default_recipe(rows, 3, 1, 128), 6, rows).dimensions["batch_size"]
    assert isinstance(batches, Choice)
    assert batches.values[0] == 8
    assert all(steps_per_epoch(rows, size) >= 8 for size in batches.values if size > 16)
    assert 16 in batches.values, "the default's own"
    assert rows < 512 or batches.values == (8, 16, 32, 64)
