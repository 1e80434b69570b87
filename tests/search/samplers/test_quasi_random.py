"""The quasi-random sampler: covers the space evenly from the first points on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import qmc
from simulated import BASE

from luthier.recipes.recipe import Method, Recipe
from luthier.recipes.space import Space, parse_space
from luthier.search.samplers import QuasiRandomSampler, RandomSampler, Sampler

SPACE = parse_space({"learning_rate": "1e-5..1e-3:log", "dropout": "0..0.5", "layer_decay": "0.5..1",
                     "weight_decay": "0..1", "frozen_layers": "0..7"}, BASE)


def _positions(recipes: list[Recipe]) -> np.ndarray:
    """Recipes as points of the unit cube, frozen layers left out."""
    return np.array([[(np.log10(recipe.learning_rate) + 5) / 2, recipe.dropout / 0.5, recipe.layer_decay * 2 - 1,
                      recipe.weight_decay] for recipe in recipes])


def _recipes(sampler: Sampler, first: int, count: int) -> list[Recipe]:
    return [sampler.suggest([], number).recipe for number in range(first, first + count)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [4, 8, 32])
def test_sobol_puts_one_point_into_every_slice_of_every_dimension(seed: int, count: int) -> None:
    points = _positions(_recipes(QuasiRandomSampler(SPACE, seed, first=3), 3, count))
    for column in points.T:
        assert sorted(np.floor(column * count).clip(0, count - 1).astype(int)) == list(range(count))


def test_sobol_gives_every_whole_number_its_share() -> None:
    drawn = Counter(recipe.frozen_layers for recipe in _recipes(QuasiRandomSampler(SPACE, 2), 0, 32))
    assert drawn == dict.fromkeys(range(8), 4)


def test_sobol_covers_better_than_chance() -> None:
    def discrepancy(kind: type, seed: int) -> float:
        return float(qmc.discrepancy(_positions(_recipes(kind(SPACE, seed), 0, 16))))

    quasi = [discrepancy(QuasiRandomSampler, seed) for seed in range(5)]
    random = [discrepancy(RandomSampler, seed) for seed in range(5)]
    assert max(quasi) < min(random)


def test_sobol_starts_at_its_first_trial() -> None:
    assert _recipes(QuasiRandomSampler(SPACE, 1, first=4), 4, 3) == _recipes(QuasiRandomSampler(SPACE, 1), 0, 3)


def test_sobol_gives_a_switch_and_its_range_a_coordinate_each() -> None:
    space = parse_space({"weight_decay": "off|1..3", "method": "full,lora", "lora_rank": "1..64"}, BASE)
    recipes = _recipes(QuasiRandomSampler(space, 4), 0, 32)
    assert sum(recipe.weight_decay == 0 for recipe in recipes) == 16
    assert sum(recipe.weight_decay > 2 for recipe in recipes) == 8
    assert sum(recipe.method is Method.LORA and recipe.lora_rank > 32 for recipe in recipes) == 8


def test_sobol_without_dimensions_is_the_base() -> None:
    assert QuasiRandomSampler(Space(BASE, {}), 0).suggest([], 2).recipe == BASE
