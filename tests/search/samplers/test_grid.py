"""The grid: every cell, once, in order; a cell that equals the default recipe is the default."""

from __future__ import annotations

import pytest
from simulated import BASE

from luthier.errors import ConfigError
from luthier.recipes.space import parse_space
from luthier.search.samplers import GridSampler

SPACE = parse_space({"batch_size": "8,16", "dropout": "grid(0.1..0.3,3)"}, BASE)


def test_grid_visits_every_cell_once_in_order() -> None:
    suggestions = [GridSampler(SPACE).suggest([], number) for number in range(6)]
    assert [suggestion.recipe for suggestion in suggestions] == list(SPACE.cells())
    assert [suggestion.role for suggestion in suggestions] == ["grid", "grid", "grid", "default", "grid", "grid"]


def test_grid_without_the_default_recipe_has_no_default() -> None:
    space = parse_space({"batch_size": "8,32"}, BASE)
    assert [GridSampler(space).suggest([], number).role for number in range(2)] == ["grid", "grid"]


def test_grid_begins_again_after_its_last_cell() -> None:
    assert GridSampler(SPACE).suggest([], 7) == GridSampler(SPACE).suggest([], 1)


def test_grid_refuses_an_interval() -> None:
    with pytest.raises(ConfigError, match="dropout"):
        GridSampler(parse_space({"dropout": "0..0.2"}, BASE)).suggest([], 0)
