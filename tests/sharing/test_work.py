"""The cost of training, in tokens through the whole encoder."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.tokens import Tokens
from luthier.recipes.recipe import Method, Recipe
from luthier.sharing.work import FORWARD_SHARE, Shape, pass_work, step_work, steps_for, work_of

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


@given(recipe=GRADUAL, steps=st.integers(1, 2000))
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
