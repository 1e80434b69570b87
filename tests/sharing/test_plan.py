"""What a stage goes on from, what it leaves, and where it looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Trial
from luthier.sharing import plan
from luthier.sharing.work import Shape, work_of

FOLDER = Path("checkpoints")
CHECKPOINTS = {step: FOLDER / f"trial-3-{step}.safetensors" for step in (10, 20, 40)}
TRIAL = Trial(7, Recipe(epochs=10, batch_size=16), 0, "made up", Seeds.all(0))


def test_a_stage_goes_on_from_the_checkpoint() -> None:
    stage = plan.stage(TRIAL, 60, rows=160, reached=20, checkpoints=CHECKPOINTS, folder=FOLDER, layers=6)
    assert (stage.trial, stage.start, stage.reached, stage.until, stage.total_steps) == (TRIAL, 20, 20, 60, 100)
    assert stage.checkpoint == CHECKPOINTS[20]


def test_a_stage_replays_from_the_newest_checkpoint_before_where_it_goes_on() -> None:
    stage = plan.stage(TRIAL, 60, rows=160, reached=30, checkpoints=CHECKPOINTS, folder=FOLDER, layers=6)
    assert (stage.start, stage.reached, stage.checkpoint) == (20, 30, CHECKPOINTS[20])
    stage = plan.stage(TRIAL, 60, rows=160, reached=5, checkpoints=CHECKPOINTS, folder=FOLDER, layers=6)
    assert (stage.start, stage.reached, stage.checkpoint) == (0, 5, None)


def test_a_stage_without_a_checkpoint_replays_what_was_reached_and_looks_only_beyond() -> None:
    stage = plan.stage(TRIAL, 60, rows=160, reached=20, checkpoints={}, folder=FOLDER, layers=6, evaluate_at=(10, 30))
    assert (stage.start, stage.reached, stage.checkpoint, stage.evaluate_at) == (0, 20, None, (30,))


def test_a_stage_leaves_a_checkpoint_or_a_model_but_not_both() -> None:
    saved = plan.stage(TRIAL, 60, rows=160, reached=0, checkpoints={}, folder=FOLDER, layers=6)
    assert (saved.save, saved.deliver) == (FOLDER / "trial-7-60.safetensors", None)
    delivered = plan.stage(TRIAL, 60, rows=160, reached=0, checkpoints={}, folder=FOLDER, layers=6, deliver=True)
    assert (delivered.save, delivered.deliver) == (None, FOLDER / "model-7")


@given(reached=st.integers(0, 50), until=st.integers(51, 100), steps=st.lists(st.integers(0, 120)))
def test_a_stage_looks_only_between_its_ends(reached: int, until: int, steps: list[int]) -> None:
    stage = plan.stage(TRIAL, until, rows=160, reached=reached, checkpoints=CHECKPOINTS, folder=FOLDER, layers=6,
                       evaluate_at=tuple(steps))
    assert stage.evaluate_at == tuple(step for step in steps if reached < step < until)


def test_a_study_that_shares_nothing_begins_each_stage_anew_and_looks_where_it_would() -> None:
    stage = plan.stage(TRIAL, 60, rows=160, reached=20, checkpoints=CHECKPOINTS, folder=FOLDER, layers=6, sharing=plan.NOTHING,
                       evaluate_at=(10, 30))
    assert (stage.start, stage.checkpoint, stage.save, stage.evaluate_at, stage.trunk) == (0, None, None, (30,), 0)


@pytest.mark.parametrize(("changes", "layers", "boundary"), [
    ({}, 6, 0), ({"frozen_layers": "embeddings"}, 6, 0), ({"frozen_layers": 2}, 6, 0), ({"frozen_layers": 3}, 6, 3),
    ({"frozen_layers": 4}, 6, 3), ({"frozen_layers": 5}, 6, 5), ({"frozen_layers": "all"}, 6, 5), ({"frozen_layers": "all"}, 2, 1),
    ({"frozen_layers": "all"}, 1, 0), ({"frozen_layers": 4, "dropout_in_frozen": True}, 6, 0),
    ({"frozen_layers": "embeddings", "layer_lr": {"0-2": 0}}, 6, 3), ({"frozen_layers": 3, "unfreeze_every": 5}, 6, 3),
    ({"frozen_layers": 4, "method": "lora"}, 6, 3)])
def test_the_boundary_lies_below_all_that_ever_trains(changes: dict[str, object], layers: int, boundary: int) -> None:
    assert plan.boundary(Recipe.from_table(changes), layers) == boundary


def test_storing_pays_where_full_runs_see_the_rows() -> None:
    assert plan.pays(100, 16, 1600) and not plan.pays(99, 16, 1600)


@given(ends=st.lists(st.integers(1, 300), min_size=1, unique=True).map(sorted), frozen=st.integers(0, 6),
       unfreeze_every=st.sampled_from([0, 20]))
def test_a_run_that_goes_on_costs_its_last_step_and_one_that_does_not_all_of_its_stages(
        ends: list[int], frozen: int, unfreeze_every: int) -> None:
    recipe, shape = Recipe(frozen_layers=frozen, unfreeze_every=unfreeze_every), Shape(np.array([10, 20, 30, 40]), layers=6)
    stored = plan.boundary(recipe, 6)
    shared = plan.run_work(ends, recipe, shape, stored=stored, checkpoints=True)
    unshared = plan.run_work(ends, recipe, shape, stored=0, checkpoints=False)
    assert shared == pytest.approx(work_of(ends[-1], recipe, shape, stored))
    assert unshared == pytest.approx(sum(work_of(end, recipe, shape) for end in ends))
    assert shared <= unshared * (1 + 1e-9) and (shared < unshared) is (len(ends) > 1 or stored > 0)
