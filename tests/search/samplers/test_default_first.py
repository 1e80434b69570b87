"""Trial 0 is the default."""

from __future__ import annotations

from simulated import BASE

from luthier.recipes.space import parse_space
from luthier.search.samplers import DefaultFirst, RandomSampler, Suggestion
from luthier.search.study import Observation

OTHERS = RandomSampler(parse_space({"learning_rate": "1e-5..1e-3:log"}, BASE), 0)


def test_default_first_suggests_the_default_once() -> None:
    default = BASE.replace(dropout=0.2)
    sampler = DefaultFirst(default, OTHERS)
    assert sampler.suggest([], 0) == Suggestion(default, "default")
    seen = [Observation(0, default, 0.5, 3, True)]
    assert [sampler.suggest(seen, number) for number in (1, 2)] == [OTHERS.suggest(seen, number) for number in (1, 2)]
