"""All that is decided before the first trial: the model loaded, this machine measured, the time shared out."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass

from luthier.api.describe import data_lines, plan_lines
from luthier.api.measure import Measured, measure
from luthier.api.observer import Observer
from luthier.api.prepare import Asked, Prepared, prepare
from luthier.api.settings import SamplerName
from luthier.engines.local import Workforce, plan_workers
from luthier.errors import ConfigError
from luthier.search.budget import Job, Plan, parse_duration, plan_budget

DEFAULT_BUDGET = "15m"


class Command(enum.Enum):
    """What a run was started as."""

    TRAIN = "train"
    TUNE = "tune"


@dataclass(frozen=True)
class Ready:
    """All that is decided before the first trial."""

    command: Command
    prepared: Prepared
    measured: Measured
    plan: Plan
    force: Workforce
    device: str
    started: float
    budget: float | None
    trials: int | None
    grid: int | None


def get_ready(command: Command, asked: Asked, observer: Observer, started: float) -> Ready:
    """Load the model, measure this machine, and share the time out.

    Raises:
        UsageError: the model cannot be used, or the budget is too small.
    """
    settings = asked.settings
    prepared = prepare(asked)
    for line in data_lines(prepared):
        observer.say(line)
    device = find_device(settings.device.value)
    grid = count_cells(prepared) if command is Command.TUNE and settings.sampler is SamplerName.GRID else None
    trials = settings.trials if grid is None else min(settings.trials or grid + 1, grid + 1)
    budget = _budget(command, settings.budget, trials)
    force = plan_workers(settings.workers, 1 if command is Command.TRAIN else trials, device)
    force = Workforce(force.workers, settings.threads or force.threads)
    measured = measure(prepared, force, device)
    job = Job(prepared.default, prepared.shape, force.workers, len(prepared.splits["validation"]), len(prepared.rung_rows),
              len(prepared.splits["test"]))
    plan = plan_budget(budget, time.monotonic() - started, job, measured.speed)
    ready = Ready(command, prepared, measured, plan, force, device, started, budget, trials, grid)
    for line in plan_lines(prepared, plan, force, device, budget, trials, command is Command.TUNE):
        observer.say(line)
    return ready


def _budget(command: Command, asked: str | None, trials: int | None) -> float | None:
    """Seconds; without --budget and --trials a search takes the default, and training as long as it takes."""
    if asked is not None:
        return parse_duration(asked)
    return parse_duration(DEFAULT_BUDGET) if command is Command.TUNE and trials is None else None


def count_cells(prepared: Prepared) -> int:
    """The cells of the grid that was asked for.

    Raises:
        ConfigError: a dimension has no finite set of values, or none was given.
    """
    if not prepared.asked.settings.search:
        raise ConfigError("--sampler grid needs values to combine: give --search NAME=A,B,C for each hyperparameter")
    return sum(1 for _ in prepared.space.cells())


def find_device(name: str) -> str:
    """The device to train on; "auto" takes a GPU where there is one.

    Raises:
        ConfigError: the one asked for is not there.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there[name]:
        raise ConfigError(f"--device {name}: not available here; available: {', '.join(d for d, on in there.items() if on)}")
    return name
