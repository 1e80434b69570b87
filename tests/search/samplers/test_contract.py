"""The contract of every sampler: pure, and only valid recipes of its space."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BASE, SHAPE, WORK

from luthier.recipes.presets import load_presets
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Space, parse_space
from luthier.search.samplers import (
    AutoSampler,
    DefaultFirst,
    EqualWork,
    GridSampler,
    QuasiRandomSampler,
    RandomSampler,
    Sampler,
    TpeSampler,
)
from luthier.search.study import Observation

SPACES = {
    "one": parse_space({"learning_rate": "1e-5..1e-3:log"}, BASE),
    "whole": parse_space({"frozen_layers": "0..6", "batch_size": "4..64:int,log"}, BASE),
    "choices": parse_space({"schedule": "constant,linear", "batch_size": "8,16,32", "head_init": "probe,random"}, BASE),
    "mixed": parse_space({"learning_rate": "1e-5..1e-2:log", "schedule": "constant,linear", "frozen_layers": "0..6",
                          "batch_size": "8,16,32", "dropout": "0..0.3", "weight_decay": "off|0.003..3:log"}, BASE),
    "conditional": parse_space({"lora_rank": "4..64:log", "method": "full,lora", "lora_dropout": "off|0.01..0.2",
                                "frozen_layers": "0,half,75%,all", "layer_lr": ";embeddings=0;embeddings=0, 0-2=0.1",
                                "class_weighting": "0,0.5,auto"}, BASE),
}
FINITE = parse_space({"learning_rate": "grid(1e-5..1e-3,3):log", "schedule": "constant,linear", "frozen_layers": "0,3"}, BASE)
SAMPLERS: dict[str, Callable[[Space, int], Sampler]] = {
    "random": RandomSampler,
    "quasi-random": QuasiRandomSampler,
    "tpe": TpeSampler,
    "auto": lambda space, seed: AutoSampler(space, seed, load_presets(space.base, 6), first=1),
    "grid": lambda space, seed: GridSampler(FINITE),
    "default first": lambda space, seed: DefaultFirst(BASE, RandomSampler(space, seed)),
    "equal work": lambda space, seed: EqualWork(QuasiRandomSampler(space, seed), SHAPE, WORK),
}
PRESETS = tuple(preset.recipe for preset in load_presets(BASE, 6))


@st.composite
def _observed(draw: st.DrawFn, space: Space) -> list[Observation]:
    """What may be known: complete, paused and failed trials, and recipes that are not of the space."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        recipe = space.at([draw(st.floats(0, 1, exclude_max=True)) for _ in space.axes])
        recipe = draw(st.sampled_from([recipe, recipe, recipe, BASE, *PRESETS, recipe.replace(learning_rate=0.5)]))
        value = draw(st.none() | st.floats(0, 1))
        found.append(Observation(number, recipe, value, draw(st.integers(0, 3)), value is not None and draw(st.booleans())))
    return found


def _inside(recipe: Recipe, space: Space) -> bool:
    """Whether the recipe differs from the space's base only in its dimensions, and lies within them."""
    if space.read(recipe) is None:
        return False
    table, base = recipe.to_table(), space.base.to_table()
    return all(table[name] == base[name] for name in table if name not in space.dimensions)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("space", SPACES)
@settings(max_examples=8, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**31 - 1), number=st.integers(1, 40))
def test_suggestions_are_valid_and_of_the_space(name: str, space: str, data: st.DataObject, seed: int, number: int) -> None:
    observations = data.draw(_observed(SPACES[space]))
    suggestion = SAMPLERS[name](SPACES[space], seed).suggest(observations, number)
    recipe = suggestion.recipe
    assert Recipe.from_table(recipe.to_table()) == recipe
    assert suggestion.role
    if name == "equal work":
        recipe = recipe.replace(epochs=BASE.epochs, warmup_steps=BASE.warmup_steps)
    assert _inside(recipe, FINITE if name == "grid" else SPACES[space]) or recipe in PRESETS


@pytest.mark.parametrize("name", SAMPLERS)
@settings(max_examples=8, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**31 - 1), number=st.integers(1, 40))
def test_the_same_is_suggested_whenever_asked(name: str, data: st.DataObject, seed: int, number: int) -> None:
    """A sampler made afresh, and one that has been asked other things in between, suggest the same."""
    space = SPACES["mixed"]
    observations = data.draw(_observed(space))
    before = list(observations)
    sampler = SAMPLERS[name](space, seed)
    first = sampler.suggest(observations, number)
    sampler.suggest([], number + 1)
    assert sampler.suggest(tuple(observations), number) == first
    assert SAMPLERS[name](space, seed).suggest(observations, number) == first
    assert observations == before


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "grid"])
def test_another_seed_or_number_suggests_another_recipe(name: str) -> None:
    def suggest(seed: int, numbers: Sequence[int]) -> list[Recipe]:
        return [SAMPLERS[name](SPACES["mixed"], seed).suggest([], number).recipe for number in numbers]

    late = range(20, 30)  # beyond presets
    assert len({recipe.hash for recipe in suggest(0, late)}) == 10
    assert suggest(0, late) != suggest(1, late)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_default_can_be_outside_of_the_space(name: str) -> None:
    """As it is with few rows, where the space has no batches of the default's size."""
    space = parse_space({"batch_size": "8", "learning_rate": "1e-2..1e-1"}, BASE)
    observations = [Observation(0, BASE, 0.5, 3, True)]
    suggestion = SAMPLERS[name](space, 0).suggest(observations, 20)
    assert name == "grid" or suggestion.recipe.batch_size == 8
