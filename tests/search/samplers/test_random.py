"""The random sampler: uniform and independent."""

from __future__ import annotations

import numpy as np
from scipy.stats import kstest, spearmanr
from simulated import BASE

from luthier.recipes.space import parse_space
from luthier.search.samplers import RandomSampler

SPACE = parse_space({"learning_rate": "1e-5..1e-3:log", "dropout": "0..0.5", "schedule": "constant,linear"}, BASE)


def test_random_is_uniform_in_every_dimension_and_independent() -> None:
    recipes = [RandomSampler(SPACE, 5).suggest([], number).recipe for number in range(400)]
    rates = [(np.log10(recipe.learning_rate) + 5) / 2 for recipe in recipes]
    dropouts = [recipe.dropout / 0.5 for recipe in recipes]
    assert kstest(rates, "uniform").pvalue > 0.01
    assert kstest(dropouts, "uniform").pvalue > 0.01
    assert abs(spearmanr(rates, dropouts).statistic) < 0.15
    assert abs(spearmanr(rates[:-1], rates[1:]).statistic) < 0.15
    assert 150 < sum(recipe.schedule.value == "linear" for recipe in recipes) < 250
