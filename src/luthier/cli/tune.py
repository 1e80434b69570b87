"""`luthier tune DATA`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from luthier.cli import options as o


@o.with_options(o.data_options())
def tune(
    data: o.Data = None,
    task: o.Task = None, metric: o.Metric = None, max_train_rows: o.MaxTrainRows = None,
    validation: o.Validation = None, test: o.Test = None, model: o.ModelNames = None,
    budget: Annotated[str | None, o.option("--budget", setting="budget")] = None,
    trials: Annotated[int | None, o.option("--trials", setting="trials")] = None,
    search: Annotated[list[str] | None, o.option("--search", setting="search")] = None,
    search_also: Annotated[list[str] | None, o.option("--search-also", setting="search_also")] = None,
    fixed: o.Fixed = None,
    sampler: Annotated[str | None, o.option("--sampler", help="auto, grid, random or tpe.")] = None,
    scheduler: Annotated[str | None, o.option("--scheduler", setting="scheduler")] = None,
    repeats: Annotated[int | None, o.option("--repeats", setting="repeats")] = None,
    record_test: Annotated[bool | None, o.option("--record-test", setting="record_test")] = None,
    refit: o.Refit = None,
    rung_rows: Annotated[int | None, o.option("--rung-rows", setting="rung_rows")] = None,
    sharing: Annotated[bool | None, o.option("--sharing/--no-sharing", setting="sharing")] = None,
    device: o.Device = None, precision: o.Precision = None,
    workers: Annotated[int | None, o.option("--workers", setting="workers")] = None,
    threads: o.Threads = None, disk: o.Disk = None, output: o.Output = None, config: o.Config = None, seed: o.Seed = None,
    init_seed: o.InitSeed = None, order_seed: o.OrderSeed = None, dropout_seed: o.DropoutSeed = None,
    dry_run: o.DryRun = False, quiet: o.Quiet = False, json: o.Json = False,
    offline: o.Offline = None,
    **given: Any,
) -> None:
    """Find how to fine-tune a model for DATA: searches, compares, scores once, and writes model and report."""
    settings = o.gather({
        "data": data, "task": task, "metric": metric, "max_train_rows": max_train_rows, **o.reading(given),
        "validation": validation, "test": test, "model": model, "budget": budget, "trials": trials,
        "search": o.pairs("--search", search), "search_also": o.pairs("--search-also", search_also),
        "fixed": o.pairs("--set", fixed), "sampler": sampler,
        "scheduler": scheduler, "device": device, "precision": precision, "workers": workers, "threads": threads,
        "disk": disk,
        "output": output, "seed": seed, "rung_rows": rung_rows, "sharing": sharing, "repeats": repeats, "record_test": record_test,
        "refit": refit,
        "init_seed": init_seed, "order_seed": order_seed, "dropout_seed": dropout_seed,
        "offline": offline,
    }, config)
    from luthier.cli.execute import execute

    raise typer.Exit(execute("tune", settings, dry_run=dry_run, quiet=quiet, json=json))
