"""`luthier train DATA`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from luthier.cli import options as o


@o.with_options(o.data_options(), o.hyperparameter_options())
def train(
    data: o.Data = None,
    task: o.Task = None, metric: o.Metric = None, max_train_rows: o.MaxTrainRows = None,
    validation: o.Validation = None, test: o.Test = None, model: o.ModelNames = None, fixed: o.Fixed = None,
    device: o.Device = None, precision: o.Precision = None, threads: o.Threads = None, disk: o.Disk = None,
    refit: o.Refit = None, output: o.Output = None, config: o.Config = None,
    trial: Annotated[int | None, o.option("--trial", help="With --config RUN/trials.csv: the trial to train again.")] = None,
    seed: o.Seed = None, init_seed: o.InitSeed = None, order_seed: o.OrderSeed = None, dropout_seed: o.DropoutSeed = None,
    dry_run: o.DryRun = False, quiet: o.Quiet = False, json: o.Json = False,
    offline: o.Offline = None,
    **given: Any,
) -> None:
    """Fine-tune a model on DATA by one recipe: that of --config or the default one, with the hyperparameters given here."""
    settings = o.gather({
        "data": data, "task": task, "metric": metric, "max_train_rows": max_train_rows, **o.reading(given),
        "validation": validation, "test": test, "model": model, "device": device,
        "precision": precision,
        "fixed": o.hyperparameters(given, fixed),
        "threads": threads, "disk": disk, "refit": refit, "output": output, "seed": seed, "init_seed": init_seed,
        "order_seed": order_seed, "dropout_seed": dropout_seed,
        "offline": offline,
    }, config, trial)
    settings = dataclasses.replace(  # a run.toml of a search may name them
        settings, search={}, search_also={}, trials=None, budget=None, repeats=1, record_test=False)
    from luthier.cli.execute import execute

    raise typer.Exit(execute("train", settings, dry_run=dry_run, quiet=quiet, json=json))
