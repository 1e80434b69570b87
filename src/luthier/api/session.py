"""Carry out a `train` or `tune` that is ready: search, finals, choice, one look at the test rows, the run's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from luthier.api.closing import Ended, end
from luthier.api.earlier import Earlier, take_up
from luthier.api.folder import RunFolder, make_folder
from luthier.api.interrupt import Interrupt
from luthier.api.ledger import Opening, open_test
from luthier.api.observer import Observer
from luthier.api.progress import Shown
from luthier.api.ready import Ready, find_presets, refits
from luthier.api.scoring import score_finals
from luthier.api.settings import Command, SamplerName, SchedulerName
from luthier.api.setup import make_setup
from luthier.api.write import write_config, write_outcome
from luthier.data.load import rows_hash
from luthier.data.places import count
from luthier.engines.execute import Setup
from luthier.engines.local import LocalEngine, Workforce
from luthier.errors import RunError
from luthier.models.pretrained import weights_hash
from luthier.recipes.space import Space
from luthier.search.budget import duration
from luthier.search.journal import Event, Journal, read_journal
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
    """Search, choose, score the test rows once, and write the run's folder; or go on with what was begun there.

    However it ends, what was tried stays, so that the run can be gone on with; once it is finished, the checkpoints go.

    Raises:
        ConfigError: another command is at work in the folder.
        RunError: no trial could be scored, or the disk is full.
    """
    asked, earlier = ready.prepared.asked, ready.earlier
    folder = earlier.folder if earlier else make_folder(asked.settings.output, asked.corpus.name)
    with folder.held():
        observer.say(f"Run folder: {folder.path}")
        if (earlier.events if earlier else []) != (list(read_journal(folder.journal)) if folder.journal.exists() else []):
            raise RunError(f"{folder.path}: another command has been at work in this folder meanwhile")
        _carry_out(ready, folder, observer, interrupt)
        folder.clean()
    return folder


def _carry_out(ready: Ready, folder: RunFolder, observer: Observer, interrupt: Interrupt) -> None:
    """All that happens once the folder is there."""
    asked, earlier = ready.prepared.asked, ready.earlier
    write_config(folder, ready)
    with Journal(folder.journal, lambda: time.monotonic() - ready.started, again=earlier is not None) as journal:
        first = begun_event(ready)
        study = Study.begun(first)
        if earlier is None or not earlier.events:
            journal.append(first)
        else:
            _go_on(study, ready, earlier, journal, observer)
        if asked.settings.record_test:  # every trial of the search looks at them
            _open_test(ready, folder, study, [])
        ended = _train(ready, study, folder, journal, observer, interrupt)
        interrupted = interrupt.asked  # from here on nothing is left out
        opening = _open_test(ready, folder, study, ended.scored())
        observer.say("Scoring …" if opening is None else "Scoring the test rows" + (
            "" if asked.settings.record_test else ", once" if opening.count == 1 else ", once more") + " …")
        outcome = score_finals(ready, ended.finals, ended.verdict, ended.refit, ended.fresh)
        if before := earlier.delivered if earlier else None:
            observer.say(f"It takes the place of the model delivered before: {asked.task.metric_title} {outcome.test.value:.3f}, "
                         f"before {before['value']:.3f}, on the same rows.")
        journal.append({"event": "tested", "trial": ended.verdict.chosen, "test": outcome.test.to_table()})
        write_outcome(folder, ready, study, outcome, ended.fresh, opening, interrupted=interrupted)
        journal.append({"event": "done", "interrupted": interrupted})


def _go_on(study: Study, ready: Ready, earlier: Earlier, journal: Journal, observer: Observer) -> None:
    """Take up what a run has done so far, and write down that it goes on."""
    begun = earlier.begun
    more = begun is not None and (begun.budget, begun.trials) != (ready.budget, ready.trials)
    going_on = take_up(study, earlier, more)
    journal.append({**going_on, "budget": ready.budget, "trials": ready.trials, "plan": asdict(ready.plan)})
    study.apply(going_on)
    observer.say(f"Going on after {duration(earlier.seconds)} of work and {count(len(study.records), 'trial')}.")
    if going_on["event"] == "extended" and not (earlier.finished or more):
        observer.say("Models or scores of its finals are gone: the finals are run anew, on other seeds.")


def begun_event(ready: Ready) -> Event:
    """The first event of a journal: what was measured and planned, from which `Earlier.begun` is read."""
    settings = ready.prepared.asked.settings
    return {"event": "study", "command": ready.command, "seed": settings.seed, "metric": ready.prepared.asked.task.metric,
            "repeats": settings.repeats, "held_seeds": asdict(settings.held_seeds), "plan": asdict(ready.plan),
            "speed": asdict(ready.measured.speed), "precision": ready.measured.precision, "workers": ready.force.workers,
            "threads": ready.force.threads, "disk": ready.quota.total, "trunk": ready.sharing.trunk, "device": ready.device,
            "budget": ready.budget, "trials": ready.trials, "refit": refits(ready.command, ready.prepared),
            "own_epochs": "epochs" in settings.chosen,
            "shape": ready.prepared.shape.to_table()}


def _open_test(ready: Ready, folder: RunFolder, study: Study, models: Sequence[Path]) -> Opening | None:
    """Write into the ledger that the test rows are opened, before they are; None where there are none.

    A run that was given more time opens them once more, whatever it then delivers. One that records its test rows has opened them
    with its first trial, and once for all. Where the ledger knows less than the run's own journal, that counts.
    """
    corpus = ready.prepared.asked.corpus
    if corpus.folds:
        return None
    names = (["every trial, for they are recorded"] if ready.prepared.asked.settings.record_test
             else [weights_hash(sorted(model.glob("*.safetensors"))) for model in models])
    names += [f"given more time after {study.extended} trials"] if study.extended else []
    opening = open_test(rows_hash(corpus.test), folder.path, names, len(corpus.test))
    before = sum(event["event"] == "done" for event in ready.earlier.events) if ready.earlier else 0
    return replace(opening, count=max(opening.count, 1 + before))


def _train(ready: Ready, study: Study, folder: RunFolder, journal: Journal, observer: Observer, interrupt: Interrupt) -> Ended:
    """The search and its finals, on workers."""
    with _engine(make_setup(ready, folder), ready.force) as engine:
        search = Search(study, journal, engine, folder.checkpoints, Shown(observer, folder.progress), lambda: interrupt.asked,
                        curve_points=ready.plan.curve_points, sharing=ready.sharing, quota=ready.quota)
        observer.searching(ready.plan, ready.started, ready.trials, refits(ready.command, ready.prepared))
        _search(search, ready)
        ended = end(search, ready, folder, interrupt)
        observer.searched()
    return ended


@contextmanager
def _engine(setup: Setup, force: Workforce) -> Iterator[LocalEngine]:
    engine = LocalEngine(setup, force)
    try:
        yield engine
    finally:
        engine.close()


def _search(search: Search, ready: Ready) -> None:
    """The search itself; for `train`, its one trial."""
    until = ready.at(ready.plan.search_until)
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
    SchedulerName.AUTO: AshaScheduler.generous, SchedulerName.ASHA: AshaScheduler, SchedulerName.MEDIAN: MedianScheduler,
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
