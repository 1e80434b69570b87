"""Carry out one stage: build the model, train, evaluate, leave a checkpoint or a model. Runs inside a worker."""

from __future__ import annotations

import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.data.sequences import Sequences, sequences
from luthier.data.tokens import Tokens, used_ids
from luthier.engines.memory import free_memory, peak_memory, reset_peak
from luthier.engines.tally import Made, Seen
from luthier.errors import TrainingError
from luthier.files import is_full_disk, write_array
from luthier.models.classifier import load_classifier
from luthier.models.encoder import anatomy, reinitialise
from luthier.models.packing import is_packed, pack
from luthier.recipes.recipe import Averaging, HeadInit, Recipe, steps_per_epoch
from luthier.recipes.trial import NONE_HELD_OUT, Costs, Point, Progress, Stage, StageResult
from luthier.sharing.features import UNREADABLE, extract, fit_head, some_rows, start_head
from luthier.sharing.quota import Quota
from luthier.sharing.trunk import Trunk, TrunkStore
from luthier.sharing.work import Shape, cut_of, work_of
from luthier.tasks.base import Floats, Task
from luthier.training.checkpoint import UnreadableCheckpointError, checkpoint_bytes, load_checkpoint, save_checkpoint
from luthier.training.footprint import most_tokens
from luthier.training.learner import Learner
from luthier.training.loop import BeforePass, Step, predict_scores, train
from luthier.training.parts import Parts
from luthier.training.precision import Precision, lower

if TYPE_CHECKING:
    import torch
    from torch import nn

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class Base:
    """A pre-trained model that trials start from: its folder, the hash of its weights, and the rows as its tokens.

    `tokens` is the folder with the tokenised splits; `size` that of its blocks over those of the study's first model; `used`
    the token ids of the training rows, in order (None: all).
    """

    path: Path
    hash: str
    tokens: Path
    pad_token_id: int
    layers: int
    size: float = 1.0
    used: npt.NDArray[np.int64] | None = None

    def split(self, name: str, fold: int = 0) -> Tokens:
        """The tokens of one split, with the rows of a fold held out."""
        return Tokens.open(fold_folder(self.tokens, fold) / name)


def fold_folder(tokens: Path, fold: int) -> Path:
    """Where the splits lie that hold out the rows of a fold; 0: the study's own."""
    if fold == NONE_HELD_OUT:
        return tokens / "whole"
    return tokens / f"fold-{fold}" if fold else tokens


@dataclass(frozen=True)
class Setup:
    """What all stages of a study have in common.

    `bases` holds the pre-trained models by the name that recipes give them; `rung_rows` numbers the validation rows that
    rungs are scored on; with `record_test` every stage ends with a look at the test rows too; `precision` is what stages
    compute in, `quota` what may be kept on disk; `workers` share the memory that is free.
    """

    bases: Mapping[str, Base]
    task: Task
    rung_rows: npt.NDArray[np.int64]
    cache: Path
    device: str
    record_test: bool = False
    precision: Precision = Precision.FP32
    quota: Quota = Quota()
    workers: int = 1

    def base(self, recipe: Recipe) -> Base:
        """The pre-trained model of a recipe."""
        return self.bases[recipe.model]

    @property
    def trunks(self) -> TrunkStore:
        """What frozen blocks make of the rows."""
        return TrunkStore(self.cache / "trunk", self.quota.trunk)


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
        yield replace(run.result(failure=f"{type(error).__name__}: {reason}"), disk_full=is_full_disk(error))


class _Running:
    """One stage under way."""

    def __init__(self, stage: Stage, setup: Setup) -> None:
        self.stage, self.setup, self.recipe = stage, setup, stage.trial.recipe
        self.base = setup.base(self.recipe)
        self.step, self.costs = stage.start, Costs()
        self.new, self.again = Made(), Made()
        self.seen = Seen()
        self.points: list[Point] = []
        self.checkpoint: Path | None = None
        self.rung_given: BeforePass | None = None
        self.parts: Parts | None = None

    def go(self, cancelled: Callable[[], bool]) -> Iterator[Progress | StageResult]:
        reset_peak(self.setup.device)
        fold = self.stage.trial.fold
        self.train, self.validation = self.base.split("train", fold), self.base.split("validation", fold)
        self.rung_rows = np.arange(len(self.validation)) if fold else self.setup.rung_rows
        self.shape = Shape.of(self.train, self.base.layers, self.base.size)
        learner, trunk = build_learner(self.stage, self.setup, self.train)
        self.step = learner.step
        self.costs = Costs(trainable_parameters=learner.trained_parameters)
        read = sequences(self.train, cut_of(self.recipe))
        self.per_epoch = steps_per_epoch(len(read), self.recipe.batch_size)
        given = None
        if trunk is not None:
            given = self._given(learner.model, trunk, read)
            if fold != NONE_HELD_OUT:
                self.rung_given = self._given(learner.model, trunk, sequences(self.validation, cut_of(self.recipe), self.rung_rows))
        self.parts = self._parts(learner, read)
        steps = train(learner, self.setup.task, read, self.stage.until, self.stage.total_steps, self.base.pad_token_id, given,
                      self.parts)
        shown = 0.0
        while (step := self._timed_next(steps)) is not None:
            if step.step in self.stage.evaluate_at and step.step < self.stage.until:
                self._evaluate(learner)
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                yield Progress(self.stage.trial.number, self.step, self.new.speed(self.again)[0], self.parts.shortened)
                if cancelled():
                    break
        if self.step < self.stage.reached:
            yield self._given_up()
            return
        if self.step > self.stage.reached or self.stage.deliver:  # else the trial has been looked at here before
            self._evaluate(learner, at_end=True)
        self.checkpoint = self._saved(learner)
        yield self.result()

    def _given_up(self) -> StageResult:
        """What a replay comes to that was ended on its way: the trial stays where it was; a final has nothing to deliver."""
        self.step = self.stage.reached
        failed = self.stage.deliver is not None
        return self.result("the time ended while the steps that it goes on from were being made again" if failed else None)

    def _saved(self, learner: Learner) -> Path | None:
        """The checkpoint that the stage leaves; None where it would take more than all of them may, or the disk is full."""
        if self.stage.save is None or checkpoint_bytes(learner) > self.setup.quota.checkpoints:
            return None
        file = self.stage.save
        if self.step < self.stage.until:  # the stage that goes on from here leaves one of that name
            file = file.with_stem(f"{file.stem}-at-{self.step}")
        try:
            save_checkpoint(learner, file)
        except OSError as error:
            log.info("the checkpoint of trial %d cannot be written (%s): it is trained from its first step where it goes on",
                     self.stage.trial.number, error)
            return None
        return file

    def _parts(self, learner: Learner, read: Sequences) -> Parts:
        """How batches are cut: as an earlier stage had to, or as the memory that is free suggests."""
        most, free = self.stage.part_tokens or None, free_memory(self.setup.device)
        if most is None and free is not None:
            most = most_tokens(learner, int(read.lengths.max()), free // self.setup.workers)
        return Parts(is_packed(learner.model), most)

    def _given(self, model: nn.Module, trunk: Trunk, read: Sequences) -> BeforePass | None:
        """Gives the model what its lowest blocks make of some sequences; None where that cannot be stored."""
        stored = self.setup.trunks.get(model, self.base.hash, self.stage.trunk, read, self.setup.precision, self.base.pad_token_id)
        return None if stored is None else partial(trunk.give, stored)

    def _timed_next(self, steps: Iterator[Step]) -> Step | None:
        started = time.perf_counter()
        step = next(steps, None)
        if step is not None:
            self.step, seconds = step.step, time.perf_counter() - started
            if step.step > self.stage.reached:
                self.new.add(step, seconds)
                self.seen.add(step)
            else:
                self.again.add(step, seconds)
        return step

    def _evaluate(self, learner: Learner, at_end: bool = False) -> None:
        """Score the rung rows; where the trial ends as scores or as a model, all rows that it holds out, if it does.

        The stage's peak memory is taken before its last look, which takes memory of its own.
        """
        self.points = [point for point in self.points if point.step != self.step]
        if at_end:
            self.costs = replace(self.costs, peak_memory=peak_memory(self.setup.device))
        whole = at_end and (self.stage.deliver is not None or self.stage.scores is not None)
        rows = np.arange(len(self.validation)) if whole else self.rung_rows
        scores = None
        if self.stage.trial.fold != NONE_HELD_OUT:
            with learner.evaluated_weights() as model:
                given = self.rung_given if np.array_equal(rows, self.rung_rows) else None
                scores = self._scores(model, self.validation, rows, given)
                self._add_point("rung", scores[self.validation.units(self.rung_rows)] if whole else scores, self.validation,
                                self.rung_rows)
                if at_end and self.setup.record_test and self.stage.scores is None:
                    test, task = self.base.split("test"), self.setup.task
                    tuned = task.tuned(scores, task.truth(self.validation, rows))
                    self._add_point("test", self._scores(model, test, np.arange(len(test))), test, task=tuned)
                if whole:
                    self._add_point("all", scores, self.validation)
        if at_end:
            self._leave(learner, scores)
        self.seen = Seen()

    def _leave(self, learner: Learner, scores: Floats | None) -> None:
        """What a stage ends as besides its points: scores of the rows held out; or how far the encoder moved, and a model."""
        if self.stage.scores is not None:
            assert scores is not None, "rows are held out wherever scores are asked for"
            write_array(self.stage.scores, scores)
        elif self.stage.deliver is not None or self.step >= self.stage.total_steps:
            start = start_model(self.stage, self.setup, self.train)
            before = {name: parameter.detach().clone() for name, parameter in start.named_parameters()}
            finished = learner.finish(start)
            self.costs = replace(self.costs, drift=self._drift(learner, before, finished))
            if self.stage.deliver is not None:
                _deliver(finished, scores, self.stage.deliver)

    def _drift(self, learner: Learner, before: Mapping[str, torch.Tensor], model: nn.Module) -> float:
        """The norm of the encoder's change in the finished `model` over its norm; blocks that started afresh are left out."""
        moved, size = 0.0, 0.0
        for name, parameter in model.named_parameters():
            if not learner.parts.starts_afresh(name, self.recipe.reinit_layers):
                moved += float((parameter.detach() - before[name]).square().sum())
                size += float(before[name].square().sum())
        return math.sqrt(moved / size) if size else 0.0

    def _scores(self, model: nn.Module, tokens: Tokens, rows: npt.NDArray[np.int64], given: BeforePass | None = None) -> Floats:
        return predict_scores(model, self.setup.task, tokens, rows, cut_of(self.recipe), self.base.pad_token_id, given)

    def _add_point(self, rows: str, scores: Floats, tokens: Tokens, which: npt.NDArray[np.int64] | None = None,
                   task: Task | None = None) -> None:
        task = task or self.setup.task
        self.points.append(Point(
            step=self.step, epoch=self.step / self.per_epoch,
            work=work_of(self.step, self.recipe, self.shape), seconds=self.new.seconds, rows=rows,
            weights="raw" if self.recipe.averaging is Averaging.NONE else "averaged",
            metrics=task.metrics(scores, task.truth(tokens, which)) | task.signs(scores),
            train=self.seen.figures(task) if rows == "rung" else {}))

    def result(self, failure: str | None = None) -> StageResult:
        rows_per_second, tokens_per_second = self.new.speed(self.again)
        costs = replace(self.costs, seconds=self.new.seconds, replayed_steps=self.again.steps,
                        replay_seconds=self.again.seconds, rows_per_second=rows_per_second,
                        tokens_per_second=tokens_per_second,
                        peak_memory=self.costs.peak_memory or peak_memory(self.setup.device))
        return StageResult(trial=self.stage.trial.number, step=self.step, points=tuple(self.points),
                           checkpoint=self.checkpoint, costs=costs, failure=failure,
                           part_tokens=self.parts.shortened if self.parts else 0)


def load_base(base: Base, task: Task, recipe: Recipe, seed: int) -> nn.Module:
    """The pre-trained model with a new head, on the processor."""
    return load_classifier(base.path, task, recipe, seed=seed, pad_token_id=base.pad_token_id)


def start_model(stage: Stage, setup: Setup, tokens: Tokens) -> nn.Module:
    """The model that the stage's trial began with, on the processor, in fp32."""
    recipe, seeds = stage.trial.recipe, stage.trial.seeds
    model = _headless(stage, setup)
    if recipe.head_init is HeadInit.PROBE:
        file = head_file(setup, recipe, seeds.init, stage.trial.fold)
        try:
            start_head(model, file)
        except UNREADABLE:
            frozen = _headless(stage, setup)
            pack(frozen, setup.base(recipe).pad_token_id)
            frozen = lower(frozen, setup.precision).to(setup.device)
            fit_head(extract(frozen, tokens, some_rows(tokens), cut_of(recipe), setup.base(recipe).pad_token_id), setup.task,
                     tokens, file)
            start_head(model, file)
    return model


def _headless(stage: Stage, setup: Setup) -> nn.Module:
    """The pre-trained model of a stage's trial with what is new in it, before the head has been fitted to anything."""
    recipe, seeds = stage.trial.recipe, stage.trial.seeds
    model = load_base(setup.base(recipe), setup.task, recipe, seeds.init)
    reinitialise(model, anatomy(model), recipe.reinit_layers, seeds.init)
    return model


def build_learner(stage: Stage, setup: Setup, tokens: Tokens) -> tuple[Learner, Trunk | None]:
    """The learner at the stage's start, and its trunk, if used.

    It is as the checkpoint left it, or fresh from the pre-trained model: also where the checkpoint cannot be read.
    """
    recipe, base = stage.trial.recipe, setup.base(stage.trial.recipe)
    model = start_model(stage, setup, tokens)
    pack(model, base.pad_token_id)
    trunk = Trunk(model, stage.trunk) if stage.trunk and not anatomy(model).shared else None
    used = used_ids(tokens, base.pad_token_id) if stage.trial.fold else base.used
    learner = Learner(model.to(setup.device), recipe, stage.trial.seeds, setup.precision, used)
    if stage.checkpoint is not None:
        try:
            load_checkpoint(learner, stage.checkpoint, stage.start)
        except UnreadableCheckpointError as error:
            log.info("trial %d is trained from its first step: its checkpoint cannot be read: %s", stage.trial.number, error)
    return learner, trunk


def head_file(setup: Setup, recipe: Recipe, seed: int, fold: int = 0) -> Path:
    """Where the head's start is kept; it depends on the weights, the rows and their cut, and all that is new below it."""
    read = f"{recipe.max_length}-{recipe.long_texts.value}-{recipe.pooling.value}"
    what = f"{setup.base(recipe).hash}-{read}-{recipe.reinit_layers}-{seed}-{fold}"
    return setup.cache / f"head-{what}.npz"


def _deliver(model: nn.Module, scores: Floats | None, folder: Path) -> None:
    """Write the model and its validation probabilities, if it has any; the folder appears whole or not at all."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    pretrained: Any = model
    try:
        pretrained.save_pretrained(partial)
        if scores is not None:
            write_array(partial / "validation.npy", scores)
        shutil.rmtree(folder, ignore_errors=True)  # of a worker that was lost before it could tell
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
