"""`train`, `tune`, `resume`, `load` and `open_run`."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.api.earlier import check_data, check_same, open_earlier, settings_of
from luthier.api.folder import RunFolder, choose_folder
from luthier.api.interrupt import interruptible
from luthier.api.model import Model
from luthier.api.observer import LogObserver, Observer
from luthier.api.prepare import check
from luthier.api.ready import Ready, get_ready
from luthier.api.run import Run
from luthier.api.session import run
from luthier.api.settings import Command, Given, Settings
from luthier.api.write import asked_table
from luthier.config import build
from luthier.engines.local import MAIN_GUARD, load_for_workers
from luthier.errors import ConfigError, RunError
from luthier.models.network import without_network
from luthier.recipes.recipe import Recipe


def tune(data: Any, *, model: str | Path | Sequence[str | Path] = "auto", budget: str | None = None, trials: int | None = None,
         search: Mapping[str, str] | None = None, search_also: Mapping[str, str] | None = None,
         fixed: Mapping[str, Any] | None = None, sampler: str = "auto", scheduler: str = "auto", repeats: int = 1,
         record_test: bool = False, refit: bool | None = None, rung_rows: int | None = None, sharing: bool = True,
         task: str | None = None, metric: str | None = None, text_columns: Sequence[str] = (), pair_column: str | None = None,
         label_column: str | Sequence[str] = (), label_separator: str | None = None, id_column: str | None = None,
         group_column: str | None = None, annotators: str = "first", spans: str = "refuse", encoding: str = "utf-8",
         labels: str | Path | None = None, max_train_rows: int | None = None,
         validation: Any = None, test: Any = None, device: str = "auto",
         precision: str = "auto", workers: int | None = None, threads: int | None = None, disk: str | int | None = None,
         output: str | Path | None = None, seed: int = 0,
         init_seed: int | None = None, order_seed: int | None = None, dropout_seed: int | None = None,
         offline: bool = False) -> Run:
    """Find how to fine-tune a model for `data`, and hand back the tuned model with an honest figure.

    Args:
        data: a file, a folder with train/validation/test files, "example:NAME", a pandas DataFrame, a
            `datasets.Dataset` or a list of dicts.
        model: a hub name ("owner/name" or "owner/name@revision"), a folder, a run, or "minilm"; a list makes the model one
            of the dimensions of the search.
        budget: wall-clock time of the whole call, such as "90s" or "15m"; 15 minutes unless `trials` is given.
        trials: most recipes to try, the default among them.
        search: {hyperparameter: SPEC} instead of the default space (see luthier/recipes/space.py).
        search_also: {hyperparameter: SPEC} besides the default space, or in the place of a part of it.
        fixed: {hyperparameter: value} held fixed.
        sampler: "auto", "grid", "random" or "tpe".
        scheduler: "asha" (the best third of a rung goes on), "auto" (as that, but the better half), "median" (what is below the
            median stops), "top-k" (one epoch each, then the best third to the end) or "none".
        repeats: seeds that every recipe is trained on, the same for all; `trials` counts recipes.
        task: "classification", "multilabel", "entities" or "regression"; told by the data unless given.
        metric: the headline metric, by which recipes are chosen; the task's usual one unless given.
        text_columns: the columns whose texts are joined, in order (--text-column of the command line, repeated); always a list.
        label_column: one name, or several whose columns hold 0 or 1 for a label each.
        validation: rows to choose by, in any form that `data` may have; like `test`, cut off `data` where not given.
        test: rows to score the delivered model on; or "cv": none are cut off, and the figure is of all training rows, held out in
            turn.
        max_train_rows: the most training rows to use; the other arguments about rows are those of `DataOptions`.
        record_test: score the test rows for every trial; selection is then no longer blind, and the report says so.
        refit: train what is delivered once more on training and validation rows together; where training rows are few, and the
            validation rows were cut off from them, unless given.
        rung_rows: validation rows on which trials are compared while they run; as many as the time allows unless given.
        sharing: let trials go on from checkpoints and share what their frozen layers make of the rows.
        init_seed: held in every trial, like `order_seed` and `dropout_seed`: the seeds of new weights, row order and dropout.
        precision: what models compute in, "fp32", "bf16", or "auto": bf16 where this machine is faster with it. Weights and
            the figures on test rows are fp32 in any case.
        workers: trials trained at once; `threads`, the processor threads of each. All cores are shared out by default.
        disk: most that is kept on disk beside the results, such as "2GB" or a number of bytes; what does not fit is computed
            again, to the same numbers.
        output: the run's folder; runs/NAME-1, runs/NAME-2, … by default.
        offline: open no network socket; a hub model must be in the cache, or a folder that `fetch` wrote.

    Raises:
        UsageError: something cannot be done as asked; nothing has been started.
        RunError: no model could be delivered.
    """
    settings = _settings(locals())
    return _execute(Command.TUNE, settings, Given(data, validation, None if settings.in_turn else test))


def train(data: Any, recipe: Recipe | None = None, *, model: str | Path = "auto", task: str | None = None,
          metric: str | None = None, text_columns: Sequence[str] = (), pair_column: str | None = None,
          label_column: str | Sequence[str] = (), label_separator: str | None = None, id_column: str | None = None,
          group_column: str | None = None, annotators: str = "first", spans: str = "refuse", encoding: str = "utf-8",
          labels: str | Path | None = None, max_train_rows: int | None = None, validation: Any = None,
          test: Any = None, device: str = "auto", precision: str = "auto", threads: int | None = None,
          disk: str | int | None = None, refit: bool = False, output: str | Path | None = None, seed: int = 0,
          init_seed: int | None = None,
          order_seed: int | None = None, dropout_seed: int | None = None, offline: bool = False, **hyperparameters: Any) -> Run:
    """Fine-tune a model by one recipe: `recipe`, or the default one, with `hyperparameters` changed.

    See `tune` for the other arguments, and for what is raised.
    """
    settings = _settings({name: value for name, value in locals().items() if name not in ("recipe", "hyperparameters")}
                         | {"fixed": _held(recipe, model) | hyperparameters})
    return _execute(Command.TRAIN, settings, Given(data, validation, test))


def _held(recipe: Recipe | None, model: str | Path) -> dict[str, Any]:
    """The values of a recipe that mean something, its model left to the argument."""
    if recipe is None:
        return {}
    if recipe.model and model == "auto":
        raise ConfigError(f"recipe: was made for the model '{recipe.model}'; say where that is with model=…")
    return {name: value for name, value in recipe.to_table().items() if name != "model" and recipe.means_something(name)}


def load(model_or_run: str | Path | Run) -> Model:
    """A finished model, from a run or a model folder.

    Raises:
        ModelError: there is none.
    """
    return Model(model_or_run.path if isinstance(model_or_run, Run) else model_or_run)


def open_run(path: str | Path) -> Run:
    """A finished run, from its folder.

    Raises:
        ConfigError: there is none.
    """
    return Run(path)


def resume(run: str | Path | Run, *, budget: str | None = None, trials: int | None = None) -> Run:
    """Go on with a run that was killed, interrupted or out of disk, from its last finished stage; or give it more time.

    The time that it has worked counts. A run that is finished needs a larger budget or more trials, and its test rows are
    then scored once more.

    Args:
        run: its folder.
        budget: the time of the whole run, all that it had before included.
        trials: the most recipes to try, those that it has tried included.

    Raises:
        UsageError: there is no run, or it cannot be gone on with.
        RunError: no model could be delivered.
    """
    _refuse_workers()
    observer = LogObserver()
    path = run.path if isinstance(run, Run) else Path(run)
    return carry_out(plan_resumed(path, budget, trials, observer, time.monotonic()), observer)


def plan_run(command: Command, settings: Settings, given: Given, observer: Observer, started: float) -> Ready:
    """Check what was asked, measure the machine and share the time out. Nothing is trained or written yet.

    Where the folder of the run holds one that was asked for in the same way and is not finished, that one is gone on with.

    Args:
        started: when the command began, on the monotonic clock; a budget counts from there.
    """
    with without_network(settings.offline):
        load_for_workers()
        if command is Command.TRAIN and settings.in_turn:
            raise ConfigError("--test cv is for luthier tune: it trains the finalists on all folds of the rows")
        if command is Command.TRAIN and len(settings.model) > 1:
            raise ConfigError(f"luthier train takes one model, not {', '.join(settings.model)}; name one with --model, or use "
                              "luthier tune")
        asked = check(settings, given)
        folder = choose_folder(settings.output, asked.corpus.name)
        earlier = open_earlier(folder) if folder.config.exists() else None
        if earlier:
            check_same(earlier, command, asked_table(asked))
            check_data(earlier, asked.corpus)
        return get_ready(command, asked, observer, started, earlier)


def plan_resumed(path: Path, budget: str | None, trials: int | None, observer: Observer, started: float) -> Ready:
    """Read what a run has done so far, and plan the rest of it; `started` is as for `plan_run`."""
    load_for_workers()
    earlier = open_earlier(RunFolder(path))
    settings = settings_of(earlier, budget=budget, trials=trials)
    with without_network(settings.offline):
        asked = check(settings, settings.given)
        check_data(earlier, asked.corpus)
        return get_ready(earlier.command, asked, observer, started, earlier)


def carry_out(ready: Ready, observer: Observer) -> Run:
    """Do what was planned, and open the finished run."""
    with without_network(ready.prepared.asked.settings.offline), interruptible(observer.say) as interrupt:
        return Run(run(ready, observer, interrupt).path)


def _execute(command: Command, settings: Settings, given: Given) -> Run:
    _refuse_workers()
    observer = LogObserver()
    return carry_out(plan_run(command, settings, given, observer, time.monotonic()), observer)


def _refuse_workers() -> None:
    """See that this is not a worker that runs the user's script anew: never start again in it.

    Raises:
        RunError: it is.
    """
    if multiprocessing.parent_process() is not None or getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RunError(MAIN_GUARD)


def _settings(given: Mapping[str, Any]) -> Settings:
    """Keyword arguments as settings; what was left out keeps its default, and tables in memory have no name there."""
    rows = {name: str(given[name]) for name in ("data", "validation", "test") if isinstance(given[name], str | Path)}
    table = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()
             if value is not None and name not in ("data", "validation", "test")}
    if "label_column" in table:
        table["label_columns"] = table.pop("label_column")
    for name in ("text_columns", "label_columns", "model"):
        if name in table:
            table[name] = (table[name],) if isinstance(table[name], str) else tuple(str(part) for part in table[name])
    return build(Settings, table | rows)
