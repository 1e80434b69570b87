"""`luthier train DATA`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from luthier.cli import options as o


@o.with_hyperparameters
def train(
    data: o.Data = None,
    text_column: o.TextColumns = None, label_column: o.LabelColumn = None, group_column: o.GroupColumn = None,
    validation: o.Validation = None, test: o.Test = None, model: o.ModelNames = None, fixed: o.Fixed = None,
    device: o.Device = None, threads: o.Threads = None, output: o.Output = None, config: o.Config = None,
    trial: Annotated[int | None, o.option("--trial", help="With --config RUN/trials.csv: the trial to train again.")] = None,
    seed: o.Seed = None, init_seed: o.InitSeed = None, order_seed: o.OrderSeed = None, dropout_seed: o.DropoutSeed = None,
    dry_run: o.DryRun = False, quiet: o.Quiet = False, json: o.Json = False,
    offline: o.Offline = None,
    **hyperparameters: Any,
) -> None:
    """Fine-tune a model on DATA by one recipe: that of --config or the default one, with the hyperparameters given here."""
    settings = o.gather({
        "data": data, "text_columns": text_column, "label_column": label_column, "group_column": group_column,
        "validation": validation, "test": test, "model": model, "device": device,
        "fixed": o.hyperparameters(hyperparameters, fixed),
        "threads": threads, "output": output, "seed": seed, "init_seed": init_seed,
        "order_seed": order_seed, "dropout_seed": dropout_seed,
        "offline": offline,
    }, config, trial)
    settings = dataclasses.replace(  # a run.toml of a search may name them
        settings, search={}, search_also={}, trials=None, budget=None, repeats=1, record_test=False)
    from luthier.cli.execute import execute

    raise typer.Exit(execute("train", settings, dry_run=dry_run, quiet=quiet, json=json))
