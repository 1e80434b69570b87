"""Carry out a `train` or `tune` that is ready: search, finals, choice, one look at the test rows, the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from luthier.api.folder import RunFolder, choose_folder
from luthier.api.interrupt import Interrupt
from luthier.api.observer import Observer
from luthier.api.ready import Command, Ready, find_presets
from luthier.api.scoring import Final, groups_of, score_finals, truths
from luthier.api.settings import SamplerName, SchedulerName
from luthier.api.setup import make_setup
from luthier.api.write import write_config, write_outcome
from luthier.engines.execute import Setup
from luthier.engines.local import LocalEngine, Workforce
from luthier.errors import RunError
from luthier.recipes.space import Space
from luthier.recipes.trial import TrialState
from luthier.search.finals import Finals, Verdict, choose
from luthier.search.journal import Journal
from luthier.search.loop import Search
from luthier.search.samplers import (
    AutoSampler,
    DefaultFirst,
    EqualWork,
    GridSampler,
    RandomSampler,
    Sampler,
    TpeSampler,
)
from luthier.search.schedulers import AshaScheduler, FullRuns, MedianScheduler, Scheduler, TopKScheduler
from luthier.search.study import Study


def run(ready: Ready, observer: Observer, interrupt: Interrupt) -> RunFolder:
    """Search, choose, score the test rows once, and write the run's folder.

    Raises:
        RunError: no trial could be scored.
    """
    asked = ready.prepared.asked
    folder = choose_folder(asked.settings.output, asked.corpus.name)
    folder.create()
    observer.say(f"Run folder: {folder.path}")
    try:
        _carry_out(ready, folder, observer, interrupt)
    finally:  # where it was ended at once too: what was tried stays in the journal, the checkpoints go
        folder.clean()
    return folder


def _carry_out(ready: Ready, folder: RunFolder, observer: Observer, interrupt: Interrupt) -> None:
    """All that happens once the folder is there."""
    asked = ready.prepared.asked
    with Journal(folder.journal) as journal:
        journal.append({"event": "study", "command": ready.command, "seed": asked.settings.seed, "metric": asked.task.metric,
                        "repeats": asked.settings.repeats, "held_seeds": asdict(asked.settings.held_seeds),
                        "levels": ready.plan.levels, "workers": ready.force.workers, "threads": ready.force.threads,
                        "precision": ready.measured.precision, "speed": ready.measured.speed.training})
        write_config(folder, ready)
        study = _train(ready, folder, journal, observer, interrupt)
        finals = collect_finals(study, folder)
        verdict = pick(finals, ready, in_search=study.default is not None)
        journal.append({"event": "chosen", "trial": verdict.chosen, "reason": verdict.reason})
        observer.say("Scoring the test rows" + ("" if asked.settings.record_test else ", once") + " …")
        outcome = score_finals(ready, finals, verdict)
        journal.append({"event": "tested", "trial": verdict.chosen, "test": outcome.test.to_table()})
        write_outcome(folder, ready, study, outcome, interrupted=interrupt.asked)
        journal.append({"event": "done"})


def _train(ready: Ready, folder: RunFolder, journal: Journal, observer: Observer, interrupt: Interrupt) -> Study:
    """The search and its finals, on workers."""
    asked = ready.prepared.asked
    settings = asked.settings
    study = Study(settings.seed, asked.task.metric, ready.prepared.shape, ready.plan.levels, settings.repeats,
                  settings.held_seeds, own_epochs="epochs" in settings.chosen)
    with _engine(make_setup(ready, folder), ready.force) as engine:
        search = Search(study, journal, engine, folder.checkpoints, observer, lambda: interrupt.asked,
                        curve_points=ready.plan.curve_points, sharing=ready.sharing, quota=ready.quota)
        observer.searching(ready.plan, ready.started)
        _search(search, ready)
        _finals(search, ready, interrupt)
        observer.searched()
    return study


@contextmanager
def _engine(setup: Setup, force: Workforce) -> Iterator[LocalEngine]:
    engine = LocalEngine(setup, force)
    try:
        yield engine
    finally:
        engine.close()


def _search(search: Search, ready: Ready) -> None:
    """The search itself; for `train`, its one trial."""
    until = None if ready.plan.search_until is None else ready.started + ready.plan.search_until
    if ready.command is Command.TRAIN:
        search.run(FullRuns(1), DefaultFirst(ready.prepared.default, make_sampler(ready)), until)
        return
    settings = ready.prepared.asked.settings
    sampler = _at_equal_work(make_sampler(ready), ready)
    if settings.sampler is not SamplerName.GRID:  # whose cells all differ
        search.fallback = _at_equal_work(RandomSampler(ready.prepared.space, settings.seed), ready)
    search.run(SCHEDULERS[settings.scheduler](ready.trials), sampler, until)


def _at_equal_work(sampler: Sampler, ready: Ready) -> Sampler:
    """The sampler with the epochs that its recipes get, where no epochs were asked for: of a grid too, to compare its cells."""
    chosen = ready.prepared.asked.settings.chosen
    if "epochs" in chosen:
        return sampler
    return EqualWork(sampler, ready.prepared.shape, ready.plan.work, keep_warmup="warmup_steps" in chosen)


SCHEDULERS: dict[SchedulerName, Callable[[int | None], Scheduler]] = {
    SchedulerName.AUTO: AshaScheduler, SchedulerName.ASHA: AshaScheduler, SchedulerName.MEDIAN: MedianScheduler,
    SchedulerName.NONE: FullRuns, SchedulerName.TOP_K: TopKScheduler}


def make_sampler(ready: Ready) -> Sampler:
    """The sampler that was asked for; all but the grid begin with the default recipe."""
    settings, space = ready.prepared.asked.settings, ready.prepared.space
    if settings.sampler is SamplerName.GRID:
        return GridSampler(space)
    return DefaultFirst(ready.prepared.default, _others(ready, space, settings.seed))


def _others(ready: Ready, space: Space, seed: int) -> Sampler:
    settings = ready.prepared.asked.settings
    if settings.sampler is SamplerName.RANDOM:
        return RandomSampler(space, seed)
    if settings.sampler is SamplerName.TPE:
        return TpeSampler(space, seed)
    return AutoSampler(space, seed, find_presets(ready.prepared), first=1)


def _finals(search: Search, ready: Ready, interrupt: Interrupt) -> None:
    """Finish the best trials and the default with a decay; as they stand when the user has interrupted."""
    if not search.study.ranked():
        reasons = "; ".join(record.reason for record in search.study.records.values() if record.reason)
        raise RunError("No trial could be scored, so there is no model to deliver. " + (reasons or (
            "It was interrupted too early." if interrupt.asked else "The budget ended first.")))
    alone = ready.command is Command.TRAIN
    settings = ready.prepared.asked.settings
    chosen = "schedule" in settings.chosen
    asked_before = interrupt.asked
    until = None if ready.plan.finals_until is None or asked_before else ready.started + ready.plan.finals_until
    search.interrupted = lambda: interrupt.asked and not asked_before
    challengers = 0 if alone else ready.plan.challengers
    search.run(Finals(challengers, decay=not (alone or asked_before or chosen)), None, until)
    if not any(record.trial.parent is not None and record.last for record in search.study.records.values()):
        search.interrupted = lambda: False  # no final was finished in time: deliver what there is, as it stands
        search.run(Finals(challengers=min(1, challengers), decay=False), None, None)


def collect_finals(study: Study, folder: RunFolder) -> list[Final]:
    """The finals that ended with a model.

    Raises:
        RunError: none did.
    """
    found = [Final(record, folder.checkpoints / f"model-{record.trial.number}",
                   np.load(folder.checkpoints / f"model-{record.trial.number}" / "validation.npy", allow_pickle=False),
                   is_default=study.records[record.trial.parent].is_default)
             for record in study.records.values()
             if record.trial.parent is not None and record.state is not TrialState.FAILED]
    if not found:
        reasons = "; ".join(record.reason for record in study.records.values() if record.reason)
        raise RunError(f"None of the finals could be finished, so there is no model to deliver. {reasons}")
    return found


def pick(finals: list[Final], ready: Ready, in_search: bool) -> Verdict:
    """Choose the final to deliver, on all validation rows; `in_search` says whether the default recipe was tried at all."""
    if ready.command is Command.TRAIN:
        return Verdict(finals[0].number, "the one recipe that was asked for")
    task = ready.prepared.asked.task
    truth = {final.number: truths(ready.prepared, final.record.trial.recipe)["validation"] for final in finals}
    groups = groups_of(ready.prepared.asked.corpus.validation)
    default = next((final for final in finals if final.is_default), None)
    values = {final.number: task.metrics(final.validation, truth[final.number])[task.metric] for final in finals}
    gains: dict[int, Any] = {} if default is None else {
        final.number: task.difference(final.validation, default.validation, truth[final.number], groups,
                                      other_truth=truth[default.number]) for final in finals}
    return choose(default.number if default else None, values, gains, in_search=in_search)
