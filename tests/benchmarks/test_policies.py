"""`benchmarks/policies.py` and `benchmarks/portfolio.py` on made-up curves whose truth is known."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from luthier.recipes.defaults import default_recipe, default_space
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Trial
from luthier.search.samplers import QuasiRandomSampler
from luthier.search.samplers.equal_work import with_epochs
from luthier.sharing.work import Shape, step_work

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROWS, STEPS, POINTS = 600, 270, 9


def plateau(recipe: Recipe) -> float:
    """Made up: best at three times the default's rate, a little better with fewer frozen blocks."""
    return 0.9 - 0.08 * math.log(recipe.learning_rate / 3e-4) ** 2 - 0.02 * float(recipe.frozen_layers)


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of 60 recorded recipes, some on two seeds that differ by 0.02."""
    default = default_recipe(ROWS, 3, 22_000_000, 64)
    shape = Shape(np.full(ROWS, 20), 6)
    cover = QuasiRandomSampler(default_space(default, 6, ROWS), 0)
    work = STEPS * step_work(default, shape)
    lines: list[dict[str, Any]] = []
    for name in ("one", "two"):
        lines.append({"set": name, "rows": ROWS, "tokens": 20.0, "layers": 6, "validation": 300, "metric": "macro_f1",
                      "work": work, "default": default.to_table()})
        for number in range(60):
            recipe = with_epochs(cover.suggest([], number).recipe if number else default, shape, work)
            for seed in range(2 if number % 8 == 0 else 1):
                changes = {key: value for key, value in recipe.to_table().items() if default.to_table().get(key) != value}
                values = [plateau(recipe) * (1 - 0.5 ** (part + 1)) + 0.02 * seed for part in range(POINTS)]
                lines.append({"set": name, "what": f"point {number}" if number else "default", "recipe": recipe.hash,
                              "changes": changes, "seed": seed, "steps": list(range(POINTS)), "values": values})
    file = tmp_path_factory.mktemp("curves") / "curves.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("policies")


def test_the_truth_of_a_study_is_that_of_the_recorded_curves(bench: ModuleType, curves: Path) -> None:
    recording, _ = bench.read_recordings(curves)
    assert (len(recording.recipes), len(recording.differences), recording.steps) == (60, 8, STEPS)
    landscape = bench.Landscape(recording, 3)
    cover = QuasiRandomSampler(recording.space, 5)
    others = [with_epochs(cover.suggest([], n).recipe, recording.shape, recording.work) for n in range(40)]
    ends = [landscape.true(recipe, recipe.total_steps(ROWS)) for recipe in others]
    assert np.corrcoef(ends, [plateau(recipe) for recipe in others])[0, 1] > 0.9
    assert landscape.best == pytest.approx(0.9, abs=0.03)
    early = [landscape.true(recipe, recipe.total_steps(ROWS) // 9) for recipe in others]
    assert np.mean(early) == pytest.approx(np.mean(ends) / 2, rel=0.1)


def test_what_is_seen_differs_from_the_truth_by_a_difference_between_seeds(bench: ModuleType, curves: Path) -> None:
    recording = bench.read_recordings(curves)[0]
    landscape, again = bench.Landscape(recording, 3), bench.Landscape(recording, 3)
    for number, recipe in enumerate(recording.recipes[:10]):
        trial, end = Trial(number, recipe, 3, "made up", Seeds.all(3)), recipe.total_steps(ROWS)
        noise = landscape.seen(trial, end) - landscape.true(recipe, end)
        assert abs(noise) == pytest.approx(0.02 / math.sqrt(2))
        assert again.seen(trial, end) == landscape.seen(trial, end)


def test_every_policy_gets_nearer_to_the_best_with_more_work(bench: ModuleType, curves: Path) -> None:
    recording = bench.read_recordings(curves)[0]
    for name in bench.policies(recording, 0):
        found = []
        for number in range(4):
            scheduler, sampler = bench.policies(recording, number)[name]
            picks = bench.simulate(bench.Landscape(recording, number), scheduler, sampler, (2.5, 12.0))
            assert len(picks.regrets) == 2 and picks.trials[0] < picks.trials[1]
            found.append(picks.regrets)
        first, last = np.mean(found, 0)
        assert -0.01 < last < first, name


def _told(curves: Path, results: Path, *options: str) -> list[str]:
    done = subprocess.run([sys.executable, BENCHMARKS / "policies.py", "--only", "random", "top-k", "--processes", "1", "--curves",
                           curves, "--results", results, *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_figures_are_printed_with_a_last_line_of_json_and_are_the_same_each_time(curves: Path, tmp_path: Path) -> None:
    told = [_told(curves, tmp_path / folder, "--studies", "4") for folder in ("one", "two")]
    assert told[0] == told[1]
    found = json.loads(told[0][-1])
    assert set(found) == {"random", "top-k"} and found["random"]["studies"] == 4
    assert {"median", "90 %", "worst", "one", "two", "trials"} <= set(found["random"])
    assert told[0][0] == "4 studies of 2 sets" and "Regret × 100, median" in "\n".join(told[0])


def test_results_are_kept_and_not_made_again(curves: Path, tmp_path: Path) -> None:
    _told(curves, tmp_path, "--studies", "2")
    (file,) = tmp_path.iterdir()
    lines = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["study"], line["policy"]) for line in lines] == [(n, name) for n in range(2) for name in ("random", "top-k")]
    changed = [line | {"regrets": [0.5] * 3} for line in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in changed), encoding="utf-8")
    assert json.loads(_told(curves, tmp_path, "--studies", "2")[-1])["random"]["median"] == [0.5] * 3
    assert _told(curves, tmp_path, "--studies", "4", "--minutes", "0")[0] == "2 studies of 2 sets"


def test_a_portfolio_is_picked_greedily_and_judged_where_it_was_not_picked(
        curves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    portfolio = importlib.import_module("portfolio")
    values = {"one": {"default": 0.5, "a": 0.9, "b": 0.5, "c": 0.7}, "two": {"default": 0.5, "a": 0.4, "b": 0.8, "c": 0.7}}
    assert portfolio.regret(values, ["one", "two"], []) == pytest.approx((0.4 + 0.3) / 2)
    assert portfolio.greedy(values, ["one", "two"], ["a", "b", "c"], 2) == ["a", "b"]
    assert portfolio.greedy(values, ["two"], ["a", "b", "c"], 1) == ["b"]
    done = subprocess.run([sys.executable, BENCHMARKS / "portfolio.py", "--curves", curves, "--size", "2"],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    found = json.loads(done[-1])
    assert len(found["picked"]) == 2
    assert found["regret"]["picked here too"] <= found["regret"]["picked elsewhere"] + 1e-9 <= found["regret"]["random"]


def test_the_presets_are_what_was_picked_but_for_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.recipes.presets import load_presets
    from luthier.recipes.recipe import Recipe

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    portfolio = importlib.import_module("portfolio")
    values, changes = portfolio.read_values(portfolio.CURVES)
    shared = sorted(set.intersection(*map(set, values.values())) - {"default"})
    assert list(portfolio.PRESETS.values()) == portfolio.greedy(values, sorted(values), shared, len(portfolio.PRESETS))
    presets = {preset.name: preset.recipe for preset in load_presets(Recipe(head_lr_multiplier=3.0), 6)}
    assert list(presets) == list(portfolio.PRESETS)
    for name, what in portfolio.PRESETS.items():
        for changed, value in changes[what].items():
            if changed not in ("epochs", "warmup_steps"):  # set anew by how long a run is
                assert getattr(presets[name], changed) == pytest.approx(value, rel=0.05, abs=0.005), (name, changed)
