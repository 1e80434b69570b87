"""The automatic sampler: presets, an even cover, then TPE."""

from __future__ import annotations

from simulated import BASE

from luthier.recipes.presets import Preset, load_presets
from luthier.recipes.space import parse_space
from luthier.search.samplers import AutoSampler, QuasiRandomSampler, TpeSampler
from luthier.search.samplers.auto import QUASI_RANDOM_TRIALS
from luthier.search.study import Observation

SPACE = parse_space({"learning_rate": "1e-5..1e-3:log", "dropout": "0..0.5"}, BASE)
PRESETS = load_presets(BASE, 6)
SEEN = [Observation(i, SPACE.at([i / 12, 0.3]), i / 12, 3, True) for i in range(12)]


def _roles(presets: tuple[Preset, ...]) -> list[str]:
    sampler = AutoSampler(SPACE, 7, presets, first=1)
    return [sampler.suggest(SEEN, number).role for number in range(1, len(presets) + QUASI_RANDOM_TRIALS + 3)]


def test_auto_tries_presets_then_an_even_cover_then_tpe() -> None:
    assert _roles(PRESETS) == [*(f"preset {preset.name}" for preset in PRESETS), *["quasi-random"] * QUASI_RANDOM_TRIALS,
                               "tpe", "tpe"]
    assert _roles(()) == ["quasi-random"] * QUASI_RANDOM_TRIALS + ["tpe", "tpe"]


def test_auto_suggests_what_its_parts_would() -> None:
    sampler, start = AutoSampler(SPACE, 7, PRESETS, first=1), 1 + len(PRESETS)
    assert [sampler.suggest(SEEN, number).recipe for number in range(1, start)] == [preset.recipe for preset in PRESETS]
    cover = QuasiRandomSampler(SPACE, 7)
    assert [sampler.suggest(SEEN, start + i) for i in range(QUASI_RANDOM_TRIALS)] == [
        cover.suggest([], i) for i in range(QUASI_RANDOM_TRIALS)]
    late = start + QUASI_RANDOM_TRIALS
    assert sampler.suggest(SEEN, late) == TpeSampler(SPACE, 7).suggest(SEEN, late)
