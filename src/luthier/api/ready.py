"""All that is decided before the first trial: the model loaded, this machine measured, the time shared out."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from luthier.api.baselines import FittedControl, fit_controls
from luthier.api.concurrency import CANDIDATES, fastest_workers
from luthier.api.describe import data_lines, disk_line, plan_lines, wide_line
from luthier.api.earlier import Begun, Earlier, check_more
from luthier.api.folder import RunFolder
from luthier.api.measure import Measured, measure
from luthier.api.observer import Observer
from luthier.api.prepare import Asked, Prepared, prepare
from luthier.api.settings import FEW_ROWS, Command, PrecisionName, SamplerName, SchedulerName, Settings
from luthier.api.stored import stored_blocks
from luthier.data.places import count
from luthier.engines.local import Workforce, cores, plan_workers, wait_for_loading
from luthier.errors import ConfigError
from luthier.recipes.presets import Preset, load_presets
from luthier.recipes.recipe import Schedule
from luthier.search.budget import Job, Plan, Speed, check_time, parse_duration, plan_budget, prolonged
from luthier.search.few_rows import is_wide
from luthier.search.loop import KEPT_CHECKPOINTS
from luthier.sharing.plan import NOTHING, Sharing, pays
from luthier.sharing.quota import DEFAULT_BYTES, Quota, parse_size, size
from luthier.sharing.work import step_work, work_of
from luthier.training.precision import Precision, fastest

DEFAULT_BUDGET = "15m"
MOST_MINUTES = 7 * 24 * 60
"""A budget that nobody is told to give."""


@dataclass(frozen=True)
class Ready:
    """All that is decided before the first trial. `kept` is how many checkpoints of the default recipe may be kept at once.

    `started` is when the command began, on the monotonic clock; of a run that is gone on with (`earlier`), when it would have
    begun had it not been ended.
    """

    command: Command
    prepared: Prepared
    measured: Measured
    controls: list[FittedControl]
    plan: Plan
    sharing: Sharing
    quota: Quota
    kept: int
    force: Workforce
    device: str
    started: float
    budget: float | None
    trials: int | None
    earlier: Earlier | None = None

    def at(self, seconds: float | None) -> float | None:
        """So many seconds after the command began, on the monotonic clock; None for no limit."""
        return None if seconds is None else self.started + seconds


def get_ready(command: Command, asked: Asked, observer: Observer, started: float, earlier: Earlier | None = None) -> Ready:
    """Load the model, measure this machine, and share the time out; of a run that has begun, as it was then.

    Args:
        earlier: the run that is gone on with.

    Raises:
        UsageError: the model cannot be used, or the budget is too small.
    """
    settings, begun = asked.settings, earlier.begun if earlier else None
    started -= earlier.seconds if earlier else 0.0
    device = find_device(begun.device if begun else settings.device.value)
    prepared = prepare(asked)
    if command is Command.TRAIN and "schedule" not in settings.fixed:  # nothing is compared, so the horizon is known
        prepared = replace(prepared, default=prepared.default.replace(schedule=Schedule.WARMUP_STABLE_DECAY))
    trials = find_trials(prepared) if command is Command.TUNE else 1
    for line in data_lines(prepared):
        observer.say(line)
    budget = _budget(command, settings.budget, trials)
    if earlier and begun:
        check_more(earlier, begun, budget, trials)
    force, measured = _measured(prepared, device, trials, observer, begun)
    controls = fit_controls(prepared, measured)
    for control in controls:
        observer.say(f"  {control.title}: {asked.task.metric_title} {control.validation:.3f} on the validation rows")
    quota = begun.quota if begun else find_quota(
        settings, measured.checkpoint * (1 if command is Command.TRAIN else 2 * KEPT_CHECKPOINTS))
    kept = quota.checkpoints // measured.checkpoint if settings.sharing else 0
    job = _job(command, prepared, force, trials, kept)
    if earlier and begun:
        started = time.monotonic() - earlier.seconds  # what is made ready once more is not counted
    elapsed = time.monotonic() - started
    plan = _plan(budget, trials, elapsed, job, measured.speed, earlier, begun)
    check_room(settings, sum(4 * parameter.numel() for parameter in measured.frozen.model.parameters()), 1 + plan.challengers,
               earlier.folder if earlier else None)
    prepared = replace(prepared, rung_rows=np.sort(prepared.rung_rows[:plan.rung_rows]))
    default, rows = prepared.default, prepared.shape.rows(prepared.default)
    steps = round(plan.work / step_work(default, prepared.shape))
    trunk = begun.trunk if begun else settings.trunk
    stored = trunk if trunk is not None else pays(steps, default.batch_size, rows)
    sharing = Sharing(trunk=stored) if settings.sharing else NOTHING
    blocks = stored_blocks(default, prepared, measured, sharing, quota)
    plan = replace(plan, full_run_seconds=work_of(steps, default, prepared.shape, blocks) / measured.speed.training)
    ready = Ready(command, prepared, measured, controls, plan, sharing, quota, kept, force, device, started, budget, trials,
                  earlier)
    if command is Command.TUNE and not (asked.corpus.test_given or asked.corpus.folds) and is_wide(job.test_rows):
        observer.say(wide_line(job.test_rows))
    enough = _enough(budget, elapsed, job, measured.speed) if budget and not begun else None
    for line in plan_lines(prepared, plan, force, device, measured.precision, budget, trials, command is Command.TUNE, enough):
        observer.say(line)
    if settings.sharing and (settings.disk is not None or kept < 1 + plan.challengers):
        observer.say(disk_line(quota, measured.checkpoint, kept))
    return ready


def _measured(prepared: Prepared, device: str, trials: int | None, observer: Observer,
              begun: Begun | None) -> tuple[Workforce, Measured]:
    """The workers of this machine and what they can do, measured now; of a run that has begun, as it was then."""
    settings = prepared.asked.settings
    force = begun.force if begun else _workforce(settings, trials, device)
    observer.say("Fitting what fine-tuning must beat …" if begun else "Measuring this machine, and what fine-tuning must beat …")
    wait_for_loading()
    precision = begun.precision if begun else find_precision(settings.precision, device)
    company = None
    most = math.inf if trials is None else trials * settings.repeats
    if not begun and device.startswith("cuda") and settings.workers is None and most > 1:
        force, speeds = fastest_workers(prepared, device, precision, cores(), tuple(one for one in CANDIDATES if one <= most))
        force = replace(force, threads=settings.threads or force.threads)
        company = speeds[force.workers] / force.workers / speeds[1] if speeds else None
        observer.say("  Rows a second: "
                     + ", ".join(f"{speed:.0f} with {count(workers, 'worker')}" for workers, speed in speeds.items()))
    measured = measure(prepared, force, device, precision, begun.speed if begun else None, company)
    if measured.precision is not precision:
        observer.say(f"  Computing in {measured.precision.value}: a model of this study does not bear {precision.value}.")
    for name in measured.padded:
        observer.say(f"  {name}: its attention cannot be told where packed rows begin, so its rows are padded, which is slower.")
    return force, measured


def _workforce(settings: Settings, trials: int | None, device: str) -> Workforce:
    force = plan_workers(settings.workers, trials and trials * settings.repeats, device)
    return Workforce(force.workers, settings.threads or force.threads)


def _job(command: Command, prepared: Prepared, force: Workforce, trials: int | None, kept: int) -> Job:
    """What has to be done besides searching."""
    settings, test_rows = prepared.asked.settings, len(prepared.splits["test"])
    return Job(
        prepared.default, prepared.shape, force.workers, len(prepared.splits["validation"]), len(prepared.rung_rows), test_rows,
        repeats=settings.repeats, fewest_rung_rows=prepared.fewest_rung_rows, kept_checkpoints=kept,
        whole_runs=settings.scheduler is SchedulerName.NONE,
        recorded_rows=test_rows if settings.record_test else 0, trials=math.inf if trials is None else trials * settings.repeats,
        refit=refits(command, prepared), folds=len(prepared.asked.corpus.folds))


def _plan(budget: float | None, trials: int | None, elapsed: float, job: Job, speed: Speed, earlier: Earlier | None,
          begun: Begun | None) -> Plan:
    """How the time is shared out; of a run that has begun as it was then, but for its end and its finals where it has more.

    Raises:
        ConfigError: the budget is too small.
    """
    if earlier is None or begun is None:
        return plan_budget(budget, elapsed, job, speed)
    rest = replace(job, kept_checkpoints=0) if earlier.finished else job  # they were deleted when it was finished
    same = (budget, trials) == (begun.budget, begun.trials)
    plan = begun.plan if same else prolonged(begun.plan, budget, elapsed, rest, speed)
    if earlier.finished:
        check_time(plan, budget, elapsed)
    return plan


def _enough(budget: float, elapsed: float, job: Job, speed: Speed) -> float | None:
    """The least budget, in whole minutes, with which a search trains the default recipe for all of its epochs; None if none does.

    By the speed that was measured; found by doubling and halving.
    """
    whole = plan_budget(None, elapsed, job, speed).work

    def affords(minutes: int) -> bool:
        return plan_budget(60.0 * minutes, elapsed, job, speed).work >= whole

    low, high = int(budget // 60), max(1, math.ceil(budget / 60))
    while not affords(high):
        low, high = high, 2 * high
        if high > MOST_MINUTES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if affords(middle) else (middle, high)
    return 60.0 * high


def refits(command: Command, prepared: Prepared) -> bool:
    """Whether what is delivered is trained once more on all rows but the test rows."""
    asked = prepared.asked
    if asked.settings.refit is not None:
        return asked.settings.refit
    return command is Command.TUNE and len(prepared.splits["train"]) < FEW_ROWS and not asked.corpus.validation_given


def _budget(command: Command, asked: str | None, trials: int | None) -> float | None:
    """Seconds; without --budget and --trials a search takes the default, and training as long as it takes."""
    if asked is not None:
        return parse_duration(asked)
    return parse_duration(DEFAULT_BUDGET) if command is Command.TUNE and trials is None else None


def find_trials(prepared: Prepared) -> int | None:
    """The most recipes of a search: those asked for, and of a grid no more than its cells.

    Raises:
        ConfigError: there is nothing to search, or a dimension of a grid has no finite set of values.
    """
    settings, space = prepared.asked.settings, prepared.space
    if not space.dimensions:
        raise ConfigError("every hyperparameter of the space is held by --set, so there is nothing to search; use luthier train")
    if settings.sampler is not SamplerName.GRID:
        return settings.trials
    cells = sum(1 for _ in space.cells())
    return min(settings.trials or cells, cells)


def find_presets(prepared: Prepared) -> tuple[Preset, ...]:
    """The presets that a search begins with; none where the space or the sampler is of a person's own choice."""
    settings, models = prepared.asked.settings, prepared.asked.models.values()
    if settings.search or settings.sampler is not SamplerName.AUTO:
        return ()
    whole = {"layer_decay", "frozen_layers"} if any(model.shares_layers for model in models) else set()
    return load_presets(prepared.space.base, None if len(models) > 1 else prepared.shape.layers, held=whole.union(settings.fixed))


def find_quota(settings: Settings, checkpoints: int) -> Quota:
    """What may be kept on disk: what was asked for, else the usual or what `checkpoints` bytes of them need.

    Unless it was asked for, it is never more than half of what is free where the run's folder will be.
    """
    if settings.disk is not None:
        return Quota(parse_size(settings.disk))
    return Quota(min(max(DEFAULT_BYTES, 2 * checkpoints), free_bytes(settings) // 2))


def free_bytes(settings: Settings) -> int:
    """What is free on the disk where the run's folder will be."""
    path = Path(settings.output or "runs").absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(there).free


def check_room(settings: Settings, model: int, finals: int, begun: RunFolder | None = None) -> None:
    """See that the models of the finals, of so many bytes each, and the delivered one fit on the disk.

    Args:
        begun: the folder of a run that is gone on with, which may have some of them.

    Raises:
        ConfigError: they do not.
    """
    there = len(list(begun.checkpoints.glob("model-*/model.safetensors"))) if begun else 0
    need, free = model * max(1, finals + 1 - there), free_bytes(settings)
    if need > free:
        what = "free some space" if begun else "free some space, or give a folder on another disk"
        raise ConfigError(f"--output: the disk has {size(free)} free, and the finished models of this run take {size(need)}; "
                          f"{what}")


def find_precision(name: PrecisionName, device: str) -> Precision:
    """What models compute in; "auto" is decided by a measurement."""
    return fastest(device) if name is PrecisionName.AUTO else Precision(name.value)


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
