"""How many workers a GPU is best shared by: a few real steps by 1, 2 and 4 at once, and the fastest is kept.

One worker leaves a GPU idle while it prepares batches and starts kernels; too many wait for one another, or do not fit.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from luthier.api.bases import write_bases
from luthier.api.prepare import Prepared
from luthier.engines.execute import Setup
from luthier.engines.local import LocalEngine, Workforce
from luthier.recipes.recipe import HeadInit
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Finished, Lost, Stage, Trial
from luthier.training.precision import Precision

CANDIDATES = (1, 2, 4)
WARM_UP_STEPS, TIMED_STEPS = 10, 60


def fastest_workers(prepared: Prepared, device: str, precision: Precision, cores: int,
                    candidates: tuple[int, ...] = CANDIDATES) -> tuple[Workforce, dict[int, float]]:
    """The number of workers that train most rows a second together, and these rows by the numbers that were tried.

    More workers than fit are not tried further; the first candidate is taken where none works, and then no rows are known.
    """
    speeds: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(bases=write_bases(prepared, Path(folder)), task=prepared.asked.task, rung_rows=np.arange(1),
                      cache=Path(folder), device=device, precision=precision)
        for workers in candidates:
            speed = _together(setup, Workforce(workers, max(1, cores // workers)), prepared)
            if speed is None:
                break
            speeds[workers] = speed
    best = max(speeds, key=lambda workers: speeds[workers], default=candidates[0])
    return Workforce(best, max(1, cores // best)), speeds


def _together(setup: Setup, force: Workforce, prepared: Prepared) -> float | None:
    """Rows a second of so many workers at once, after their first steps; None where one of them fails."""
    recipe, total = prepared.default.replace(head_init=HeadInit.RANDOM), 0.0
    engine = LocalEngine(setup, force)
    try:
        for steps in (WARM_UP_STEPS, TIMED_STEPS):
            for number in range(force.workers):
                trial = Trial(number, recipe, number, "measured", Seeds.all(number))
                engine.submit(Stage(trial, start=0, until=steps, total_steps=steps))
            total, ended = 0.0, 0
            while ended < force.workers:
                for event in engine.events(1.0):
                    if isinstance(event, Lost) or (isinstance(event, Finished) and event.result.failure):
                        return None
                    if isinstance(event, Finished):
                        total, ended = total + event.result.costs.rows_per_second, ended + 1
    finally:
        engine.close()
    return total
