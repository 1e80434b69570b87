"""How a search ends: which finals there are to choose among."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from luthier.api import closing
from luthier.api.closing import best_other, collect_finals, figures_of
from luthier.api.earlier import model_folder
from luthier.api.folder import RunFolder
from luthier.api.interrupt import Interrupt
from luthier.errors import RunError
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import StageResult, Trial
from luthier.search.events import result_event, trial_event
from luthier.search.study import DEFAULT, FINAL, Study
from luthier.sharing.work import Shape
from luthier.tasks.metrics import Score


@pytest.fixture
def study() -> Study:
    """A default, and two finals that have begun: of it, and of a trial beside it."""
    found = Study(0, "accuracy", Shape(np.array([4, 4]), 2), (1.0,))
    for number, role, parent in ((0, DEFAULT, None), (1, "tpe", None), (2, FINAL, 0), (3, FINAL, 1)):
        found.apply(trial_event(Trial(number, Recipe(), 0, role, Seeds.all(0), parent)))
    return found


def test_a_final_that_was_not_finished_before_its_command_ended_is_none(study: Study, tmp_path: Path) -> None:
    """Killed between its first event and its last, with no time left for whoever goes on with the run."""
    folder = RunFolder(tmp_path)
    model_folder(folder, 2).mkdir(parents=True)
    np.save(model_folder(folder, 2) / "validation.npy", np.ones((3, 2)))
    study.apply(result_event(StageResult(2, study.total_steps(Recipe()))))
    found = collect_finals(study, folder)
    assert [(final.number, final.lead, final.is_default) for final in found] == [(2, 0, True)]


def test_without_any_final_there_is_nothing_to_deliver(study: Study, tmp_path: Path) -> None:
    for number in (2, 3):
        study.apply(result_event(StageResult(number, 0, failure="the loss is nan")))
    with pytest.raises(RunError, match=r"None of the finals could be finished[^;]* the loss is nan$"):
        collect_finals(study, RunFolder(tmp_path))


def test_with_all_rows_held_out_in_turn_no_model_is_delivered_but_the_one_that_the_figure_is_of(
        study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another would be scored on rows that it was trained on."""
    model_folder(RunFolder(tmp_path), 2).mkdir(parents=True)
    np.save(model_folder(RunFolder(tmp_path), 2) / "validation.npy", np.ones((3, 2)))
    study.apply(result_event(StageResult(2, study.total_steps(Recipe()))))
    ready: Any = SimpleNamespace(prepared=SimpleNamespace(asked=SimpleNamespace(corpus=SimpleNamespace(folds={1: [0]}))))
    search: Any = SimpleNamespace(study=study)
    monkeypatch.setattr(closing, "_finals", lambda *_: SimpleNamespace(ruling=SimpleNamespace(chosen=1)))
    with pytest.raises(RunError, match=r"--test cv: the recipe that was chosen could not be trained on all rows.*luthier resume"):
        closing.end(search, ready, RunFolder(tmp_path), Interrupt())


def test_a_choice_names_the_best_of_the_others_and_by_how_much() -> None:
    said = figures_of(8, {7: 5, 8: 0, 9: 2}, {7: 0.640, 8: 0.648, 9: 0.6})
    assert said == ("; as finished, on all validation rows, trial 0 comes to 0.648 and the best other, trial 5, to 0.640")
    assert figures_of(8, {8: 0}, {8: 0.648}) == ""


def test_a_choice_on_fresh_seeds_names_who_came_next() -> None:
    scores = {number: Score(value, 0.0, 1.0) for number, value in ((0, 0.6), (5, 0.62), (2, 0.5))}
    assert best_other(0, scores) == "; the best other recipe was trial 5's"
    assert best_other(0, {0: scores[0]}) == ""
