"""The first lines of a run: what was understood of the data, what will be done, how the time is shared out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice

from luthier.api.prepare import Prepared
from luthier.api.settings import SamplerName, Settings
from luthier.config import shown
from luthier.data.findings import Severity
from luthier.data.places import count
from luthier.data.row import Split
from luthier.engines.local import Workforce
from luthier.recipes.recipe import LongTexts, steps_per_epoch
from luthier.recipes.space import Space
from luthier.report.wording import epochs
from luthier.search.budget import Plan, duration
from luthier.search.few_rows import expected_width
from luthier.sharing.quota import Quota, size
from luthier.sharing.work import step_work
from luthier.training.precision import Precision

MOST_LABELS_SHOWN = 12
_IN_TURN = " (each held out once in turn)"


def data_lines(prepared: Prepared) -> list[str]:
    """Rows, labels, notes and model."""
    asked, corpus = prepared.asked, prepared.asked.corpus
    sizes = ", ".join(f"{len(prepared.splits[part.value])} {part.value}{_IN_TURN * (bool(corpus.folds) and part is Split.TRAIN)}"
                      for part in corpus.apart)
    pairs = " of pairs" * corpus.pairs
    counts = corpus.totals()
    named = [f"{' '.join(label.split())} ({number})" for label, number in counts.items()]
    more = f", … {len(named) - MOST_LABELS_SHOWN} more" if len(named) > MOST_LABELS_SHOWN else ""
    labels = f", {len(counts)} labels in all parts: {', '.join(named[:MOST_LABELS_SHOWN])}{more}" if counts else ""
    lines = [f"Data: {corpus.name}: {sizes} rows; {asked.task.name}{pairs}{labels}"]
    lines.extend(f"  {'Warning: ' * (finding.severity is Severity.WARNING)}{finding}" for finding in prepared.findings)
    read = "texts are read in windows of" if prepared.default.long_texts is LongTexts.WINDOWS else "texts are cut at"
    models = "; ".join(f"{model.origin}, {count(model.layers, 'layer')}" for model in asked.models.values())
    lines.append(f"Model{'s' if len(asked.models) > 1 else ''}: {models}; {read} {prepared.default.max_length} tokens")
    return lines


def amount(settings: Settings, recipes: int) -> str:
    """How much a search tries: 12 trials, 12 recipes × 3 seeds = 36 trials, 12 cells × 3 seeds = 36 trials."""
    grid = settings.sampler is SamplerName.GRID
    if settings.repeats == 1 and not grid:
        return count(recipes, "trial")
    kind = count(recipes, "cell" if grid else "recipe")
    return f"{kind} × {count(settings.repeats, 'seed')} = {count(recipes * settings.repeats, 'trial')}"


def finalists(settings: Settings, space: Space, challengers: int, trials: int | None) -> str:
    """Who is in the finals; a grid has the default recipe only where a cell that it comes to is just that."""
    if settings.sampler is SamplerName.GRID and space.base not in islice(space.cells(), trials):
        return f"the best {challengers + 1}"
    return f"the default and the best {f'{challengers} others' if challengers > 1 else 'other'}"


def epochs_afforded(prepared: Prepared, plan: Plan) -> dict[str, float] | None:
    """The epochs that the default recipe would train in a search and those that the time affords; None where these are all.

    Epochs that a person chose or searches are trained as they are.
    """
    if "epochs" in prepared.asked.settings.chosen:
        return None
    recipe, rows = prepared.default, prepared.shape.rows(prepared.default)
    steps = round(plan.work / step_work(recipe, prepared.shape))
    if steps >= recipe.total_steps(rows):
        return None
    return {"usual": recipe.epochs, "afforded": steps / steps_per_epoch(rows, recipe.batch_size)}


def cut_line(cut: Mapping[str, float], enough: float | None) -> str:
    """That the default recipe's epochs are cut to what the time affords; `enough` seconds would afford them all."""
    more = f"; --budget {math.ceil(enough / 60)}m would afford all" if enough else ""
    return (f"  The default recipe would train {epochs(cut['usual'])} epochs; this budget affords {epochs(cut['afforded'])}, and "
            f"other recipes as much work{more}.")


def plan_lines(prepared: Prepared, plan: Plan, force: Workforce, device: str, precision: Precision, budget: float | None,
               trials: int | None, searching: bool, enough: float | None = None) -> list[str]:
    """What will be searched, and the time it gets.

    Args:
        enough: the budget in seconds that would afford the default recipe's own epochs, where it is known.
    """
    workers = f"{force.workers} worker{'s' if force.workers > 1 else ''} × {force.threads} thread{'s' if force.threads > 1 else ''}"
    workers = f"{workers}, {precision.value}"
    full = f"one full run takes about {duration(plan.full_run_seconds)} of one worker"
    if not searching:
        return [f"Training one recipe on {device}, {workers}; {full}."]
    settings, dimensions, cut = prepared.asked.settings, prepared.space.dimensions, epochs_afforded(prepared, plan)
    limit = [amount(settings, trials)] if trials else []
    limit += [duration(budget)] if budget else []
    lines = [f"Search: {' or '.join(limit)} on {device}, {workers}; {full}."]
    lines += [cut_line(cut, enough)] if cut else []
    lines.append(f"  {count(len(dimensions), 'hyperparameter')}: " + "; ".join(f"{name} {dim}" for name, dim in dimensions.items()))
    lines.extend(f"    {name}: {note}" for name, note in prepared.space.notes.items())
    fixed = settings.fixed
    if settings.repeats > 1:
        lines.append(f"  every recipe on {settings.repeats} seeds, {settings.seed} to {settings.seed + settings.repeats - 1}; "
                     "recipes are compared by their mean")
    if fixed:
        lines.append("  held: " + "; ".join(f"{name} = {shown(getattr(prepared.default, name))}" for name in fixed))
    if budget and plan.search_until is not None and plan.finals_until is not None:
        anew = f", each on {count(plan.fresh, 'fresh seed')}," if plan.fresh else ""
        lines.append(f"  Time: search until {duration(plan.search_until)}, then {duration(plan.finals_until - plan.search_until)} "
                     f"for the finals of {finalists(settings, prepared.space, plan.challengers, trials)}{anew} and "
                     f"{duration(budget - plan.finals_until)} to score the test rows")
    return lines


def wide_line(test_rows: int) -> str:
    """What to do where a test figure will say little."""
    off = f"{expected_width(test_rows) / 2:.2f}"
    return (f"  {count(test_rows, 'test row')}: a figure of so few may be off by {off} either way. With --test cv it is of all "
            "training rows, held out in turn; that takes longer.")


def disk_line(quota: Quota, checkpoint: int, kept: int) -> str:
    """What may be kept on disk, and what follows where that is little; `kept` checkpoints of the default recipe fit."""
    said = f"  Disk: {size(quota.total)} beside the results, half of it for checkpoints; one takes {size(checkpoint)}"
    if kept:
        return f"{said}, so {kept} fit{'s' * (kept == 1)}; a trial without one is trained again from its first step to go on"
    return (f"{said}, so none is kept: every trial is trained again from its first step to go on, which takes longer and gives "
            "the same numbers")
