"""The fresh finals of a study: the rows that they hold out, and what their predictions of these say of each recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from luthier.api.earlier import scores_file
from luthier.api.folder import RunFolder
from luthier.api.optimism import search_optimism
from luthier.api.prepare import Prepared, groups_of
from luthier.api.ready import Ready
from luthier.data.split import folds
from luthier.data.tokens import Tokens, gather
from luthier.engines.execute import fold_folder
from luthier.recipes.trial import NONE_HELD_OUT, TrialState
from luthier.search.few_rows import bbc_cv
from luthier.search.finals import missing_default
from luthier.search.honest import Entrant, Optimism, Ruling, judge, winner
from luthier.search.study import FRESH, Record, Study
from luthier.sharing.work import step_work
from luthier.tasks.base import Floats, Ints, Statistic, Task
from luthier.tasks.bootstrap import bootstrap, bootstrap_difference
from luthier.tasks.metrics import Score, bounds


@dataclass(frozen=True)
class HeldOut:
    """The rows that fresh finals are judged by.

    Attributes:
        folds: the training rows that each fold holds out, by its number from 1; empty where all have the study's validation rows.
    """

    folds: Mapping[int, Ints]

    def rows(self, fold: int, prepared: Prepared) -> Ints:
        """The rows held out, numbered as the training rows are, or as the validation rows for fold 0."""
        return self.folds[fold] if fold else np.arange(len(prepared.splits["validation"]))


def hold_out(ready: Ready, folder: RunFolder, study: Study) -> HeldOut:
    """Choose the rows that each fresh seed holds out, and write its splits where workers find them.

    Folds are parts of the training rows, for by the validation rows the search has chosen. All seeds have the validation rows
    where a person gave these, or where a fold would leave the headline metric undefined.
    """
    prepared = ready.prepared
    corpus, number = prepared.asked.corpus, ready.plan.fresh
    if corpus.folds:
        held = {fold: np.asarray(rows) for fold, rows in corpus.folds.items()}
    elif corpus.validation_given:
        return HeldOut({})
    else:
        share = len(corpus.validation) / (len(corpus.train) + len(corpus.validation))
        assigned = np.asarray(folds(corpus.train, number, share, seed=study.seed + study.extended))
        held = {fold: np.flatnonzero(assigned == fold) for fold in range(1, number + 1)}
    if not all(_defined(prepared, rows) for rows in held.values()):  # where all rows are held out in turn, that was seen to
        return HeldOut({})
    for place, start in enumerate(prepared.starts.values()):
        train, validation = start.splits["train"], start.splits["validation"]
        for fold, rows in held.items():
            target = fold_folder(folder.cache / f"tokens-{place}", fold)
            rest = (train, np.setdiff1d(np.arange(len(train)), rows)), (validation, np.arange(len(validation)))
            gather(rest).save(target / "train")
            gather([(train, rows)]).save(target / "validation")
    return HeldOut(held)


def write_whole(prepared: Prepared, folder: RunFolder) -> None:
    """Write training and validation rows together as training rows, for the recipe that is trained once more."""
    for place, start in enumerate(prepared.starts.values()):
        target = fold_folder(folder.cache / f"tokens-{place}", NONE_HELD_OUT)
        parts = [start.splits[name] for name in ("train", "validation")]
        gather([(tokens, np.arange(len(tokens))) for tokens in parts]).save(target / "train")
        parts[1].save(target / "validation")


def _defined(prepared: Prepared, rows: Ints) -> bool:
    """Whether the headline metric means something on some training rows."""
    task, tokens = prepared.asked.task, prepared.splits["train"]
    if not len(rows):
        return False
    guess = np.tile(task.guess(np.asarray(tokens.targets)), (len(tokens.units(rows)), 1))
    return task.metric in task.metrics(guess, task.truth(tokens, rows))


@dataclass(frozen=True)
class Fresh:
    """What the fresh finals came to.

    Attributes:
        rows: how many were held out in all.
        optimism: what the search's own figure of the recipe that is delivered is worth.
        scores: of the rows held out, by each finalist.
        in_turn: the figure of these, corrected for the choice among finalists, where all rows were held out in turn.
        in_turn_gain: what the choice gains over the default there, corrected in the same way.
    """

    ruling: Ruling
    rows: int
    seeds: int
    disjoint: bool
    optimism: Optimism
    scores: dict[int, Floats]
    in_turn: Score | None
    in_turn_gain: Score | None = None

    def to_table(self) -> dict[str, Any]:
        """As results.json holds it."""
        recipe, gain = self.ruling.score, self.ruling.gain
        return {"recipe": recipe.to_table(), "gain": gain.to_table() if gain else None, "rows": self.rows, "seeds": self.seeds,
                "own_rows": self.disjoint, "finalists": len(self.ruling.scores)}


def judge_fresh(study: Study, ready: Ready, folder: RunFolder, held: HeldOut, decay: bool) -> Fresh | None:
    """Judge the finalists by the seeds on which all of them were trained; None where that is not one seed.

    Args:
        decay: whether they are to be delivered with a decay, from where they were best.
    """
    ended = study.ends(FRESH)
    failed = {record.trial.parent for record in ended if record.state is TrialState.FAILED}
    trained: dict[int, dict[int, Record]] = {}
    for record in ended:
        if record.trial.parent is not None and record.trial.parent not in failed:
            there = trained.setdefault(record.trial.parent, {})
            if record.state is TrialState.COMPLETE:
                there[record.trial.seed] = record
    seeds = sorted(set.intersection(*(set(records) for records in trained.values()))) if trained else []
    if not seeds:
        return None
    prepared, disjoint = ready.prepared, bool(held.folds)
    parts = {lead: [records[seed] for seed in seeds] for lead, records in trained.items()}
    held_rows = [held.rows(record.trial.fold, prepared) for record in next(iter(parts.values()))]
    rows = prepared.asked.corpus.train if disjoint else prepared.asked.corpus.validation
    used = np.concatenate(held_rows) if disjoint else held_rows[0]
    groups = groups_of([rows[row] for row in used.tolist()])
    scores = {lead: [_scores(folder, record) for record in records] for lead, records in parts.items()}
    statistics = {lead: _statistic(records, scores[lead], prepared, held) for lead, records in parts.items()}
    figures = {lead: bootstrap(statistic, len(used), groups=groups)[study.metric] for lead, statistic in statistics.items()}
    default = study.default.trial.number if study.default and study.default.trial.number in parts else None
    gains = {} if default is None else {
        lead: bootstrap_difference(statistic, statistics[default], len(used), groups=groups)[study.metric]
        for lead, statistic in statistics.items() if lead != default}
    entrants = [Entrant(lead, tuple(_whole_value(record, study.metric) for record in records), figures[lead].error,
                        study.total_steps(records[0].trial.recipe) * step_work(records[0].trial.recipe, study.shape),
                        figures[lead].value if disjoint else None)
                for lead, records in parts.items()]
    ruling = judge(default, entrants, gains, disjoint, missing=missing_default(study))
    in_turn = in_turn_gain = None
    if prepared.asked.corpus.folds:
        leads, works = list(parts), {entrant.number: entrant.work for entrant in entrants}

        def chosen(figures: Floats) -> int:
            return leads.index(winner(dict(zip(leads, figures.tolist(), strict=True)), works, ruling.tie, default, ruling.needed))

        corrected = partial(bbc_cv, list(statistics.values()), study.metric, len(used), groups, chosen)
        in_turn = corrected()
        in_turn_gain = None if default is None else corrected(against=leads.index(default))
    seen = search_optimism(study, ruling.chosen, figures[ruling.chosen], gains.values(), len(used), len(prepared.rung_rows),
                           seed_error=ruling.seed_error, decay=decay)
    return _bounded(Fresh(ruling, len(used), len(seeds), disjoint, seen,
                          {lead: np.concatenate(each) for lead, each in scores.items()} if disjoint else {}, in_turn, in_turn_gain),
                    study.metric)


def _bounded(fresh: Fresh, metric: str) -> Fresh:
    """With intervals that end where the metric does: they are drawn by standard errors, which know of no bounds."""
    low, high = bounds(metric)
    return replace(fresh, ruling=replace(fresh.ruling, scores={
        lead: score.within(low, high) for lead, score in fresh.ruling.scores.items()}),
        in_turn=fresh.in_turn and fresh.in_turn.within(low, high))


def _whole_value(record: Record, metric: str) -> float:
    """The figure of a fresh final on all rows that it holds out."""
    return next(point.metrics[metric] for point in reversed(record.points) if point.rows == "all")


def _scores(folder: RunFolder, record: Record) -> Floats:
    """What a fresh final says of the rows that it holds out."""
    return np.asarray(np.load(scores_file(folder, record.trial.number), allow_pickle=False), dtype=np.float64)


def _statistic(records: Sequence[Record], scores: Sequence[Floats], prepared: Prepared, held: HeldOut) -> Statistic:
    """The figure of a recipe: of its predictions of all rows held out, or the mean over its seeds where these share their rows."""
    start, task = prepared.starts[records[0].trial.recipe.model], prepared.asked.task
    if held.folds:
        rows = [held.rows(record.trial.fold, prepared) for record in records]
        return _headline(task, np.concatenate(scores), gather([(start.splits["train"], part) for part in rows]))
    each = [_headline(task, part, start.splits["validation"]) for part in scores]

    def mean(weights: Floats) -> dict[str, Floats]:
        return {task.metric: np.mean([statistic(weights)[task.metric] for statistic in each], axis=0)}

    return mean


def _headline(task: Task, scores: Floats, tokens: Tokens) -> Statistic:
    statistic = task.statistic(scores, task.truth(tokens))
    return lambda weights: {task.metric: statistic(weights)[task.metric]}
