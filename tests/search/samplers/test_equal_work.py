"""Every recipe gets the same work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BASE, SHAPE, WORK, ListSampler, new_study, new_trial

from luthier.recipes.recipe import Recipe
from luthier.search.samplers import EqualWork
from luthier.search.samplers.equal_work import WARMUP_SHARE
from luthier.search.study import Record
from luthier.sharing.work import Shape, step_work

RECIPES = st.builds(Recipe, schedule=st.sampled_from(["constant", "linear"]), batch_size=st.sampled_from([8, 16, 32, 64]),
                    frozen_layers=st.integers(0, 6), max_length=st.integers(8, 64), epochs=st.floats(1, 20))


def _equal(recipe: Recipe, shape: Shape = SHAPE, work: float = WORK, keep_warmup: bool = False) -> Recipe:
    return EqualWork(ListSampler([recipe]), shape, work, keep_warmup).suggest([], 3).recipe


@settings(max_examples=150, deadline=None)
@given(recipe=RECIPES, rows=st.integers(64, 3000), length=st.integers(8, 100), steps=st.floats(20, 2000))
def test_a_full_run_costs_the_work_to_half_a_step(recipe: Recipe, rows: int, length: int, steps: float) -> None:
    shape = Shape(np.full(rows, length), 6)
    work = steps * step_work(BASE, shape)
    equal = _equal(recipe, shape, work)
    assert abs(equal.total_steps(rows) * step_work(equal, shape) - work) <= 0.5001 * step_work(equal, shape)


@settings(max_examples=50, deadline=None)
@given(recipe=RECIPES)
def test_the_last_rung_is_the_end_of_the_run(recipe: Recipe) -> None:
    equal = _equal(recipe)
    assert new_study().steps_at(Record(new_trial(0, equal, 0, "made up")))[-1] == equal.total_steps(SHAPE.rows(equal))


@given(recipe=RECIPES)
def test_only_epochs_and_warmup_are_changed(recipe: Recipe) -> None:
    assert _equal(recipe).replace(epochs=recipe.epochs, warmup_steps=recipe.warmup_steps) == recipe
    assert _equal(recipe, keep_warmup=True).replace(epochs=recipe.epochs) == recipe


@given(recipe=RECIPES)
def test_warmup_is_a_share_of_the_run(recipe: Recipe) -> None:
    equal = _equal(recipe)
    assert equal.warmup_steps == max(1, round(WARMUP_SHARE * equal.total_steps(SHAPE.rows(equal))))
    first_rung = new_study().steps_at(Record(new_trial(0, equal.replace(schedule="constant"), 0, "made up")))[0]
    assert equal.warmup_steps <= first_rung


def test_the_role_is_kept() -> None:
    assert EqualWork(ListSampler([BASE]), SHAPE, WORK).suggest([], 1).role == "list"


@pytest.mark.parametrize("epochs", [400, 1000])
def test_a_cheap_recipe_beside_a_long_default_is_valid(epochs: float) -> None:
    """Frozen blocks cost a third, so their epochs are three times the default's, whatever was asked for."""
    default = BASE.replace(epochs=epochs)
    work = default.total_steps(SHAPE.rows(default)) * step_work(default, SHAPE)
    assert _equal(default.replace(frozen_layers=6), work=work).epochs == pytest.approx(3 * epochs)
