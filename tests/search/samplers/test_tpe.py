"""TPE: learns from complete and paused trials, and takes no harm from failed and foreign ones."""

from __future__ import annotations

import math

import pytest
from simulated import BASE

from luthier.recipes.recipe import Method, Recipe, Schedule
from luthier.recipes.space import parse_space
from luthier.search.samplers import RandomSampler, TpeSampler
from luthier.search.study import Observation

SPACE = parse_space({"learning_rate": "1e-6..1e-1:log", "dropout": "0..0.9", "schedule": "constant,linear"}, BASE)


def _distance(recipe: Recipe) -> float:
    """From the made-up best recipe: a rate of 1e-4, a dropout of 0.6, and a linear schedule."""
    rate, dropout = (math.log10(recipe.learning_rate) + 4) / 5, (recipe.dropout - 0.6) / 0.9
    return math.sqrt(rate**2 + dropout**2 + (0.1 if recipe.schedule is Schedule.CONSTANT else 0))


def _observe(number: int, recipe: Recipe, complete: bool = True) -> Observation:
    return Observation(number, recipe, 1 - _distance(recipe) ** 2, 3 if complete else 1, complete)


def _mean(recipes: list[Recipe]) -> float:
    return sum(map(_distance, recipes)) / len(recipes)


def _random(count: int) -> list[Recipe]:
    return [RandomSampler(SPACE, 11).suggest([], number).recipe for number in range(count)]


def test_tpe_prefers_the_good_region() -> None:
    late = []
    for seed in range(3):
        observations: list[Observation] = []
        for number in range(40):
            recipe = TpeSampler(SPACE, seed).suggest(observations, number).recipe
            observations.append(_observe(number, recipe))
        late += [observation.recipe for observation in observations[-15:]]
    assert _mean(late) < 0.75 * _mean(_random(100))
    assert sum(recipe.schedule is Schedule.LINEAR for recipe in late) > 30


@pytest.mark.parametrize("complete", [True, False])
def test_tpe_learns_from_what_others_tried_complete_or_paused(complete: bool) -> None:
    tried = _random(40)
    observations = [_observe(number, recipe, complete) for number, recipe in enumerate(tried)]
    suggested = [TpeSampler(SPACE, 0).suggest(observations, number).recipe for number in range(40, 60)]
    assert _mean(suggested) < 0.6 * _mean(tried)


def test_tpe_maximises() -> None:
    observations = [_observe(number, recipe) for number, recipe in enumerate(_random(40))]
    turned = [Observation(seen.number, seen.recipe, -(seen.value or 0.0), 3, True) for seen in observations]
    up, down = ([TpeSampler(SPACE, 0).suggest(seen, number).recipe for number in range(40, 50)] for seen in (observations, turned))
    assert _mean(up) < 0.5 * _mean(down)


@pytest.mark.parametrize("foreign", [
    Observation(9, _random(1)[0], None, 0, False),
    Observation(9, BASE.replace(learning_rate=0.5), 0.99, 3, True),
    Observation(9, BASE.replace(learning_rate=1e-7), 0.99, 1, False),
    Observation(9, BASE.replace(schedule="warmup-stable-decay"), 0.99, 3, True),
], ids=["failed", "above", "below", "no such choice"])
def test_tpe_passes_over_failed_trials_and_recipes_outside_the_space(foreign: Observation) -> None:
    known = [_observe(number, recipe) for number, recipe in enumerate(_random(9))]
    sampler = TpeSampler(SPACE, 0)
    assert sampler.suggest([*known, foreign], 10) == sampler.suggest(known, 10)


def test_tpe_takes_the_ends_of_an_interval_as_inside() -> None:
    ends = [BASE.replace(learning_rate=rate, dropout=dropout) for rate, dropout in ((1e-6, 0.0), (1e-1, 0.9))]
    sampler = TpeSampler(SPACE, 0)
    seen = [_observe(number, recipe) for number, recipe in enumerate(ends)]
    assert sampler.suggest(seen, 5) != sampler.suggest([], 5)


def test_tpe_shows_a_complete_trial_before_any_paused_one_of_a_lower_level() -> None:
    """A paused trial's value is of another level: high early values must not beat complete ones."""
    good = [BASE.replace(learning_rate=1e-4, dropout=0.1 * i) for i in range(1, 9)]
    early = [BASE.replace(learning_rate=5e-2, dropout=0.1 * i) for i in range(1, 9)]
    observations = [Observation(i, recipe, 0.8, 3, True) for i, recipe in enumerate(good)] + [
        Observation(8 + i, recipe, 0.9, 1, False) for i, recipe in enumerate(early)]
    rates = [math.log10(TpeSampler(SPACE, 0).suggest(observations, number).recipe.learning_rate) for number in range(16, 36)]
    assert sum(abs(rate + 4) < abs(rate - math.log10(5e-2)) for rate in rates) > 12


CONDITIONAL = parse_space({"method": "full,lora", "lora_rank": "1..64", "weight_decay": "off|0.01..1:log",
                           "layer_lr": ";embeddings=0", "frozen_layers": "0,half,all"}, BASE)


def test_tpe_shows_optuna_only_what_was_active(monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    shown: list[dict[str, object]] = []
    create = optuna.trial.create_trial
    monkeypatch.setattr(optuna.trial, "create_trial", lambda **given: shown.append(given["params"]) or create(**given))
    recipes = [BASE.replace(weight_decay=0), BASE.replace(method="lora", lora_rank=3, weight_decay=0.5, frozen_layers="half",
                                                         layer_lr={"embeddings": 0})]
    TpeSampler(CONDITIONAL, 0).suggest([_observe(number, recipe) for number, recipe in enumerate(recipes)], 2)
    assert shown == [
        {"method": 0, "weight_decay on": 0, "layer_lr": 0, "frozen_layers": 0},
        {"method": 1, "weight_decay on": 1, "weight_decay": 0.5, "layer_lr": 1, "frozen_layers": 1, "lora_rank": 3}]


def test_tpe_learns_in_a_conditional_space() -> None:
    """LoRA of a high rank, without weight decay, is best; rank says nothing where all weights are trained."""
    def value(recipe: Recipe) -> float:
        return (recipe.method is Method.LORA) * (0.5 + recipe.lora_rank / 128) - (0.3 if recipe.weight_decay else 0)

    late: list[Recipe] = []
    for seed in range(3):
        observations: list[Observation] = []
        for number in range(45):
            recipe = TpeSampler(CONDITIONAL, seed).suggest(observations, number).recipe
            observations.append(Observation(number, recipe, value(recipe), 3, True))
        late += [seen.recipe for seen in observations[-15:]]
    assert sum(recipe.method is Method.LORA and recipe.weight_decay == 0 for recipe in late) > 22  # by chance, 11 of 45
    ranks = [recipe.lora_rank for recipe in late if recipe.method is Method.LORA]
    assert sum(ranks) / len(ranks) > 40


def test_tpe_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    TpeSampler(SPACE, 0).suggest([_observe(0, BASE)], 1)
    assert capfd.readouterr() == ("", "")
