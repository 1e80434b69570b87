"""Which policy finds good recipes soonest? Simulated searches on real learning curves: regret against work.

Each simulated study is one of the sets of `curves/curves.jsonl` (see `record_curves.py`) with a part of its recorded runs drawn
anew. Between recorded recipes a Gaussian process tells what any recipe would have scored after any part of a full run: that is
the truth of the study. What a search sees is this plus the difference of two recorded runs of one recipe on two seeds, drawn for
every recipe. Every policy is the program's own: `Search` with samplers and schedulers, on the simulated engine with two slots,
where time is work, what frozen blocks store is not paid for twice, and stages and looks take their time.

The regret at an amount of work is the best true value of the space minus that of the policy's pick then, as far as the pick has
been trained. Work is in full runs of the default recipe, of both slots together.

Results are kept under benchmarks/results/, under a name that tells the curves and this file, and not made again: delete them where
samplers or schedulers have changed.

    python benchmarks/policies.py           # 240 studies for each policy
    python benchmarks/policies.py --quick   # 24
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.engines.simulated import SimulatedEngine
from luthier.recipes.defaults import default_space
from luthier.recipes.presets import load_presets
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Space
from luthier.recipes.trial import Progress, Trial, TrialState
from luthier.search.budget import LOOK_SHARE, rung_levels
from luthier.search.journal import Event, Journal
from luthier.search.loop import Search
from luthier.search.samplers import (
    AutoSampler,
    DefaultFirst,
    EqualWork,
    RandomSampler,
    Sampler,
)
from luthier.search.samplers.equal_work import with_epochs
from luthier.search.schedulers import AshaScheduler, FullRuns, MedianScheduler, Scheduler, TopKScheduler
from luthier.search.study import Study
from luthier.sharing.work import Shape, pass_work, step_work

HERE = Path(__file__).parent
CURVES = HERE / "curves" / "curves.jsonl"
AMOUNTS = (3.0, 6.0, 12.0)
STUDIES, QUICK = 240, 24
SLOTS, FULL_RUN_SECONDS, STAGE_SHARE = 2, 10.0, 0.03
"""The engine's seconds are arbitrary; a stage takes this share of a full run besides its steps and looks."""
KEPT, PROBES = 0.8, 1024
"""The share of the recorded recipes that a study rests on, and the recipes among which the best is looked for."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EvenShape(Shape):
    """Rows that are all of one length, so that nothing need be counted."""

    def rows(self, recipe: Recipe) -> int:
        """As many as there are."""
        return len(self.lengths)

    def tokens_per_row(self, recipe: Recipe) -> float:
        """The length of each."""
        return float(self.lengths[0])


@dataclass(frozen=True)
class Recording:
    """All that was recorded of one set: recipes, their curves at even parts of a full run, and differences between seeds."""

    name: str
    default: Recipe
    shape: Shape
    steps: int
    validation: int
    recipes: list[Recipe]
    curves: Floats
    differences: Floats

    @classmethod
    def of(cls, lines: Sequence[Mapping[str, Any]]) -> Recording:
        """From the lines of a set."""
        head, runs = lines[0], [line for line in lines[1:] if "failure" not in line]
        default = Recipe.from_table(head["default"])
        shape = EvenShape(np.full(head["rows"], head["tokens"]), head["layers"])
        first = {run["recipe"]: run for run in runs if run["seed"] == 0}
        differences = [np.subtract(run["values"], first[run["recipe"]]["values"]) / np.sqrt(2)
                       for run in runs if run["seed"] and run["recipe"] in first]
        return cls(head["set"], default, shape, round(head["work"] / step_work(default, shape)), head["validation"],
                   [default.replace(**run["changes"]) for run in first.values()],
                   np.array([run["values"] for run in first.values()]), np.array(differences))

    @cached_property
    def space(self) -> Space:
        """The default space there."""
        return default_space(self.default, self.shape.layers, self.shape.rows(self.default))

    @property
    def work(self) -> float:
        """That of a full run."""
        return self.steps * step_work(self.default, self.shape)

    def place(self, recipe: Recipe) -> Floats:
        """Where a recipe lies: one coordinate a dimension, each about between 0 and 1."""
        found = []
        for name, dimension in self.space.dimensions.items():
            low, high = (float(end) for end in (dimension.extremes[-2], dimension.extremes[-1]))
            value = float(getattr(recipe, name))
            if name in ("learning_rate", "head_lr_multiplier", "batch_size", "weight_decay"):
                low, high, value = np.log(low if name != "batch_size" else 8.0), np.log(high), np.log(max(value, low / 3, 1e-9))
            found.append((value - low) / (high - low))
        return np.array([*found, float(recipe.head_init is not self.default.head_init)])

    @cached_property
    def places(self) -> Floats:
        """Of all recorded recipes."""
        return np.array([self.place(recipe) for recipe in self.recipes])

    @cached_property
    def probes(self) -> Floats:
        """Of recipes all over the space."""
        points = np.random.default_rng(0).random((PROBES, len(self.space.axes)))
        return np.array([self.place(self.space.at(point.tolist())) for point in points])

    @cached_property
    def kernel(self) -> Any:
        """How like each other the curves of two recipes are, by where they lie; fitted to all that was recorded."""
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        kernel = ConstantKernel(1.0, (0.1, 10.0)) * Matern([0.7] * self.places.shape[1], (0.15, 20.0), nu=2.5) + WhiteKernel(
            0.1, (0.005, 1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # length scales at their bounds: dimensions that mean nothing here
            return GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(self.places, self.curves).kernel_


@dataclass
class Landscape:
    """The truth of one study, and the noise that its searches see: a pure function of the recording and the number."""

    recording: Recording
    number: int
    best: float = 0.0
    _known: dict[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        recording, random = self.recording, np.random.default_rng(self.number)
        chosen = random.permutation(len(recording.recipes))[:round(KEPT * len(recording.recipes))]
        self._places, curves = recording.places[chosen], recording.curves[chosen]
        self._mean, self._scale, self._most = curves.mean(0), curves.std(0) + 1e-9, curves.max(0)
        covered = recording.kernel(self._places)
        self._weights = np.linalg.solve(covered, (curves - self._mean) / self._scale)
        self.best = float(max(self.curves(np.concatenate([recording.probes, recording.places]))[:, -1]))

    def curves(self, places: Floats) -> Floats:
        """The true curves at places of the space, at even parts of a full run.

        Never above the best that was recorded there: beside recipes that failed, a Gaussian process rises above all that was seen.
        """
        found = self.recording.kernel(places, self._places) @ self._weights * self._scale + self._mean
        return np.clip(found, 0.0, self._most)

    def true(self, recipe: Recipe, step: int) -> float:
        """The value of a recipe after so many steps, over all seeds."""
        if recipe.hash not in self._known:
            self._known[recipe.hash] = self.curves(self.recording.place(recipe)[None])[0]
        return self._at(self._known[recipe.hash], recipe, step)

    def seen(self, trial: Trial, step: int) -> float:
        """The value that a search sees."""
        random = np.random.default_rng([self.number, trial.seed, int(trial.recipe.hash, 16)])
        noise = self.recording.differences[random.integers(len(self.recording.differences))] * random.choice((-1.0, 1.0))
        return self.true(trial.recipe, step) + self._at(noise, trial.recipe, step)

    def _at(self, curve: Floats, recipe: Recipe, step: int) -> float:
        parts = np.arange(1, len(curve) + 1) / len(curve)
        return float(np.interp(step / recipe.total_steps(self.recording.shape.rows(recipe)), parts, curve))


@dataclass
class Picks:
    """A watcher that notes what a search would have delivered at each amount of work."""

    landscape: Landscape
    clock: Callable[[], float]
    left: list[float]
    regrets: list[float] = field(default_factory=list)
    trials: list[int] = field(default_factory=list)
    _points: int = 0
    _regret: float = float("nan")

    def say(self, line: str) -> None:
        """Nobody listens."""

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Look at the pick again where there is something new."""
        while self.left and self.clock() > self.left[0] + 1e-9:
            self.left.pop(0)
            self.regrets.append(self._regret)
            self.trials.append(len(study.records))
        points = sum(len(record.points) for record in study.records.values())
        if points > self._points:
            self._points = points
            lead = next(record for record in study.ranked() if record.state is not TrialState.STOPPED)
            self._regret = self.landscape.best - self.landscape.true(lead.trial.recipe, lead.step)


class NoJournal(Journal):
    """Nothing is read again, so nothing is written."""

    def __init__(self) -> None: ...

    def append(self, event: Event) -> None:
        """Nothing."""


def policies(recording: Recording, seed: int) -> dict[str, tuple[Scheduler, Sampler]]:
    """Every policy by its name."""
    space = recording.space
    presets = load_presets(recording.default, recording.shape.layers)
    random = RandomSampler(space, seed)
    found: dict[str, tuple[Scheduler, Sampler]] = {
        "random": (FullRuns(), random),
        "top-k": (TopKScheduler(), random),
        "median": (MedianScheduler(), random),
        "asha": (AshaScheduler(), random),
        "auto": (AshaScheduler.generous(), AutoSampler(space, seed, presets, first=1)),
    }
    return {name: (scheduler, EqualWork(DefaultFirst(recording.default, sampler), recording.shape, recording.work))
            for name, (scheduler, sampler) in found.items()}


def simulate(landscape: Landscape, scheduler: Scheduler, sampler: Sampler, amounts: Sequence[float]) -> Picks:
    """One search of one study."""
    recording = landscape.recording
    shape, default = recording.shape, with_epochs(recording.default, recording.shape, recording.work)
    looks = min(recording.validation, int(LOOK_SHARE * recording.work / pass_work(1, default, shape)))
    engine = SimulatedEngine(landscape.seen, shape, "value", slots=SLOTS, speed=recording.work / FULL_RUN_SECONDS,
                             stage_seconds=STAGE_SHARE * FULL_RUN_SECONDS, look_rows=looks)
    study = Study(landscape.number, "value", shape, rung_levels(recording.steps, step_work(default, shape)))
    ends = [amount * FULL_RUN_SECONDS / SLOTS for amount in amounts]
    picks = Picks(landscape, engine.now, ends)
    with tempfile.TemporaryDirectory() as folder:
        search = Search(study, NoJournal(), engine, Path(folder), picks, lambda: False,
                        fallback=EqualWork(RandomSampler(recording.space, landscape.number), shape, recording.work))
        search.run(scheduler, sampler, deadline=ends[-1] + 0.01)
        engine.clock += 1.0
        picks.update(study, {})
    return picks


@cache
def read_recordings(file: Path) -> list[Recording]:
    """The sets of a file of curves."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for text in file.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        lines[line["set"]].append(line)
    return [Recording.of(found) for found in lines.values()]


def study(number: int, names: Collection[str], file: Path, amounts: Sequence[float]) -> list[dict[str, Any]]:
    """One simulated study: what each of these policies made of it."""
    recordings = read_recordings(file)
    recording = recordings[number % len(recordings)]
    landscape, found = Landscape(recording, number), []
    for name, (scheduler, sampler) in policies(recording, number).items():
        if name in names:
            picks = simulate(landscape, scheduler, sampler, amounts)
            found.append({"study": number, "set": recording.name, "policy": name, "regrets": picks.regrets, "trials": picks.trials})
    return found


class Kept:
    """The results of studies, in a file whose name tells what they rest on."""

    def __init__(self, folder: Path, curves: Path, amounts: Sequence[float]) -> None:
        rests_on = b"".join([curves.read_bytes(), json.dumps(list(amounts)).encode(), Path(__file__).read_bytes()])
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / f"policies-{hashlib.blake2b(rests_on, digest_size=6).hexdigest()}.jsonl"
        texts = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        self.lines = {(line["study"], line["policy"]): line for line in map(json.loads, texts)}

    def add(self, lines: Iterable[dict[str, Any]]) -> None:
        """Keep the results of one study."""
        with self.file.open("a", encoding="utf-8") as stream:
            for line in lines:
                stream.write(json.dumps(line) + "\n")
                self.lines[line["study"], line["policy"]] = line


def main() -> None:
    """Simulate what has not been simulated, print the tables and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} studies")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--only", nargs="+", help="policies, by their names")
    parser.add_argument("--amounts", nargs="+", type=float, default=list(AMOUNTS), help="of work, in full runs, ascending")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no study after that")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--curves", type=Path, default=CURVES)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    if not asked.curves.exists():
        sys.exit(f"There are no recorded curves ({asked.curves}); record_curves.py makes them.")
    began, numbers = time.monotonic(), range(QUICK if asked.quick else asked.studies)
    kept = Kept(asked.results, asked.curves, asked.amounts)
    names = asked.only or list(policies(read_recordings(asked.curves)[0], 0))
    missing = {number: [name for name in names if (number, name) not in kept.lines] for number in numbers}
    with ProcessPoolExecutor(asked.processes, get_context("spawn")) as pool:
        for some in batched([(number, left) for number, left in missing.items() if left], asked.processes):
            if time.monotonic() - began < 60 * asked.minutes:
                for future in [pool.submit(study, *item, asked.curves, asked.amounts) for item in some]:
                    kept.add(future.result())
    show(kept, [number for number in numbers if all((number, name) in kept.lines for name in names)], names, asked.amounts)


def batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """So many at a time."""
    return (items[start:start + size] for start in range(0, len(items), size))


def show(kept: Kept, numbers: Sequence[int], names: Sequence[str], amounts: Sequence[float]) -> None:
    """The tables of these studies, and the last line."""
    sets = [kept.lines[number, names[0]]["set"] for number in numbers]
    print(f"{len(numbers)} studies of {len(set(sets))} sets")
    table = {name: summary(np.array([kept.lines[number, name]["regrets"] for number in numbers]), sets) for name in names}
    for title in ("median", "90 %", "worst", *sorted(set(sets))):
        print(f"\n{'Regret × 100, ' + title:<36}" + "".join(f"{amount:>8g}" for amount in amounts))
        for name, figures in table.items():
            print(f"{name:<36}" + "".join(f"{100 * value:>8.2f}" for value in figures[title]))
    trials = {name: float(np.median([kept.lines[number, name]["trials"][-1] for number in numbers])) for name in names}
    print(json.dumps({name: figures | {"studies": len(numbers), "trials": trials[name]} for name, figures in table.items()}))


def summary(regrets: Floats, sets: Sequence[str]) -> dict[str, list[float]]:
    """Over all studies: the median, the 90th percentile and the worst; and the median on each set."""
    names = np.array(sets)
    found: dict[str, Callable[[], Floats]] = {
        "median": lambda: np.median(regrets, 0), "90 %": lambda: np.quantile(regrets, 0.9, axis=0), "worst": lambda: regrets.max(0)}
    return {name: np.round(figures(), 5).tolist() for name, figures in found.items()} | {
        name: np.round(np.median(regrets[names == name], 0), 5).tolist() for name in dict.fromkeys(sets)}


if __name__ == "__main__":
    main()
