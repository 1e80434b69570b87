"""The events of a search as the journal keeps them; `Study.apply` takes them in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from luthier.recipes.trial import Lost, Stage, StageResult, Trial
from luthier.search.journal import Event


def trial_event(trial: Trial) -> Event:
    """The event of a new trial."""
    return {"event": "trial", "trial": trial.to_table()}


def shortened_event(trial: Trial, step: int) -> Event:
    """The event of a trial that its parent is until a step."""
    return {"event": "shortened", "trial": trial.to_table(), "step": step}


def stage_event(stage: Stage) -> Event:
    """The event of a stage given to an engine."""
    return {"event": "stage", "trial": stage.trial.number, "start": stage.start, "reached": stage.reached, "until": stage.until,
            "trunk": stage.trunk}


def lost_event(lost: Lost) -> Event:
    """The event of a stage whose worker is gone."""
    return {"event": "lost", "trial": lost.trial, "reason": lost.reason}


def stopped_event(number: int, reason: str) -> Event:
    """The event of a trial that will not go on."""
    return {"event": "stopped", "trial": number, "reason": reason}


def dropped_event(number: int) -> Event:
    """The event of a checkpoint that is no longer needed, or that there is no room for."""
    return {"event": "dropped", "trial": number}


def exhausted_event(recipes: int) -> Event:
    """The event of a search that has tried every recipe of its space."""
    return {"event": "exhausted", "recipes": recipes}


def result_event(result: StageResult) -> Event:
    """The event of a stage that has ended."""
    table: dict[str, Any] = asdict(result)
    return {"event": "result", **table}
