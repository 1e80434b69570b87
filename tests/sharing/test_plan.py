"""What a stage goes on from, what it leaves, and where it looks."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Trial
from luthier.sharing import plan

FOLDER, CHECKPOINT = Path("checkpoints"), Path("checkpoints/trial-3.safetensors")
TRIAL = Trial(7, Recipe(epochs=10, batch_size=16), 0, "made up", Seeds.all(0))


def test_a_stage_goes_on_from_the_checkpoint() -> None:
    stage = plan.stage(TRIAL, 60, rows=160, reached=20, checkpoint=CHECKPOINT, folder=FOLDER)
    assert (stage.trial, stage.start, stage.until, stage.total_steps) == (TRIAL, 20, 60, 100)
    assert stage.checkpoint == CHECKPOINT


def test_a_stage_without_a_checkpoint_begins_at_the_beginning_whatever_was_reached() -> None:
    stage = plan.stage(TRIAL, 60, rows=160, reached=20, checkpoint=None, folder=FOLDER, evaluate_at=(10, 30))
    assert (stage.start, stage.checkpoint, stage.evaluate_at) == (0, None, (10, 30))


def test_a_stage_leaves_a_checkpoint_or_a_model_but_not_both() -> None:
    saved = plan.stage(TRIAL, 60, rows=160, reached=0, checkpoint=None, folder=FOLDER)
    assert (saved.save, saved.deliver) == (FOLDER / "trial-7.safetensors", None)
    delivered = plan.stage(TRIAL, 60, rows=160, reached=0, checkpoint=None, folder=FOLDER, deliver=True)
    assert (delivered.save, delivered.deliver) == (None, FOLDER / "model-7")


@given(reached=st.integers(0, 50), until=st.integers(51, 100), steps=st.lists(st.integers(0, 120)))
def test_a_stage_looks_only_between_its_ends(reached: int, until: int, steps: list[int]) -> None:
    stage = plan.stage(TRIAL, until, rows=160, reached=reached, checkpoint=CHECKPOINT, folder=FOLDER, evaluate_at=tuple(steps))
    assert stage.evaluate_at == tuple(step for step in steps if reached < step < until)
