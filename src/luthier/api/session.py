"""Carry out a `train` or `tune` that is ready: search, finals, choice, one look at the test rows, the run's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.api.earlier import model_folder, take_up
from luthier.api.folder import RunFolder, make_folder
from luthier.api.fresh import Fresh, hold_out, judge_fresh, write_whole
from luthier.api.interrupt import Interrupt
from luthier.api.ledger import Opening, open_test
from luthier.api.observer import Observer
from luthier.api.prepare import groups_of
from luthier.api.progress import Shown
from luthier.api.ready import Ready, find_presets, refits
from luthier.api.scoring import Final, score_finals, truths
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
from luthier.recipes.trial import TrialState
from luthier.search.budget import duration
from luthier.search.finals import Finals, FreshFinals, Refit, Verdict, choose
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
from luthier.search.schedulers import AshaScheduler, FullRuns, MedianScheduler, Scheduler
from luthier.search.study import FINAL, REFIT, Study


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
        if earlier and earlier.events != (list(read_journal(folder.journal)) if folder.journal.exists() else []):
            raise RunError(f"{folder.path}: another command has gone on with this run meanwhile")
        _carry_out(ready, folder, observer, interrupt)
        folder.clean()
    return folder


def _carry_out(ready: Ready, folder: RunFolder, observer: Observer, interrupt: Interrupt) -> None:
    """All that happens once the folder is there."""
    asked, earlier = ready.prepared.asked, ready.earlier
    write_config(folder, ready)
    with Journal(folder.journal, lambda: time.monotonic() - ready.started, again=earlier is not None) as journal:
        study = Study(asked.settings.seed, asked.task.metric, ready.prepared.shape, ready.plan.levels, asked.settings.repeats,
                      asked.settings.held_seeds, own_epochs="epochs" in asked.settings.chosen)
        if earlier is None or not earlier.events:
            journal.append(begun_event(ready))
        else:
            going_on = take_up(study, earlier)
            journal.append(going_on)
            study.apply(going_on)
            observer.say(f"Going on after {duration(earlier.seconds)} of work and {count(len(study.records), 'trial')}.")
        ended = _train(ready, study, folder, journal, observer, interrupt)
        observer.say("Scoring …" if asked.corpus.folds else
                     "Scoring the test rows" + ("" if asked.settings.record_test else ", once") + " …")
        opening = _open_test(ready, folder, ended)
        outcome = score_finals(ready, ended.finals, ended.verdict, ended.refit, ended.fresh)
        journal.append({"event": "tested", "trial": ended.verdict.chosen, "test": outcome.test.to_table()})
        write_outcome(folder, ready, study, outcome, ended.fresh, opening, interrupted=interrupt.asked)
        journal.append({"event": "done", "interrupted": interrupt.asked})


def begun_event(ready: Ready) -> Event:
    """The first event of a journal: what was measured and planned, from which `Earlier.begun` is read."""
    settings = ready.prepared.asked.settings
    return {"event": "study", "command": ready.command, "seed": settings.seed, "metric": ready.prepared.asked.task.metric,
            "repeats": settings.repeats, "held_seeds": asdict(settings.held_seeds), "plan": asdict(ready.plan),
            "speed": asdict(ready.measured.speed), "precision": ready.measured.precision, "workers": ready.force.workers,
            "threads": ready.force.threads, "disk": ready.quota.total, "trunk": ready.sharing.trunk, "device": ready.device,
            "budget": ready.budget, "trials": ready.trials, "own_epochs": "epochs" in settings.chosen,
            "shape": ready.prepared.shape.to_table()}


def _open_test(ready: Ready, folder: RunFolder, ended: Ended) -> Opening | None:
    """Write into the ledger that the test rows are opened, before they are; None where there are none."""
    corpus = ready.prepared.asked.corpus
    if corpus.folds:
        return None
    models = [ended.refit] if ended.refit else []
    models += [final.folder for final in ended.finals if final.number == ended.verdict.chosen or final.is_default]
    return open_test(rows_hash(corpus.test), folder.path, [
        weights_hash(sorted(model.glob("*.safetensors"))) for model in models], len(corpus.test))


@dataclass(frozen=True)
class Ended:
    """What search and finals came to: the models that were finished, which of them is delivered, and why.

    `fresh` is None where nothing was trained on fresh seeds, `refit` where the chosen recipe was not trained on more rows.
    """

    finals: list[Final]
    verdict: Verdict
    fresh: Fresh | None
    refit: Path | None


def _train(ready: Ready, study: Study, folder: RunFolder, journal: Journal, observer: Observer, interrupt: Interrupt) -> Ended:
    """The search and its finals, on workers."""
    with _engine(make_setup(ready, folder), ready.force) as engine:
        search = Search(study, journal, engine, folder.checkpoints, Shown(observer, folder.progress), lambda: interrupt.asked,
                        curve_points=ready.plan.curve_points, sharing=ready.sharing, quota=ready.quota)
        observer.searching(ready.plan, ready.started, ready.trials)
        _search(search, ready)
        fresh = _finals(search, ready, folder, interrupt)
        finals = collect_finals(study, folder)
        verdict = pick(finals, ready, fresh, in_search=study.default is not None)
        journal.append({"event": "chosen", "trial": verdict.chosen, "reason": verdict.reason})
        wanted = refits(ready.command, ready.prepared) and not interrupt.asked
        refit = _refit(search, verdict.chosen, ready, folder) if wanted else None
        observer.searched()
    return Ended(finals, verdict, fresh, refit)


def _refit(search: Search, final: int, ready: Ready, folder: RunFolder) -> Path | None:
    """Train the chosen recipe once more on training and validation rows; the model's folder, None where there was no time."""
    write_whole(ready.prepared, folder)
    search.run(Refit(final), None, _deadline(ready, ready.plan.finals_until))
    done = next((record for record in search.study.ends(REFIT) if record.state is TrialState.COMPLETE), None)
    return model_folder(folder, done.trial.number) if done else None


@contextmanager
def _engine(setup: Setup, force: Workforce) -> Iterator[LocalEngine]:
    engine = LocalEngine(setup, force)
    try:
        yield engine
    finally:
        engine.close()


def _search(search: Search, ready: Ready) -> None:
    """The search itself; for `train`, its one trial."""
    until = _deadline(ready, ready.plan.search_until)
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
    SchedulerName.NONE: FullRuns}


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


def _finals(search: Search, ready: Ready, folder: RunFolder, interrupt: Interrupt) -> Fresh | None:
    """Compare the best trials and the default on fresh seeds; then finish the chosen one and the default with a decay.

    Where there is no time for fresh seeds, all finalists are finished, and chosen among by the validation rows; as they stand when
    the user has interrupted.
    """
    if not search.study.ranked():
        reasons = "; ".join(record.reason for record in search.study.records.values() if record.reason)
        raise RunError("No trial could be scored, so there is no model to deliver. " + (reasons or (
            "It was interrupted too early." if interrupt.asked else "The budget ended first.")))
    plan, alone, asked_before = ready.plan, ready.command is Command.TRAIN, interrupt.asked
    decay = not (alone or asked_before or "schedule" in ready.prepared.asked.settings.chosen)
    challengers, fresh = 0 if alone else plan.challengers, None
    if challengers and plan.fresh and not asked_before:
        held = hold_out(ready, folder)
        in_turn = bool(ready.prepared.asked.corpus.folds)  # then there is no figure before all is done
        search.run(FreshFinals(challengers, plan.fresh, bool(held.folds), decay), None,
                   None if in_turn else _deadline(ready, plan.fresh_until))
        fresh = judge_fresh(search.study, ready, folder, held)
    if ready.prepared.asked.corpus.folds and (fresh is None or fresh.seeds < plan.fresh):
        raise RunError("--test cv: not all folds have been trained, so there is no figure of the rows held out. Go on with: "
                       f"luthier resume {folder.path}")
    only = None if fresh is None else frozenset({fresh.ruling.chosen, *(
        [search.study.default.trial.number] if search.study.default else [])})
    search.interrupted = lambda: interrupt.asked and not asked_before
    search.run(Finals(challengers, decay and not interrupt.asked, only), None,
               None if asked_before else _deadline(ready, plan.finals_until))
    if not any(record.last for record in search.study.ends(FINAL)):
        search.interrupted = lambda: False  # no final was finished in time: deliver what there is, as it stands
        search.run(Finals(min(1, challengers), decay=False, only=only), None, None)
    return fresh


def _deadline(ready: Ready, until: float | None) -> float | None:
    """So many seconds after the command began, on the monotonic clock."""
    return None if until is None else ready.started + until


def collect_finals(study: Study, folder: RunFolder) -> list[Final]:
    """The finals that ended with a model.

    Raises:
        RunError: none did.
    """
    found = []
    for record in study.ends(FINAL):
        model = model_folder(folder, record.trial.number)
        if record.state is not TrialState.FAILED and record.trial.parent is not None:
            scores = np.load(model / "validation.npy", allow_pickle=False)
            found.append(Final(record, model, scores, is_default=study.records[record.trial.parent].is_default))
    if not found:
        reasons = "; ".join(record.reason for record in study.records.values() if record.reason)
        raise RunError(f"None of the finals could be finished, so there is no model to deliver. {reasons}")
    return found


def pick(finals: list[Final], ready: Ready, fresh: Fresh | None, in_search: bool) -> Verdict:
    """Choose the final to deliver: as the fresh finals say or, without them, by all validation rows.

    Args:
        in_search: whether the default recipe was tried at all.
    """
    if ready.command is Command.TRAIN:
        return Verdict(finals[0].number, "the one recipe that was asked for")
    ends = {final.record.trial.parent: final.number for final in finals}
    if fresh and fresh.ruling.chosen in ends:
        return Verdict(ends[fresh.ruling.chosen], fresh.ruling.reason)
    task = ready.prepared.asked.task
    truth = {final.number: truths(ready.prepared, final.record.trial.recipe)["validation"] for final in finals}
    groups = groups_of(ready.prepared.asked.corpus.validation)
    default = next((final for final in finals if final.is_default), None)
    values = {final.number: task.metrics(final.validation, truth[final.number])[task.metric] for final in finals}
    gains: dict[int, Any] = {} if default is None else {
        final.number: task.difference(final.validation, default.validation, truth[final.number], groups,
                                      other_truth=truth[default.number]) for final in finals}
    return choose(default.number if default else None, values, gains, in_search=in_search)
