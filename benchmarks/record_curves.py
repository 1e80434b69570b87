"""Records learning curves of real runs, for `policies.py` to replay: what each recipe came to after every ninth of a full run.

On each of a few data sets, cut to few training rows: the default recipe and the presets, points that cover the default space
evenly, twins of some of these that differ in nothing but the depth of freezing, and some of them on a second seed. Every run
gets the same work (see `luthier.sharing.work`), and is scored on the same validation rows. Runs that are in the file are not
made again.

    python benchmarks/record_curves.py                # four sets, an hour or two of one core
    python benchmarks/record_curves.py --minutes 25   # begin no run after that; the next call goes on

Each line of the file is a JSON object: a set (its rows, tokens and default recipe), or a run (what its recipe changes of the
default, its seed, the steps and the headline metric there).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.api.bases import write_bases
from luthier.api.prepare import Prepared, check, prepare
from luthier.api.ready import find_precision
from luthier.api.settings import PrecisionName, Settings
from luthier.engines.execute import Setup
from luthier.engines.local import LocalEngine, Workforce, wait_for_loading
from luthier.recipes.presets import load_presets
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Finished, Lost, Stage, StageResult, Trial
from luthier.search.samplers import QuasiRandomSampler
from luthier.search.samplers.equal_work import with_epochs
from luthier.sharing import plan
from luthier.sharing.work import step_work

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
CURVES = HERE / "curves" / "curves.jsonl"
SETS = {"nlupp": (1000, 120), "vader_3class": (600, 90), "snips_intents": (600, 90), "banking77": (1000, 120)}
"""Training rows of each, and the steps of the default recipe's full run."""
VALIDATION_ROWS = 300
COVER, POINTS = 32, 9
FEW_AT_ONCE = 10
"""Runs of one set before the next set has its turn, so that a file that is cut short holds as much of each."""


@dataclass(frozen=True)
class Wanted:
    """One run; `what` says what its recipe is."""

    what: str
    recipe: Recipe
    seed: int = 0


def wanted(prepared: Prepared, work: float) -> list[Wanted]:
    """The runs of a set, each at the same work; a file that is cut short holds the first of them."""
    layers, shape, default = prepared.shape.layers, prepared.shape, prepared.default
    found = [Wanted("default", default),
             *(Wanted(f"preset {preset.name}", preset.recipe) for preset in load_presets(default, layers)),
             *twins("default", default, layers), Wanted("default", default, 1), Wanted("default", deepest(default, layers), 1)]
    cover = QuasiRandomSampler(prepared.space, 0)
    for number in range(COVER):
        what, recipe = f"point {number}", cover.suggest([], number).recipe
        found.append(Wanted(what, recipe))
        if number % 2 == 0:
            found += [twin for twin in twins(what, recipe, layers)
                      if number % 8 == 0 or twin.recipe.frozen_layers == layers - 1]
        if number % 4 == 0:
            found.append(Wanted(what, recipe, 1))
    return [Wanted(run.what, with_epochs(run.recipe, shape, work), run.seed) for run in found]


def twins(what: str, recipe: Recipe, layers: int) -> Iterator[Wanted]:
    """The recipe at other depths of freezing: none, half, all but one, all."""
    for depth in sorted({0, layers // 2, layers - 1, layers}):
        if depth != recipe.frozen_layers:
            yield Wanted(f"{what}, {depth} frozen", recipe.replace(frozen_layers=depth))


def deepest(recipe: Recipe, layers: int) -> Recipe:
    """The recipe with all blocks frozen but one."""
    return recipe.replace(frozen_layers=layers - 1)


class Recorder:
    """Makes runs of one set in worker processes, each of `steps` or what is the same work, and appends them to a file."""

    def __init__(self, name: str, settings: Settings, steps: int, file: Path, until: float, folder: Path) -> None:
        self.name, self.file, self.until, self.folder = name, file, until, folder / name
        self.prepared = prepare(check(settings, settings.given))
        default, shape = self.prepared.default, self.prepared.shape
        self.work = steps * step_work(default, shape)
        self.runs = wanted(self.prepared, self.work)
        self.setup = Setup(bases=write_bases(self.prepared, self.folder), task=self.prepared.asked.task,
                           rung_rows=self.prepared.rung_rows, cache=self.folder, device="cpu",
                           precision=find_precision(PrecisionName.AUTO, "cpu"))
        if not any("rows" in line for line in lines_of(file, name)):
            self._write({"rows": shape.rows(default), "tokens": shape.tokens_per_row(default), "layers": shape.layers,
                         "validation": len(self.prepared.rung_rows), "metric": self.setup.task.metric, "work": self.work,
                         "default": default.to_table()})

    def go_on(self, most: int) -> int:
        """Make so many of the runs that are missing; answers how many are still missing."""
        known = {(line["recipe"], line["seed"]) for line in lines_of(self.file, self.name) if "recipe" in line}
        missing = [run for run in self.runs if (run.recipe.hash, run.seed) not in known]
        if missing and time.monotonic() < self.until:
            engine = LocalEngine(self.setup, Workforce(2, 1))
            try:
                self._make(missing[:most], engine)
            finally:
                engine.close()
        return max(0, len(missing) - most)

    def _make(self, runs: list[Wanted], engine: LocalEngine) -> None:
        left, under_way = list(enumerate(runs)), {}
        while left or under_way:
            while left and len(under_way) < engine.slots and time.monotonic() < self.until:
                number, run = left.pop(0)
                engine.submit(self._stage(number, run))
                under_way[number] = run, time.monotonic()
            if not under_way:
                return
            for event in engine.events(1.0):
                if isinstance(event, Lost):
                    sys.exit(f"{self.name}: {event.reason}")
                if isinstance(event, Finished):
                    run, began = under_way.pop(event.result.trial)
                    self._keep(run, event.result, time.monotonic() - began)

    def _stage(self, number: int, run: Wanted) -> Stage:
        shape = self.prepared.shape
        steps = run.recipe.total_steps(shape.rows(run.recipe))
        return plan.stage(Trial(number, run.recipe, run.seed, run.what, Seeds.all(run.seed)), steps, rows=shape.rows(run.recipe),
                          reached=0, checkpoints={}, folder=self.folder, layers=shape.layers,
                          sharing=plan.Sharing(checkpoints=False), evaluate_at=tuple(
                              round(steps * part / POINTS) for part in range(1, POINTS)))

    def _keep(self, run: Wanted, result: StageResult, wall: float) -> None:
        default = self.prepared.default.to_table()
        changes = {name: value for name, value in run.recipe.to_table().items() if default.get(name) != value}
        self._write({"what": run.what, "recipe": run.recipe.hash, "changes": changes, "seed": run.seed,
                     "steps": [point.step for point in result.points],
                     "values": [round(point.metrics[self.setup.task.metric], 4) for point in result.points],
                     "seconds": round(result.costs.seconds, 1), "wall": round(wall, 1),
                     **({"failure": result.failure} if result.failure else {})})
        print(f"{self.name}: {run.what}, seed {run.seed}, {wall:.0f} s", flush=True)

    def _write(self, line: dict[str, Any]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"set": self.name, **line}) + "\n")


def settings_of(name: str, shared: Path) -> Settings:
    """How a set is read: few of its training rows, and at most so many validation rows."""
    return Settings(data=str(shared / "data" / name), max_train_rows=SETS[name][0], rung_rows=VALIDATION_ROWS)


def lines_of(file: Path, name: str) -> list[dict[str, Any]]:
    """What the file holds of a set."""
    if not file.exists():
        return []
    return [line for text in file.read_text(encoding="utf-8").splitlines() if (line := json.loads(text))["set"] == name]


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder that holds data/")
    parser.add_argument("--file", type=Path, default=CURVES)
    asked = parser.parse_args()
    if not (asked.shared / "data").exists():
        sys.exit(f"The public data sets are not here ({asked.shared}).")
    until = time.monotonic() + 60 * asked.minutes
    wait_for_loading()
    with tempfile.TemporaryDirectory() as folder:
        recorders = [Recorder(name, settings_of(name, asked.shared), SETS[name][1], asked.file, until, Path(folder))
                     for name in asked.sets]
        while recorders and time.monotonic() < until:
            recorders = [recorder for recorder in recorders if recorder.go_on(FEW_AT_ONCE)]
    print(json.dumps({name: len(lines_of(asked.file, name)) - 1 for name in asked.sets}))


if __name__ == "__main__":
    main()
