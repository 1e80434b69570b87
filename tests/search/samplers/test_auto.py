"""The automatic sampler: presets, wide and cheap trials, the best of these promoted, then TPE."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated import BASE

from luthier.recipes.presets import Preset, load_presets
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Space, parse_space
from luthier.search.samplers import AutoSampler, QuasiRandomSampler, TpeSampler
from luthier.search.samplers.auto import COVER_TRIALS, PROMOTED_RATE, PROMOTED_TRIALS, WIDE_TRIALS
from luthier.search.samplers.base import AGAIN
from luthier.search.study import Observation

SPACE = parse_space({"learning_rate": "1e-5..1e-3:log", "dropout": "0..0.5"}, BASE)
FREEZING = parse_space({"learning_rate": "1e-5..1e-3:log", "dropout": "0..0.5", "frozen_layers": "0..6"}, BASE)
PRESETS = load_presets(BASE, 6)


def _seen(space: Space, frozen: int = 0) -> list[Observation]:
    return [Observation(i, space.at([i / 12, 0.3, 0.0][:len(space.axes)]).replace(frozen_layers=frozen), i / 12, 3, True)
            for i in range(12)]


def _roles(space: Space, presets: tuple[Preset, ...], seen: list[Observation], trials: int) -> list[str]:
    sampler = AutoSampler(space, 7, presets, first=1)
    return [sampler.suggest(seen, number).role for number in range(1, len(presets) + trials + 1)]


@pytest.mark.parametrize("presets", [PRESETS, ()])
def test_auto_tries_presets_then_wide_and_cheap_then_promotes_then_tpe(presets: tuple[Preset, ...]) -> None:
    named = [f"preset {preset.name}" for preset in presets]
    assert _roles(FREEZING, presets, _seen(FREEZING, 5), WIDE_TRIALS + PROMOTED_TRIALS + 2) == [
        *named, *["wide"] * WIDE_TRIALS, *["promoted"] * PROMOTED_TRIALS, "tpe", "tpe"]
    assert _roles(SPACE, presets, _seen(SPACE), COVER_TRIALS + 2) == [*named, *["quasi-random"] * COVER_TRIALS, "tpe", "tpe"]


def test_auto_suggests_what_its_parts_would() -> None:
    sampler, start, seen = AutoSampler(SPACE, 7, PRESETS, first=1), 1 + len(PRESETS), _seen(SPACE)
    assert [sampler.suggest(seen, number).recipe for number in range(1, start)] == [preset.recipe for preset in PRESETS]
    cover = QuasiRandomSampler(SPACE, 7)
    assert [sampler.suggest(seen, start + i) for i in range(COVER_TRIALS)] == [cover.suggest([], i) for i in range(COVER_TRIALS)]
    assert sampler.suggest(seen, start + COVER_TRIALS) == TpeSampler(SPACE, 7).suggest(seen, start + COVER_TRIALS)


def test_wide_trials_cover_the_space_with_all_blocks_frozen_but_one() -> None:
    sampler, cover = AutoSampler(FREEZING, 7), QuasiRandomSampler(FREEZING, 7)
    found = [sampler.suggest([], i).recipe for i in range(WIDE_TRIALS)]
    assert found == [cover.suggest([], i).recipe.replace(frozen_layers=5) for i in range(WIDE_TRIALS)]


def test_promoted_are_the_best_of_the_cheap_unfrozen_and_slower_and_stay_in_the_space() -> None:
    seen = [*_seen(FREEZING, 5), Observation(12, BASE, 2.0, 3, True),
            Observation(13, BASE.replace(frozen_layers=5), None, 0, False)]
    found: list[Recipe] = []
    for place in range(PROMOTED_TRIALS):
        found.append(AutoSampler(FREEZING, 7).suggest(seen, WIDE_TRIALS + place).recipe)
        seen.append(Observation(14 + place, found[-1].replace(epochs=9.0), 0.0, 1, False))
    assert [recipe.frozen_layers for recipe in found] == [0] * PROMOTED_TRIALS
    best = [seen[number].recipe.learning_rate for number in (11, 10, 9, 8)]
    assert [recipe.learning_rate for recipe in found] == pytest.approx([PROMOTED_RATE * rate for rate in best])
    slowest = [Observation(0, BASE.replace(frozen_layers=5, learning_rate=1.2e-5), 0.5, 3, True)]
    assert AutoSampler(FREEZING, 7).suggest(slowest, WIDE_TRIALS).recipe.learning_rate == 1e-5


def test_the_best_of_the_cheap_is_promoted_though_places_change() -> None:
    """One that is under way has no value yet, so it is suggested again; asked again, the sampler goes on to the next best."""
    cheap = [Observation(i, BASE.replace(frozen_layers=5, dropout=i / 10), value, 1, False) for i, value in enumerate((0.8, 0.7))]
    sampler = AutoSampler(FREEZING, 7)
    first, again = sampler.suggest(cheap, WIDE_TRIALS), sampler.suggest(cheap, WIDE_TRIALS + 1)
    assert first.recipe.dropout == again.recipe.dropout == 0.0
    assert sampler.suggest(cheap, WIDE_TRIALS + 1 + AGAIN).recipe.dropout == 0.1
    risen = [Observation(0, first.recipe, 0.75, 1, False), cheap[0], replace(cheap[1], value=0.9)]
    assert sampler.suggest(risen, WIDE_TRIALS + 1).recipe.dropout == 0.1, "what rose meanwhile is next, the other is not again"
    assert sampler.suggest(risen, WIDE_TRIALS + 1 + 2 * AGAIN).role == "tpe", "none is left"


def test_where_little_was_seen_tpe_fills_the_places() -> None:
    assert AutoSampler(FREEZING, 7).suggest(_seen(FREEZING), WIDE_TRIALS).role == "tpe"
