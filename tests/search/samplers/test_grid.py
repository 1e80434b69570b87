"""The grid: every cell, once, in order."""

from __future__ import annotations

import pytest
from simulated import BASE

from luthier.errors import ConfigError
from luthier.recipes.space import parse_space
from luthier.search.samplers import GridSampler

SPACE = parse_space({"batch_size": "8,16", "dropout": "grid(0..0.2,3)"}, BASE)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_grid_visits_every_cell_once_in_order(first: int) -> None:
    suggestions = [GridSampler(SPACE, first).suggest([], number) for number in range(first, first + 6)]
    assert [suggestion.recipe for suggestion in suggestions] == list(SPACE.cells())
    assert {suggestion.role for suggestion in suggestions} == {"grid"}


def test_grid_begins_again_after_its_last_cell() -> None:
    assert GridSampler(SPACE, 1).suggest([], 7) == GridSampler(SPACE, 1).suggest([], 1)


def test_grid_refuses_an_interval() -> None:
    with pytest.raises(ConfigError, match="dropout"):
        GridSampler(parse_space({"dropout": "0..0.2"}, BASE)).suggest([], 0)
