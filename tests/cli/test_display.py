"""What the terminal says of a study, in plain lines."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from luthier.cli.display import Display
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import Point, StageResult, Trial
from luthier.search.events import result_event, trial_event
from luthier.search.study import Study
from luthier.sharing.work import Shape

ROWS, STEPS = 32, 4


def _study(final_steps: int, failure: str | None = None) -> Study:
    """One recipe of 4 steps, and its final after as many steps."""
    study = Study(0, "macro_f1", Shape(np.full(ROWS, 10), 2), (1e9,))
    for number, (steps, parent, role) in enumerate([(STEPS, None, "default"), (final_steps, 0, "final")]):
        study.apply(trial_event(Trial(number, Recipe(epochs=steps / 2, batch_size=16), 0, role, HeldSeeds().seeds(0), parent)))
        point = Point(steps, steps / 2, 1.0, 1.0, "rung", "ema", {"macro_f1": 0.5})
        study.apply(result_event(StageResult(number, steps, (point,), Path("there"), failure=failure if parent == 0 else None)))
    return study


def _said(study: Study, *, alone: bool) -> str:
    console = Console(file=io.StringIO(), highlight=False, soft_wrap=True, markup=False)
    Display(console, alone=alone).update(study, {})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("final_steps", "failure", "lines"), [
    (STEPS, None, ["the recipe: step 4, macro_f1 0.500"]),
    (STEPS + 1, None, ["the recipe: step 4", "its final: step 5"]),
    (STEPS, "no room", ["the recipe: step 4", "its final failed: no room"])])
def test_one_recipe_alone_is_no_trial_among_others(final_steps: int, failure: str | None, lines: list[str]) -> None:
    said = _said(_study(final_steps, failure), alone=True)
    assert len(said.splitlines()) == len(lines)
    assert all(line in found for line, found in zip(lines, said.splitlines(), strict=True))
    assert said.splitlines()[0].endswith("macro_f1 0.500")
    assert "default" not in said and "trial" not in said


def test_a_search_names_its_trials_and_the_best() -> None:
    said = _said(_study(STEPS), alone=False)
    assert "trial 0 (default): step 4, macro_f1 0.500; best validation score 0.500 (trial 0)" in said and "trial 1 (final)" in said
