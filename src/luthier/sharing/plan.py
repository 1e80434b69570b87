"""What a stage may reuse of what was done before: the one place where that is decided. Pure functions."""

from __future__ import annotations

from pathlib import Path

from luthier.recipes.trial import Stage, Trial


def stage(trial: Trial, until: int, *, rows: int, reached: int, checkpoint: Path | None, folder: Path,
          evaluate_at: tuple[int, ...] = (), deliver: bool = False) -> Stage:
    """The stage that takes `trial` to step `until`, going on from `checkpoint` (at step `reached`) if there is one.

    Args:
        rows: training rows, which turn epochs into steps.
        checkpoint: the trial's own, or its parent's for a trial that has not run yet; None starts at step 0.
        folder: where checkpoints and delivered models go.
    """
    start = reached if checkpoint is not None else 0
    return Stage(
        trial=trial, start=start, until=until, total_steps=trial.recipe.total_steps(rows), checkpoint=checkpoint,
        save=None if deliver else folder / f"trial-{trial.number}.safetensors",
        deliver=folder / f"model-{trial.number}" if deliver else None,
        evaluate_at=tuple(step for step in evaluate_at if start < step < until))
