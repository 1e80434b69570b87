"""The figures: one look at the test rows, at the very end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier.api.baselines import control_scores, scores_in_turn
from luthier.api.finish import finish
from luthier.api.fresh import Fresh
from luthier.api.prepare import Prepared, groups_of
from luthier.api.ready import Ready
from luthier.api.settings import Command
from luthier.data.row import Split
from luthier.models.classifier import load_trained
from luthier.models.packing import pack
from luthier.recipes.recipe import Recipe
from luthier.search.finals import branch_step
from luthier.search.honest import Verdict
from luthier.search.study import SHORTENED, Record, Study
from luthier.sharing.work import cut_of
from luthier.tasks.base import Floats, Ints, Task, Truth
from luthier.tasks.metrics import Score
from luthier.training.loop import predict_scores
from luthier.training.precision import Precision, lower


@dataclass(frozen=True)
class Final:
    """A trial that ended as a model: its folder, its scores of all validation rows, whether it ends the default.

    These scores are by the model as it was trained, in the precision of the study: finals are chosen by them, and temperature
    and thresholds fitted to them. The test rows pass through the delivered model as it was written, in fp32; the default beside
    it is a control, computed as the study computes.
    """

    record: Record
    folder: Path
    validation: Floats
    is_default: bool = False

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.record.trial.number

    @property
    def lead(self) -> int:
        """The trial that it ends."""
        assert self.record.trial.parent is not None
        return self.record.trial.parent

    def is_shortened(self, study: Study) -> bool:
        """Whether it branched off before the end of its trial, or that is the beginning of another: its epochs were chosen."""
        parent, trial = study.records[self.lead], self.record.trial
        return parent.trial.role == SHORTENED or branch_step(trial, study.total_steps(trial.recipe), parent) < parent.step

    def is_cut(self, study: Study) -> bool:
        """Whether its trial was ended before the epochs that were planned for it."""
        parent = study.records[self.lead]
        planned = study.total_steps(parent.trial.recipe)
        return not self.is_shortened(study) and parent.step < planned


@dataclass(frozen=True)
class Refitted:
    """The trial that trained the chosen recipe once more, on more rows, and its model."""

    number: int
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What is delivered, and every figure about it. Scores are on the rows that their names say.

    Attributes:
        task: as the delivered model is decided by it, thresholds included.
        refit: the trial that trained it once more on training and validation rows together, if any; the figures on validation
            rows are those of the final before.
        temperature: what its logits were divided by.
        test_intervals: every metric on the test rows.
        details: tables of the task on the test rows.
        calibration: how far scores on the test rows can be taken for probabilities; with "before", as it was without the
            temperature.
    """

    final: Final
    verdict: Verdict
    finals: int
    folder: Path
    refit: int | None
    task: Task
    temperature: float
    test: Score
    validation: Score
    gain: Score | None
    controls: dict[str, Score]
    controls_validation: dict[str, Score]
    control_titles: dict[str, str]
    validation_scores: Floats
    test_scores: Floats
    test_intervals: dict[str, Score]
    details: dict[str, Any]
    calibration: dict[str, Any]


def score_finals(ready: Ready, finals: list[Final], verdict: Verdict, refit: Refitted | None, fresh: Fresh | None) -> Outcome:
    """Finish the delivered model; score it, the default and the controls on the test rows, in one batch.

    Where the training rows were held out in turn, these are the test rows, and what is scored are the models of the folds.

    Args:
        refit: the model that is delivered in place of the chosen final, which has seen the validation rows: what is fitted to
            these is fitted to the final.
        fresh: what the fresh finals came to, where there were any.
    """
    in_turn = fresh.scores if fresh and fresh.in_turn else {}
    prepared, task = ready.prepared, ready.prepared.asked.task
    groups = {name: groups_of(prepared.asked.corpus.parts[Split(name)]) for name in ("validation", "test")}
    final = next(final for final in finals if final.number == verdict.chosen)
    default = next((final for final in finals if final.is_default), None) if ready.command is Command.TUNE else None
    truth, base = truths(prepared, final.record.trial.recipe), truths(prepared, prepared.default)
    temperature = task.temperature(final.validation, truth["validation"])
    validated = task.tempered(final.validation, temperature)
    tuned = task.tuned(validated, truth["validation"])
    model = refit.folder if refit else final.folder
    folder = finish(model, tuned, temperature, final.record.trial.recipe, prepared.asked.corpus.pairs)
    served = tuned if in_turn else tuned.served()
    judged = task if in_turn else served

    def decided(scores: Floats, true: Truth) -> Task:
        """How another model is judged: by what is tuned to its validation rows; folds by thresholds of each other's rows."""
        return task if in_turn else task.tuned(scores, true)

    def scored(one: Final) -> Floats:
        """What a final says of the test rows, before it was trained on more rows."""
        if in_turn:
            return task.tempered(in_turn[one.lead], temperature if one is final else 1.0)
        return score_test(ready, one, task, ready.measured.precision)

    delivered = scored(final) if in_turn else score_test(ready, replace(final, folder=folder), served)
    intervals = judged.intervals(delivered, truth["test"], groups["test"])
    if fresh and fresh.in_turn:  # what is reported is corrected for the choice
        intervals[task.metric] = fresh.in_turn
    said = (scores_in_turn(prepared, ready.measured) if in_turn
            else control_scores(prepared, ready.measured, ready.controls, Split.TEST))
    controls, held = {}, {}
    for fitted in ready.controls:
        name, looked_at = fitted.control.name, task.truth(prepared.splits["validation"], fitted.rows)
        controls[name] = decided(fitted.scores, looked_at).score(said[name], base["test"], groups["test"])
        held[name] = task.score(fitted.scores, looked_at, _some(groups["validation"], fitted.rows))
    gain = None
    if default:
        own = decided(default.validation, base["validation"])
        scores = delivered if default is final else scored(default)
        controls["default"] = (judged if default is final else own).score(scores, base["test"], groups["test"])
        held["default"] = task.score(default.validation, base["validation"], groups["validation"])
        if default is not final and fresh and fresh.in_turn:
            gain = fresh.in_turn_gain
        elif default is not final:  # of two models that were trained on the same rows
            like, by = (scored(final), decided(final.validation, truth["validation"])) if refit else (delivered, judged)
            gain = by.difference(like, scores, truth["test"], groups["test"], own, base["test"])
    return Outcome(
        final=final, verdict=verdict, finals=len(finals), folder=folder, refit=refit.number if refit else None, task=served,
        temperature=temperature,
        test=intervals[task.metric],
        validation=task.score(final.validation, truth["validation"], groups["validation"]), gain=gain,
        controls=controls, controls_validation=held,
        control_titles={fitted.control.name: fitted.title for fitted in ready.controls},
        validation_scores=validated, test_scores=delivered,
        test_intervals=intervals,
        details=judged.details(delivered, truth["test"]),
        calibration=_calibration(served, delivered, truth["test"], groups["test"], temperature))


def _calibration(task: Task, scores: Floats, truth: Truth, groups: Ints | None, temperature: float) -> dict[str, Any]:
    """How far scores can be taken for probabilities; under "before", without the temperature that they were divided by."""
    found = task.calibration(scores, truth, groups)
    if found and temperature != 1.0:
        plain = task.calibration(task.tempered(scores, 1 / temperature), truth, groups)
        found["before"] = {name: plain[name] for name in ("ece", "brier", "reliability")}
    return found


def truths(prepared: Prepared, recipe: Recipe) -> dict[str, Truth]:
    """What is true of the validation and the test rows, for the tokens of the model that a recipe names."""
    splits = prepared.starts[recipe.model].splits
    return {name: prepared.asked.task.truth(splits[name]) for name in ("validation", "test")}


def _some(groups: Ints | None, rows: Ints) -> Ints | None:
    return None if groups is None else groups[rows]


def score_test(ready: Ready, final: Final, task: Task, precision: Precision = Precision.FP32) -> Floats:
    """The scores of the test rows, from a model as it was written."""
    recipe = final.record.trial.recipe
    start = ready.prepared.starts[recipe.model]
    model, tokens = load_trained(final.folder), start.splits["test"]
    pack(model, start.pad_token_id)
    return predict_scores(lower(model, precision).to(ready.device), task, tokens, np.arange(len(tokens)), cut_of(recipe),
                          start.pad_token_id)
