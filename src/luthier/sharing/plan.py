"""What a stage may reuse of what was done before: the one place where that is decided. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from luthier.recipes.recipe import Recipe
from luthier.recipes.trial import Stage, Trial
from luthier.sharing.work import Shape, never_trained, stage_work


@dataclass(frozen=True)
class Sharing:
    """What the trials of a study share: their own and their parents' checkpoints, and what frozen blocks make of rows."""

    checkpoints: bool = True
    trunk: bool = True


ALL, NOTHING = Sharing(), Sharing(checkpoints=False, trunk=False)


def stage(trial: Trial, until: int, *, rows: int, reached: int, checkpoints: Mapping[int, Path], folder: Path, layers: int,
          sharing: Sharing = ALL, evaluate_at: tuple[int, ...] = (), deliver: bool = False, scores: bool = False,
          part_tokens: int = 0) -> Stage:
    """The stage that takes `trial` to step `until`, going on from the newest checkpoint that is not beyond step `reached`.

    The steps from there up to `reached` are replayed; all of them where there is none.

    Args:
        rows: training rows, which turn epochs into steps.
        reached: how far the trial has come, or its parent for a trial that has not run yet.
        checkpoints: of the one that has come so far, by their steps.
        folder: where checkpoints and delivered models go.
        layers: the model's blocks.
        scores: whether the stage is to end with its scores of all validation rows, and with nothing else.
        part_tokens: the most tokens that passed at once in an earlier stage, where memory made that fewer than usual.
    """
    start = max((step for step in checkpoints if step <= reached), default=0) if sharing.checkpoints else 0
    keeps = sharing.checkpoints and not (deliver or scores)
    return Stage(
        trial=trial, start=start, until=until, total_steps=trial.recipe.total_steps(rows), reached=reached,
        checkpoint=checkpoints[start] if start else None,
        save=folder / f"trial-{trial.number}-{until}.safetensors" if keeps else None,
        scores=folder / f"scores-{trial.number}.npy" if scores else None,
        deliver=folder / f"model-{trial.number}" if deliver else None,
        evaluate_at=tuple(step for step in evaluate_at if reached < step < until),
        trunk=boundary(trial.recipe, layers) if sharing.trunk else 0, part_tokens=part_tokens)


def boundary(recipe: Recipe, layers: int) -> int:
    """How many of the lowest blocks need not be run, for what they make of rows is stored; 0: all are run.

    Entries are kept at half of the blocks and at all but one, so that a study has two at the most; a trial that is frozen
    deeper than its entry runs the blocks between.
    """
    frozen = 0 if recipe.dropout_in_frozen else never_trained(recipe, layers)
    return max((depth for depth in (layers // 2, layers - 1) if 0 < depth <= frozen), default=0)


def run_work(ends: Sequence[int], recipe: Recipe, shape: Shape, *, stored: int, checkpoints: bool) -> float:
    """What it really takes to train a recipe in stages that end at these steps, in order; `making_work` is not part of it.

    Args:
        stored: the lowest blocks that no stage runs.
        checkpoints: whether each stage goes on from the one before.
    """
    starts = [0, *ends[:-1]] if checkpoints else [0] * len(ends)
    return sum(stage_work(start, end, recipe, shape, stored) for start, end in zip(starts, ends, strict=True))


def pays(steps: int, batch_size: int, rows: int) -> bool:
    """Whether full runs of so many steps see the rows often enough for a pass over all of them to be worth its time."""
    return steps * batch_size >= rows
