"""The default recipe and space, at every size of data and model."""

from __future__ import annotations

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
from luthier.recipes.recipe import HeadInit, steps_per_epoch
from luthier.recipes.space import Choice, Interval

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
@given(rows=ROWS, parameters=PARAMETERS, layers=LAYERS, data=st.data())
def test_default_space_holds_only_valid_recipes(rows: int, parameters: int, layers: int, data: st.DataObject) -> None:
    base = default_recipe(rows, 3, parameters, 128)
    space = default_space(base, layers, rows)
    recipe = space.at([data.draw(st.floats(0, 1, exclude_max=True)) for _ in space.dimensions])
    assert 0 <= recipe.frozen_layers <= layers
    changed = {name for name, value in recipe.to_table().items() if value != base.to_table()[name]}
    assert changed <= set(space.dimensions)


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, parameters=PARAMETERS, layers=LAYERS)
def test_default_space_reaches_around_the_default(rows: int, parameters: int, layers: int) -> None:
    base = default_recipe(rows, 3, parameters, 128)
    for name, dimension in default_space(base, layers, rows).dimensions.items():
        if isinstance(dimension, Interval):
            assert dimension.low <= getattr(base, name) <= dimension.high


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_default_space_has_no_batches_that_leave_few_steps(rows: int) -> None:
    batches = default_space(default_recipe(rows, 3, 1, 128), 6, rows).dimensions["batch_size"]
    assert isinstance(batches, Choice)
    assert batches.values[0] == 8
    assert all(steps_per_epoch(rows, size) >= 8 for size in batches.values[1:])
    assert rows < 512 or batches.values == (8, 16, 32, 64)
