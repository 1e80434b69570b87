"""`benchmarks/honesty.py` in small: on studies whose truth is known, the rule tells it, and a broken rule would be seen.

Seeds are fixed. Bounds are what is promised, and where a part of the rule is switched off, what the part is there to prevent.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from luthier.search import honest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STUDIES = 500


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("honesty")


@pytest.mark.parametrize("name", ["3 pairs, 3 challengers", "2 pairs, 1 challenger", "same rows in each pair", "loud seeds"])
def test_the_recipe_s_interval_covers_and_is_hardly_wider_than_an_oracle_s(bench: ModuleType, name: str) -> None:
    found = bench.coverage(bench.WORLDS[name], STUDIES)
    assert 0.90 <= found["covered"] <= 0.98 and 0.9 < found["width"] <= 1.3
    assert 0.90 <= found["oracle"] <= 0.98  # what the simulation holds for known is right
    assert found["naive"] < 0.8 and found["naive_bias"] > 0.02
    assert abs(found["bias"]) < 0.008 and abs(found["shrunk_bias"]) < 0.01
    assert found["expected_optimism"] == pytest.approx(found["naive_bias"], abs=0.008)


def test_each_part_of_the_rule_is_needed(bench: ModuleType) -> None:
    """Rows alone do not cover; each recipe's own pairs are silly; without shrinking the best of the finals flatters itself."""
    loud = bench.coverage(bench.WORLDS["loud seeds"], STUDIES)
    assert loud["rows"] < 0.90 < loud["covered"]
    assert loud["own_width"] > 1.6 and loud["width"] < 1.2
    equal = bench.coverage(bench.WORLDS["all recipes equal"], STUDIES)
    assert equal["top_raw_bias"] > 0.007 and abs(equal["top_bias"]) < 0.005


def test_without_shrinking_the_bound_on_the_bias_fails(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(honest, "_share_kept", lambda seen, noise: 1.0)
    equal = bench.coverage(bench.WORLDS["all recipes equal"], STUDIES)
    assert equal["top_bias"] == pytest.approx(equal["top_raw_bias"]) and equal["top_bias"] > 0.007
    assert equal["shrunk_bias"] == pytest.approx(equal["naive_bias"]) and equal["shrunk_bias"] > 0.02


def test_without_pooling_intervals_widen_and_gains_are_missed(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    world = bench.WORLDS["3 pairs, 3 challengers"]
    gain = bench.gains_of_two_errors(world)["one comparison"]
    width, pooled = bench.coverage(world, STUDIES)["width"], honest.training_noise
    assert width < 1.1 and bench.power(world, gain, 1, STUDIES) > 0.85
    monkeypatch.setattr(honest, "training_noise", lambda entrants, gains, disjoint: pooled(entrants[:1], {}, disjoint))
    assert bench.coverage(world, STUDIES)["width"] > width + 0.1 and bench.power(world, gain, 1, STUDIES) < 0.5


def test_failed_trials_do_not_hide_the_optimism(bench: ModuleType) -> None:
    found = bench.coverage(bench.WORLDS["a third of trials failed"], STUDIES)
    assert abs(found["shrunk_bias"]) < 0.01 < found["expected_optimism"]


@pytest.mark.parametrize("name", ["3 pairs, 3 challengers", "3 pairs, 1 challenger", "same rows in each pair"])
def test_of_equal_recipes_the_default_is_kept(bench: ModuleType, name: str) -> None:
    assert bench.noise(bench.WORLDS[name], STUDIES) >= 0.9


def test_without_a_level_for_all_finals_equal_defaults_are_thrown_out(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(honest, "dunnett_level", lambda challengers: 0.16)  # one standard error, as if there were one challenger
    assert bench.noise(bench.WORLDS["3 pairs, 3 challengers"], STUDIES) < 0.88


@pytest.mark.parametrize("name", ["3 pairs, 3 challengers", "3 pairs, 1 challenger", "same rows in each pair"])
def test_a_gain_of_two_standard_errors_is_found(bench: ModuleType, name: str) -> None:
    world = bench.WORLDS[name]
    errors = bench.gains_of_two_errors(world)
    assert errors["one comparison"] > errors["finals' difference"]
    assert bench.power(world, errors["one comparison"], 1, STUDIES) >= 0.8
    strict = bench.power(world, errors["finals' difference"], 1, STUDIES)
    assert bench.best_possible(world, errors["finals' difference"]) * 0.6 < strict < 0.8


def test_the_best_out_of_fold_figure_flatters_and_the_bias_corrected_one_does_not(bench: ModuleType) -> None:
    world = replace(bench.WORLDS["all recipes equal"], rows=90)
    found = bench.out_of_fold(world, 12, 100)
    assert found["naive_bias"] > 0.03 and found["naive"] < 0.85
    assert abs(found["bias"]) < 0.012 and found["covered"] >= 0.9 and 0.85 < found["width"] < 1.2


def test_outcomes_are_as_alike_as_the_world_says(bench: ModuleType) -> None:
    world = bench.World(seed_error=0.0)
    right = bench.outcomes(world, np.array([0.8, 0.8]), 40_000, np.random.default_rng(0))
    assert right.mean(1) == pytest.approx([0.8, 0.8], abs=0.008)
    assert np.corrcoef(right)[0, 1] == pytest.approx(world.correlation, abs=0.02)
