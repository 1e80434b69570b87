"""Trials and their stages: what a search asks an engine to do, and what it hears back."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds

NONE_HELD_OUT = -1
"""The fold of a trial that is trained on training and validation rows together."""


class TrialState(enum.Enum):
    """Where a trial stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Trial:
    """One recipe on one seed; `parent` is the trial that it ends, if any: by its last decay, or by training its recipe anew; or
    the one that it is the beginning of.

    `role` says what it is there for: the default recipe, a preset, quasi-random, suggested by TPE, a cell of a grid, or
    the final decay of another trial. `seed` names the replicate: trials of one recipe differ in it, and trials of one
    seed are paired. `seeds` are what the training draws from: all equal to `seed` unless one was held. `fold` numbers the
    rows that are held out: 0 are the study's validation rows, others a part of its training rows, and `NONE_HELD_OUT` says it.
    """

    number: int
    recipe: Recipe
    seed: int
    role: str
    seeds: Seeds
    parent: int | None = None
    fold: int = 0

    def to_table(self) -> dict[str, Any]:
        """Plain values, for the journal."""
        return {"number": self.number, "recipe": self.recipe.to_table(), "seed": self.seed, "role": self.role,
                "seeds": asdict(self.seeds), "parent": self.parent, "fold": self.fold}

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Trial:
        """The trial that `to_table` describes."""
        return cls(**{**table, "recipe": Recipe.from_table(table["recipe"]), "seeds": Seeds(**table["seeds"])})


@dataclass(frozen=True)
class Point:
    """One evaluation on a trial's curve.

    `rows` is "rung" (a fixed part of the validation rows), "all" of them, or "test". `train` holds the metrics of the
    training batches since the point before, of their last 20,000 units (rows or tokens) where there are more, with dropout
    on, and the mean over all of them of their "objective", the loss that was minimised (empty where there were no steps).
    `work` counts from the trial's first step; `seconds`, of training alone, from the stage's first step, and from the trial's
    once a study has taken it in.
    """

    step: int
    epoch: float
    work: float
    seconds: float
    rows: str
    weights: str
    metrics: dict[str, float]
    train: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """The unit that an engine runs: train `trial` from step `start` (of the checkpoint, if any) to step `until`.

    The trial, or the one whose weights it goes on from, has been at step `reached` before. Steps up to there are replayed
    where no checkpoint holds them, or where that turns out to be missing or damaged: made again, and neither evaluated nor
    counted. Evaluates at the steps of `evaluate_at` and at the end, leaves a checkpoint at `save` (beside it where it is
    cancelled before), and, when `deliver` is given, also evaluates all validation rows and writes there the model (a folder in
    transformers' layout) and its validation probabilities (validation.npy, shape [rows, labels]), unless it was trained on these
    rows too; when `scores` is given, it writes there these alone. What the lowest `trunk` blocks make of rows is stored. Where an
    earlier stage had to pass batches in parts of `part_tokens` tokens, for memory, this one does so from the start.
    """

    trial: Trial
    start: int
    until: int
    total_steps: int
    reached: int = 0
    checkpoint: Path | None = None
    save: Path | None = None
    deliver: Path | None = None
    scores: Path | None = None
    evaluate_at: tuple[int, ...] = ()
    trunk: int = 0
    part_tokens: int = 0


@dataclass(frozen=True)
class Costs:
    """What training took: seconds, rows and real tokens (without padding) a second, peak memory in bytes, parameters
    trained, and how far the encoder moved: the norm of its change over its norm (None where that was not measured).

    `seconds` are of the steps that brought the trial on; those that were made again are in `replayed_steps` and
    `replay_seconds`.
    """

    seconds: float = 0.0
    rows_per_second: float = 0.0
    tokens_per_second: float = 0.0
    peak_memory: int = 0
    trainable_parameters: int = 0
    drift: float | None = None
    replayed_steps: int = 0
    replay_seconds: float = 0.0


@dataclass(frozen=True)
class StageResult:
    """What a stage came to. `step` is below the stage's `until` when it was cancelled; `failure` says why it failed.

    `part_tokens` is 0, or the most tokens that passed at once where memory had batches pass in more parts than usual. With
    `disk_full` it failed because something could not be written: that says nothing of the trial.
    """

    trial: int
    step: int
    points: tuple[Point, ...] = ()
    checkpoint: Path | None = None
    costs: Costs = Costs()
    failure: str | None = None
    part_tokens: int = 0
    disk_full: bool = False


@dataclass(frozen=True)
class Progress:
    """A running stage has reached `step`, training at so many rows a second; `part_tokens` is that of its result."""

    trial: int
    step: int
    rows_per_second: float
    part_tokens: int = 0


@dataclass(frozen=True)
class Finished:
    """A stage has ended."""

    result: StageResult


@dataclass(frozen=True)
class Lost:
    """The worker that ran a stage is gone, or did nothing any more; the engine has replaced it."""

    trial: int
    reason: str


EngineEvent = Progress | Finished | Lost
