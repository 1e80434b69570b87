"""What trials of each kind take, alone and with what they reuse, from the measured speed: what a dry run shows.

Nothing is decided here: what a trial reuses is `sharing/plan.py`'s to say, what that costs `sharing/work.py`'s.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from luthier.api.ready import Ready, find_presets
from luthier.api.settings import Command, SchedulerName
from luthier.api.stored import entry_bytes, stored_blocks, why_not_stored
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.space import Switched
from luthier.recipes.trial import Trial
from luthier.search.budget import STAGE_SECONDS
from luthier.search.samplers.equal_work import with_epochs
from luthier.search.study import Record, Study
from luthier.sharing.plan import run_work
from luthier.sharing.work import making_work, never_trained, pass_work


@dataclass(frozen=True)
class Kind:
    """Trials that train the same blocks, as the default recipe would otherwise.

    A full run has so many `stages`, one up to each rung; each `goes_on` from the checkpoint of the one before where these are
    kept. `seconds_unshared` and `seconds_shared` are of its training steps,
    without and with what they reuse; `whole_seconds` are all that a worker does for it in this study, entries not counted.
    """

    is_default: bool
    blocks: int
    trained: int
    steps: int
    stored: int
    stages: int
    goes_on: bool
    seconds_unshared: float
    seconds_shared: float
    whole_seconds: float


@dataclass(frozen=True)
class Entry:
    """What the lowest `boundary` blocks make of the rows, made from the entry at `lower` (0: from the start)."""

    boundary: int
    lower: int
    seconds: float
    bytes: int


@dataclass(frozen=True)
class TrialCosts:
    """The kinds of trials of a study, the default's first, and the entries that they share.

    `shares` says whether anything is shared at all. `why_not_stored` says why nothing is stored although blocks are frozen; it
    is empty where something is. `search_seconds` are what a search has of each worker, None where there is no budget.
    """

    searching: bool
    shares: bool
    kinds: tuple[Kind, ...]
    entries: tuple[Entry, ...]
    why_not_stored: str
    workers: int
    trials: int | None
    search_seconds: float | None

    def fitting(self, kind: Kind) -> int | None:
        """How many full runs of a kind the search has time for, what they share made once."""
        if self.search_seconds is None:
            return None
        making = sum(entry.seconds for entry in self.entries if entry.boundary <= kind.stored)
        return max(0, int((self.search_seconds * self.workers - making) / kind.whole_seconds))

    def to_table(self) -> dict[str, Any]:
        """As JSON holds it, each kind with how many of it fit."""
        table = asdict(self)
        for kind, found in zip(self.kinds, table["kinds"], strict=True):
            found["fitting"] = self.fitting(kind)
        return table


def trial_costs(ready: Ready, elapsed: float) -> TrialCosts:
    """The costs of a study that has been planned; so many seconds after it began, which its search no longer has."""
    kinds, until = tuple(_kind(recipe, ready) for recipe in representatives(ready)), ready.plan.search_until
    why_not = why_not_stored(ready.prepared.default, ready.prepared, ready.measured, ready.sharing, ready.quota)
    return TrialCosts(
        searching=ready.command is Command.TUNE, shares=ready.sharing.checkpoints, kinds=kinds,
        entries=_entries(ready, sorted({kind.stored for kind in kinds} - {0})),
        why_not_stored=why_not if any(kind.trained < kind.blocks for kind in kinds) else "",
        workers=ready.force.workers, trials=ready.trials and ready.trials * ready.prepared.asked.settings.repeats,
        search_seconds=None if until is None else max(0.0, until - elapsed))


def representatives(ready: Ready) -> list[Recipe]:
    """The default recipe, and the same at each other depth worth telling apart that the space or a preset can give it."""
    prepared, default = ready.prepared, ready.prepared.default
    if ready.command is Command.TRAIN:
        return [default]
    layers = prepared.shape.for_model(default.model).layers
    depths: list[int | str] = [preset.recipe.frozen_layers for preset in find_presets(prepared)]
    if dimension := prepared.space.dimensions.get("frozen_layers"):
        within = dimension.interval if isinstance(dimension, Switched) else dimension
        depths += [*dimension.extremes, *(depth for depth in (0, layers // 2, layers - 1, layers) if within.holds(depth))]
    found = {never_trained(default, layers): default}
    for depth in depths:
        recipe = default.replace(frozen_layers=depth)
        found.setdefault(never_trained(recipe, layers), recipe)
    return [default, *(recipe for _, recipe in sorted(found.items()) if recipe is not default)]


def _kind(recipe: Recipe, ready: Ready) -> Kind:
    """What trials of a recipe cost; in a search, with the epochs that its work buys them."""
    prepared, speed, is_default = ready.prepared, ready.measured.speed, recipe is ready.prepared.default
    shape, settings = prepared.shape, prepared.asked.settings
    if ready.command is Command.TUNE and "epochs" not in settings.chosen:
        recipe = with_epochs(recipe, shape, ready.plan.work, keep_warmup="warmup_steps" in settings.chosen)
    ends, layers = _stage_ends(recipe, ready), shape.for_model(recipe.model).layers
    stored = stored_blocks(recipe, prepared, ready.measured, ready.sharing, ready.quota)
    unshared = run_work(ends, recipe, shape, stored=0, checkpoints=False) / speed.training
    goes_on = len(ends) > 1 and ready.sharing.checkpoints and ready.kept > 0
    shared = run_work(ends, recipe, shape, stored=stored, checkpoints=goes_on) / speed.training
    looks = len(ends) + max(0, ready.plan.curve_points - 1)
    looking = looks * pass_work(len(prepared.rung_rows), recipe, shape, stored) / speed.forward
    return Kind(is_default=is_default, blocks=layers, trained=layers - never_trained(recipe, layers), steps=ends[-1], stored=stored,
                stages=len(ends), goes_on=goes_on, seconds_unshared=unshared, seconds_shared=shared,
                whole_seconds=shared + looking + len(ends) * STAGE_SECONDS)


def _stage_ends(recipe: Recipe, ready: Ready) -> list[int]:
    """The steps at which the stages of a full run end; where one recipe is trained, its final is a second one."""
    settings = ready.prepared.asked.settings
    study = Study(settings.seed, ready.prepared.asked.task.metric, ready.prepared.shape, ready.plan.levels,
                  own_epochs="epochs" in settings.chosen)
    rungs = sorted(set(study.steps_at(Record(Trial(0, recipe, settings.seed, "full run", Seeds.all(settings.seed))))))
    if ready.command is Command.TRAIN:
        return [rungs[-1], rungs[-1]]
    return rungs[-1:] if settings.scheduler is SchedulerName.NONE else rungs


def _entries(ready: Ready, boundaries: list[int]) -> tuple[Entry, ...]:
    """The entries at these boundaries, of the training and the rung rows, each made from the one below."""
    prepared, measured = ready.prepared, ready.measured
    rows = len(prepared.splits["train"]) + len(prepared.rung_rows)
    return tuple(
        Entry(boundary, lower, making_work(boundary, rows, prepared.default, prepared.shape, lower) / measured.speed.forward,
              entry_bytes(rows, prepared, measured))
        for lower, boundary in zip([0, *boundaries], boundaries, strict=False))
