"""What a plan says it will do."""

from __future__ import annotations

import pytest

from luthier.api.describe import amount, finalists, wide_line
from luthier.api.settings import Settings
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Choice, Space


@pytest.mark.parametrize(("asked", "recipes", "said"), [
    ({}, 12, "12 trials"), ({"repeats": 3}, 12, "12 recipes × 3 seeds = 36 trials"),
    ({"repeats": 2}, 1, "1 recipe × 2 seeds = 2 trials"), ({"sampler": "grid"}, 12, "12 cells × 1 seed = 12 trials"),
    ({"sampler": "grid", "repeats": 3}, 12, "12 cells × 3 seeds = 36 trials")])
def test_a_plan_says_how_many_recipes_on_how_many_seeds(asked: dict[str, object], recipes: int, said: str) -> None:
    assert amount(Settings(**asked), recipes) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(("sampler", "values", "trials", "said"), [
    ("auto", (0.2,), None, "the default and the best 3"), ("grid", (0.2, 0.1), 2, "the default and the best 3"),
    ("grid", (0.2, 0.1), 1, "the best 4"), ("grid", (0.2, 0.3), 2, "the best 4")])
def test_a_plan_names_the_default_only_where_it_is_tried(
        sampler: str, values: tuple[float, ...], trials: int | None, said: str) -> None:
    space = Space(Recipe(dropout=0.1), {"dropout": Choice(values)})
    assert finalists(Settings(sampler=sampler), space, 3, trials) == said  # type: ignore[arg-type]


def test_a_figure_of_few_test_rows_is_said_to_be_wide() -> None:
    assert wide_line(60) == ("  60 test rows: a figure of so few may be off by 0.10 either way. With --test cv it is of all rows, "
                             "held out in turn; that takes longer.")
