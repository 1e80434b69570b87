"""How a search ends: its best recipes are compared on fresh seeds, one is chosen and finished, and trained on more rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier.api.earlier import model_folder
from luthier.api.folder import RunFolder
from luthier.api.fresh import Fresh, hold_out, judge_fresh, write_whole
from luthier.api.interrupt import Interrupt
from luthier.api.optimism import search_optimism
from luthier.api.prepare import groups_of
from luthier.api.ready import Ready, refits
from luthier.api.scoring import Final, Refitted, truths
from luthier.api.settings import Command
from luthier.errors import RunError
from luthier.recipes.trial import TrialState
from luthier.search.finals import Finals, FreshFinals, Refit, missing_default
from luthier.search.honest import Verdict, choose
from luthier.search.loop import Search
from luthier.search.study import FINAL, FRESH, REFIT, Study
from luthier.tasks.metrics import Score


@dataclass(frozen=True)
class Ended:
    """What search and finals came to: the models that were finished, which of them is delivered, and why.

    `fresh` is None where nothing was trained on fresh seeds, `refit` where the chosen recipe was not trained on more rows.
    """

    finals: list[Final]
    verdict: Verdict
    fresh: Fresh | None
    refit: Refitted | None

    def scored(self) -> list[Path]:
        """The folders of the models that the test rows are opened for: what is delivered, and the default."""
        models = [self.refit.folder] if self.refit else []
        return models + [final.folder for final in self.finals if final.number == self.verdict.chosen or final.is_default]


def end(search: Search, ready: Ready, folder: RunFolder, interrupt: Interrupt) -> Ended:
    """Run the finals of a search, choose, and write the choice into its journal.

    Raises:
        RunError: there is no model to deliver.
    """
    fresh = _finals(search, ready, folder, interrupt)
    finals = collect_finals(search.study, folder)
    if fresh and fresh.ruling.chosen not in {final.lead for final in finals}:
        if ready.prepared.asked.corpus.folds:  # no other figure is of rows that were held out
            raise RunError("--test cv: the recipe that was chosen could not be trained on all rows, so there is no model that its "
                           f"figure is of. Try it again with: luthier resume {folder.path} --budget TIME (more than before)")
        fresh = None  # it could not be finished; what is chosen in its place has figures of its own
    verdict = pick(finals, ready, fresh, search.study)
    search.journal.append({"event": "chosen", "trial": verdict.chosen, "reason": verdict.reason})
    wanted = refits(ready.command, ready.prepared) and not interrupt.asked
    return Ended(finals, verdict, fresh, _refit(search, verdict.chosen, ready, folder) if wanted else None)


def _finals(search: Search, ready: Ready, folder: RunFolder, interrupt: Interrupt) -> Fresh | None:
    """Compare the best trials and the default on fresh seeds; then finish the chosen one and the default with a decay.

    Where there are too few trials for fresh seeds, or is too little time, all finalists are finished, and chosen among by the
    validation rows; as they stand when the user has interrupted.
    """
    study = search.study
    if not study.ranked():
        reasons = _reasons(study)
        raise RunError("No trial could be scored, so there is no model to deliver. " + (reasons or (
            "It was interrupted too early." if interrupt.asked else "The budget ended first.")))
    plan, alone, asked_before = ready.plan, ready.command is Command.TRAIN, interrupt.asked
    decay = not (alone or asked_before or "schedule" in ready.prepared.asked.settings.chosen)
    challengers = 0 if alone else plan.challengers
    if challengers and decay:
        search.shorten_default()
    fresh = _fresh(search, ready, folder, challengers, decay, asked_before) if challengers and plan.fresh else None
    if ready.prepared.asked.corpus.folds and (fresh is None or fresh.seeds < plan.fresh):
        raise RunError("--test cv: not all folds have been trained, so there is no figure of the rows held out. Go on with: "
                       f"luthier resume {folder.path}")
    only = None if fresh is None else (fresh.ruling.chosen, *(
        lead for lead in fresh.ruling.scores if lead != fresh.ruling.chosen and study.records[lead].is_default))
    search.interrupted = lambda: interrupt.asked and not asked_before
    search.run(Finals(challengers, decay and not interrupt.asked, only), None,
               None if asked_before else ready.at(plan.finals_until))
    if not any(record.last for record in study.ends(FINAL) if only is None or record.trial.parent == only[0]):
        search.interrupted = lambda: False  # what is to be delivered was not finished in time: deliver it as it stands
        search.run(Finals(min(1, challengers), decay=False, only=only and only[:1]), None, None)
    return fresh


def _fresh(search: Search, ready: Ready, folder: RunFolder, challengers: int, decay: bool, asked_before: bool) -> Fresh | None:
    """Train the finalists on fresh seeds, unless the user has interrupted, and judge them by what is there."""
    if asked_before and not search.study.ends(FRESH):
        return None
    held = hold_out(ready, folder, search.study)
    if not asked_before:
        in_turn = bool(ready.prepared.asked.corpus.folds)  # then there is no figure before all is done
        search.run(FreshFinals(challengers, ready.plan.fresh, bool(held.folds), decay), None,
                   None if in_turn else ready.at(ready.plan.fresh_until))
    return judge_fresh(search.study, ready, folder, held, decay)


def _refit(search: Search, final: int, ready: Ready, folder: RunFolder) -> Refitted | None:
    """Train the chosen recipe once more on training and validation rows; None where there was no time."""
    write_whole(ready.prepared, folder)
    search.run(Refit(final), None, ready.at(ready.plan.finals_until))
    done = next((record for record in search.study.ends(REFIT)
                 if record.state is TrialState.COMPLETE and record.trial.parent == final), None)
    return Refitted(done.trial.number, model_folder(folder, done.trial.number)) if done else None


def collect_finals(study: Study, folder: RunFolder) -> list[Final]:
    """The finals that ended with a model.

    Raises:
        RunError: none did.
    """
    found = []
    for record in study.ends(FINAL):
        if record.state in (TrialState.COMPLETE, TrialState.PAUSED) and record.trial.parent is not None:
            model = model_folder(folder, record.trial.number)
            scores = np.load(model / "validation.npy", allow_pickle=False)
            found.append(Final(record, model, scores, is_default=study.records[record.trial.parent].is_default))
    if not found:
        raise RunError(f"None of the finals could be finished, so there is no model to deliver. {_reasons(study)}")
    return found


def _reasons(study: Study) -> str:
    """Why trials have failed or stopped, each reason once."""
    return "; ".join(dict.fromkeys(record.reason for record in study.records.values() if record.reason))


def pick(finals: list[Final], ready: Ready, fresh: Fresh | None, study: Study) -> Verdict:
    """Choose the final to deliver: as the fresh finals say or, without them, by all validation rows."""
    if ready.command is Command.TRAIN:
        return Verdict(finals[0].number, "the one recipe that was asked for")
    if fresh:
        final = next(final for final in finals if final.lead == fresh.ruling.chosen)
        bare = final.record.trial.recipe.horizon_free and "schedule" not in ready.prepared.asked.settings.chosen
        return Verdict(final.number, fresh.ruling.reason + best_other(fresh.ruling.chosen, fresh.ruling.scores) + (
            "; the run ended before its last decay, so it is delivered without" if bare else ""), fresh.optimism)
    task = ready.prepared.asked.task
    truth = {final.number: truths(ready.prepared, final.record.trial.recipe)["validation"] for final in finals}
    groups = groups_of(ready.prepared.asked.corpus.validation)
    default = next((final for final in finals if final.is_default), None)
    values = {final.number: task.metrics(final.validation, truth[final.number])[task.metric] for final in finals}
    gains: dict[int, Any] = {} if default is None else {
        final.number: task.difference(final.validation, default.validation, truth[final.number], groups,
                                      other_truth=truth[default.number]) for final in finals}
    verdict = choose(default.number if default else None, values, gains, len(study.ranked()), missing_default(study))
    final = next(final for final in finals if final.number == verdict.chosen)
    others = [gain for number, gain in gains.items() if default and number != default.number]
    seen = search_optimism(study, final.lead, task.score(final.validation, truth[final.number], groups), others,
                           len(ready.prepared.splits["validation"]), len(ready.prepared.rung_rows),
                           decay=not final.record.trial.recipe.horizon_free)
    leads = {final.number: final.lead for final in finals}
    return replace(verdict, reason=verdict.reason + figures_of(verdict.chosen, leads, values), optimism=seen)


def best_other(chosen: int, scores: Mapping[int, Score]) -> str:
    """Which trial's recipe was the best of the others; empty where there was none."""
    others = [number for number in scores if number != chosen]
    return f"; the best other recipe was trial {max(others, key=lambda n: (scores[n].value, -n))}'s" if others else ""


def figures_of(chosen: int, leads: Mapping[int, int], values: Mapping[int, float]) -> str:
    """The figure of the chosen final beside the best of the others, with the trials that they end; empty where there is no other.

    They are of all validation rows and of finished models, so they are not those that the search has shown.
    """
    others = [number for number in values if number != chosen]
    if not others:
        return ""
    best = max(others, key=lambda number: (values[number], -number))
    return (f"; as finished, on all validation rows, trial {leads[chosen]} comes to {values[chosen]:.3f} and the best other, trial "
            f"{leads[best]}, to {values[best]:.3f}")
