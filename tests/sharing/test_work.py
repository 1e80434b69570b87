"""The cost of training, in tokens through the whole encoder."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.tokens import Tokens
from luthier.recipes.recipe import Method, Recipe
from luthier.sharing.work import (
    FORWARD_SHARE,
    Shape,
    making_work,
    never_trained,
    pass_work,
    stage_work,
    step_work,
    steps_for,
    stored_bytes,
    work_of,
)

LENGTHS = st.lists(st.integers(3, 300), min_size=1, max_size=50).map(np.array)
SHAPES = st.builds(Shape, LENGTHS, st.integers(1, 24))
RECIPES = st.builds(Recipe, batch_size=st.integers(1, 64), max_length=st.integers(4, 200), frozen_layers=st.integers(0, 30))
GRADUAL = st.builds(Recipe, frozen_layers=st.integers(0, 5), unfreeze_every=st.integers(0, 40),
                    r_drop=st.sampled_from([0.0, 1.0]), method=st.sampled_from(Method))
SHAPE = Shape(np.array([10, 20, 30, 40]), layers=6)


def test_shape_is_read_off_the_tokens() -> None:
    tokens = Tokens(np.zeros(9, np.int32), np.array([0, 2, 2, 9]), np.zeros(3, np.int32), 1, 1)
    shape = Shape.of(tokens, 12)
    assert (shape.lengths.tolist(), shape.rows(Recipe()), shape.layers) == ([2, 0, 7], 3, 12)


@pytest.mark.parametrize(("max_length", "mean"), [(100, 25.0), (40, 25.0), (25, 20.0), (10, 10.0), (4, 4.0)])
def test_rows_are_cut_to_the_longest_that_is_kept(max_length: int, mean: float) -> None:
    assert SHAPE.tokens_per_row(Recipe(max_length=max_length)) == mean


@pytest.mark.parametrize(("frozen", "work"), [(0, 50.0), (3, 50 * 2 / 3), (6, 50 / 3), (9, 50 / 3)])
def test_a_backward_pass_costs_twice_a_forward_one_and_reaches_only_trained_blocks(frozen: int, work: float) -> None:
    assert step_work(Recipe(batch_size=2, frozen_layers=frozen), SHAPE) == pytest.approx(work)


def test_a_batch_holds_no_more_rows_than_there_are() -> None:
    assert step_work(Recipe(batch_size=64), SHAPE) == step_work(Recipe(batch_size=4), SHAPE) == 100


def test_an_encoder_without_blocks_has_a_cost() -> None:
    assert step_work(Recipe(batch_size=2), Shape(SHAPE.lengths, 0)) > 0


@given(recipe=RECIPES, shape=SHAPES)
def test_training_less_never_costs_more(recipe: Recipe, shape: Shape) -> None:
    work = step_work(recipe, shape)
    assert 0 < step_work(recipe.replace(frozen_layers=recipe.frozen_layers + 1), shape) <= work
    assert step_work(recipe.replace(max_length=max(4, recipe.max_length // 2)), shape) <= work
    assert work <= step_work(recipe.replace(batch_size=recipe.batch_size + 1), shape)


@given(recipe=RECIPES, shape=SHAPES, work=st.floats(1, 1e9))
def test_steps_for_is_the_nearest_number_of_steps_and_at_least_one(recipe: Recipe, shape: Shape, work: float) -> None:
    steps, cost = steps_for(work, recipe, shape), step_work(recipe, shape)
    assert steps == 1 or abs(steps * cost - work) <= 0.5 * cost * (1 + 1e-9)
    assert steps >= 1 and (steps > 1 or work <= 1.5 * cost * (1 + 1e-9))


@given(recipe=RECIPES, shape=SHAPES, steps=st.integers(1, 10**6))
def test_steps_for_undoes_step_work(recipe: Recipe, shape: Shape, steps: int) -> None:
    assert steps_for(steps * step_work(recipe, shape), recipe, shape) == steps


@given(recipe=RECIPES, shape=SHAPES)
def test_looking_at_rows_costs_what_a_fully_frozen_step_on_them_does(recipe: Recipe, shape: Shape) -> None:
    rows = min(recipe.batch_size, shape.rows(recipe))
    assert pass_work(rows, recipe, shape) == pytest.approx(step_work(recipe.replace(frozen_layers=shape.layers), shape))
    assert pass_work(rows, recipe, shape) == pytest.approx(FORWARD_SHARE * step_work(recipe.replace(frozen_layers=0), shape))


@given(recipe=GRADUAL, steps=st.integers(1, 400))
def test_work_of_steps_is_the_sum_of_what_each_costs(recipe: Recipe, steps: int) -> None:
    def cost(step: int) -> float:
        blocks = SHAPE.layers - recipe.frozen_blocks(SHAPE.layers)
        if recipe.unfreeze_every:
            blocks = min(blocks, step // recipe.unfreeze_every)
        return step_work(recipe.replace(unfreeze_every=0, frozen_layers=SHAPE.layers - blocks), SHAPE)
    assert work_of(steps, recipe, SHAPE) == pytest.approx(sum(cost(step) for step in range(steps)))
    assert steps_for(work_of(steps, recipe, SHAPE), recipe, SHAPE) == steps


@pytest.mark.parametrize(("changes", "factor"), [
    ({"r_drop": 1.0}, 2), ({"method": "lora"}, 2 / 3), ({"method": "bitfit"}, 2 / 3), ({"method": "lora", "r_drop": 1.0}, 4 / 3)])
def test_passes_and_weight_gradients_are_counted(changes: dict[str, object], factor: float) -> None:
    plain = Recipe(batch_size=2)
    assert step_work(plain.replace(**changes), SHAPE) == pytest.approx(factor * step_work(plain, SHAPE))


def test_each_model_has_a_shape_of_its_own() -> None:
    large = Shape(np.array([20, 40, 60, 80]), layers=12, size=3.0)
    both = dataclasses.replace(SHAPE, models={"small": SHAPE, "large": large})
    assert step_work(Recipe(model="large"), both) == pytest.approx(6 * step_work(Recipe(model="small"), both))
    assert pass_work(10, Recipe(model="large"), both) == pytest.approx(6 * pass_work(10, Recipe(), both))


def test_rates_of_zero_cost_what_freezing_does() -> None:
    frozen, table = Recipe(frozen_layers=3), Recipe(layer_lr={"embeddings": 0, "0-1": 0, "2": 0})
    assert step_work(table, SHAPE) == step_work(frozen, SHAPE) < step_work(Recipe(layer_lr={"0-2": 0}), SHAPE)


def test_blocks_that_start_afresh_train_from_the_first_step() -> None:
    gradual = Recipe(unfreeze_every=10, reinit_layers=2)
    assert work_of(10, gradual, SHAPE) == pytest.approx(10 * step_work(Recipe(frozen_layers=4), SHAPE))


@pytest.mark.parametrize(("frozen", "stored", "work"), [
    (3, 0, 50 * 4 / 6), (3, 3, 50 * 3 / 6), (5, 5, 50 * 1 / 6), (6, 5, 50 / 18), (6, 6, 0.0)])
def test_stored_blocks_are_not_passed_through(frozen: int, stored: int, work: float) -> None:
    assert step_work(Recipe(batch_size=2, frozen_layers=frozen), SHAPE, stored) == pytest.approx(work)


@given(recipe=RECIPES, shape=SHAPES, steps=st.integers(0, 1000), rows=st.integers(0, 1000))
def test_nothing_stored_is_the_plain_cost(recipe: Recipe, shape: Shape, steps: int, rows: int) -> None:
    assert step_work(recipe, shape, 0) == step_work(recipe, shape)
    assert work_of(steps, recipe, shape, 0) == stage_work(0, steps, recipe, shape) == work_of(steps, recipe, shape)
    assert pass_work(rows, recipe, shape, 0) == pass_work(rows, recipe, shape)


@given(recipe=st.one_of(RECIPES, GRADUAL), shape=SHAPES, steps=st.integers(1, 1000), data=st.data())
def test_storing_saves_forward_passes_of_what_is_stored_and_nothing_else(
        recipe: Recipe, shape: Shape, steps: int, data: st.DataObject) -> None:
    stored = data.draw(st.integers(0, never_trained(recipe, shape.layers)))
    plain, left = work_of(steps, recipe, shape), work_of(steps, recipe, shape, stored)
    forward = work_of(steps, recipe.replace(frozen_layers="all", unfreeze_every=0), shape)
    assert left <= plain
    assert plain - left == pytest.approx(forward * stored / shape.layers)


@given(shape=SHAPES, frozen=st.integers(0, 23), steps=st.integers(1, 100))
def test_freezing_and_storing_one_more_block_always_saves(shape: Shape, frozen: int, steps: int) -> None:
    less, more = (min(depth, shape.layers) for depth in (frozen, frozen + 1))
    work = [work_of(steps, Recipe(frozen_layers=depth), shape, depth) for depth in (less, more)]
    assert work[1] < work[0] if more > less else work[1] == work[0]


@given(recipe=GRADUAL, cuts=st.lists(st.integers(0, 500)), stored=st.integers(0, 6))
def test_stages_cost_together_what_the_whole_does(recipe: Recipe, cuts: list[int], stored: int) -> None:
    stored = min(stored, never_trained(recipe, SHAPE.layers))
    steps = [0, *sorted(cuts), 500]
    parts = [stage_work(start, end, recipe, SHAPE, stored) for start, end in pairwise(steps)]
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(work_of(500, recipe, SHAPE, stored))


@given(shape=SHAPES, recipe=RECIPES, rows=st.integers(1, 10_000), data=st.data())
def test_making_an_entry_is_the_part_of_a_pass_that_it_saves(shape: Shape, recipe: Recipe, rows: int, data: st.DataObject) -> None:
    boundary = data.draw(st.integers(0, shape.layers))
    lower = data.draw(st.integers(0, boundary))
    whole = pass_work(rows, recipe, shape)
    assert making_work(boundary, rows, recipe, shape) + pass_work(rows, recipe, shape, boundary) == pytest.approx(whole)
    assert (making_work(lower, rows, recipe, shape) + making_work(boundary, rows, recipe, shape, lower)
            == pytest.approx(making_work(boundary, rows, recipe, shape)))


def test_an_entry_holds_every_token_that_is_read() -> None:
    assert stored_bytes(4, Recipe(max_length=25), SHAPE, width=10) == 10 * (10 + 20 + 25 + 25)
