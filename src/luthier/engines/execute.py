"""Carry out one stage: build the model, train, evaluate, leave a checkpoint or a model. Runs inside a worker."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens
from luthier.errors import TrainingError
from luthier.models.classifier import load_classifier
from luthier.recipes.recipe import Averaging, HeadInit, steps_per_epoch
from luthier.recipes.trial import Point, Progress, Stage, StageResult
from luthier.sharing.features import start_head
from luthier.sharing.work import Shape, step_work
from luthier.tasks.base import Floats, Task
from luthier.training.checkpoint import load_checkpoint, save_checkpoint
from luthier.training.loop import Learner, Step, predict_scores, train

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class Setup:
    """What all stages of a study have in common.

    `tokens` is the folder with the tokenised splits; `rung_rows` numbers the validation rows that rungs are scored on.
    """

    model: Path
    model_hash: str
    task: Task
    tokens: Path
    rung_rows: npt.NDArray[np.int64]
    cache: Path
    pad_token_id: int
    layers: int
    device: str

    def split(self, name: str) -> Tokens:
        """The tokens of one split."""
        return Tokens.open(self.tokens / name)


def run_stage(stage: Stage, setup: Setup, cancelled: Callable[[], bool]) -> Iterator[Progress | StageResult]:
    """Run a stage, yielding progress now and then and its result last; failures are results too."""
    run = _Running(stage, setup)
    try:
        yield from run.go(cancelled)
    except TrainingError as error:
        yield run.result(failure=str(error))
    except Exception as error:  # whatever stops a trial is an outcome of the trial, never of the study
        log.debug("trial %d failed", stage.trial.number, exc_info=True)
        reason = (str(error).splitlines() or [""])[0]
        yield run.result(failure=f"{type(error).__name__}: {reason}")


class _Running:
    """One stage under way."""

    def __init__(self, stage: Stage, setup: Setup) -> None:
        self.stage, self.setup = stage, setup
        self.step, self.rows, self.seconds = stage.start, 0, 0.0
        self.losses: list[float] = []
        self.points: list[Point] = []
        self.checkpoint: Path | None = None

    def go(self, cancelled: Callable[[], bool]) -> Iterator[Progress | StageResult]:
        self.train, self.validation = self.setup.split("train"), self.setup.split("validation")
        self.work = step_work(self.stage.trial.recipe, Shape.of(self.train, self.setup.layers))
        learner = build_learner(self.stage, self.setup, self.train)
        steps = train(learner, self.setup.task, self.train, self.stage.until, self.stage.total_steps, self.setup.pad_token_id)
        shown = 0.0
        while (step := self._timed_next(steps)) is not None:
            if step.step in self.stage.evaluate_at:
                self._evaluate(learner)
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                yield Progress(self.stage.trial.number, self.step, self.rows / self.seconds)
                if cancelled():
                    break
        self._evaluate(learner, everything=self.stage.deliver is not None)
        if self.stage.save:
            save_checkpoint(learner, self.stage.save)
            self.checkpoint = self.stage.save
        yield self.result()

    def _timed_next(self, steps: Iterator[Step]) -> Step | None:
        started = time.perf_counter()
        step = next(steps, None)
        self.seconds += time.perf_counter() - started
        if step is not None:
            self.step, self.rows = step.step, self.rows + step.rows
            self.losses.append(step.loss)
        return step

    def _evaluate(self, learner: Learner, everything: bool = False) -> None:
        """Score the rung rows, or all validation rows and then write the model too."""
        self.points = [point for point in self.points if point.step != self.step]
        rows = np.arange(len(self.validation)) if everything else self.setup.rung_rows
        recipe = self.stage.trial.recipe
        with learner.evaluated_weights() as model:
            scores = predict_scores(model, self.setup.task, self.validation, rows, recipe.max_length,
                                    self.setup.pad_token_id)
            if everything and self.stage.deliver:
                _deliver(model, scores, self.stage.deliver)
        rung = scores[self.setup.rung_rows] if everything else scores
        self._add_point("rung", rung, self.validation.targets[self.setup.rung_rows])
        if everything:
            self._add_point("all", scores, self.validation.targets)

    def _add_point(self, rows: str, scores: Floats, targets: npt.NDArray[np.int32]) -> None:
        recipe = self.stage.trial.recipe
        since = [point.step for point in self.points if point.step < self.step]
        losses = self.losses[(since[-1] - self.stage.start if since else 0):]
        self.points.append(Point(
            step=self.step, epoch=self.step / steps_per_epoch(len(self.train), recipe.batch_size),
            work=self.step * self.work, seconds=self.seconds, rows=rows,
            weights="raw" if recipe.averaging is Averaging.NONE else "averaged",
            train_loss=float(np.mean(losses)) if losses else None,
            metrics=self.setup.task.metrics(scores, targets.astype(np.int64))))

    def result(self, failure: str | None = None) -> StageResult:
        return StageResult(
            trial=self.stage.trial.number, step=self.step, points=tuple(self.points), checkpoint=self.checkpoint,
            seconds=self.seconds, rows_per_second=self.rows / self.seconds if self.seconds else 0.0,
            peak_memory=peak_memory(), failure=failure)


def build_learner(stage: Stage, setup: Setup, tokens: Tokens) -> Learner:
    """The learner at the stage's start: fresh from the pre-trained model, or as the checkpoint left it."""
    recipe, seed = stage.trial.recipe, stage.trial.seed
    model = load_classifier(setup.model, setup.task.labels, seed=seed, dropout=recipe.dropout,
                            pad_token_id=setup.pad_token_id).to(setup.device)
    if recipe.head_init is HeadInit.PROBE and stage.checkpoint is None:
        start_head(model, tokens, recipe.max_length, setup.pad_token_id, head_file(setup, recipe.max_length, seed))
    learner = Learner(model, recipe, seed)
    if stage.checkpoint is not None:
        load_checkpoint(learner, stage.checkpoint)
    return learner


def head_file(setup: Setup, max_length: int, seed: int) -> Path:
    """Where the head's start is kept; it depends on the weights, the rows' cut, and the seed of any layers below it."""
    return setup.cache / f"head-{setup.model_hash}-{max_length}-{seed}.npz"


def _deliver(model: nn.Module, scores: Floats, folder: Path) -> None:
    """Write the model and its validation probabilities; the folder appears whole or not at all."""
    partial = folder.with_name(folder.name + ".partial")
    pretrained: Any = model
    pretrained.save_pretrained(partial)
    np.save(partial / "validation.npy", scores, allow_pickle=False)
    partial.rename(folder)


def peak_memory() -> int:
    """The most memory that this process has held, in bytes; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
