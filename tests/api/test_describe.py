"""What a plan says it will do."""

from __future__ import annotations

import pytest

from luthier.api.describe import amount
from luthier.api.settings import Settings


@pytest.mark.parametrize(("asked", "recipes", "said"), [
    ({}, 12, "12 trials"), ({"repeats": 3}, 12, "12 recipes × 3 seeds = 36 trials"),
    ({"repeats": 2}, 1, "1 recipe × 2 seeds = 2 trials"), ({"sampler": "grid"}, 12, "12 cells × 1 seed = 12 trials"),
    ({"sampler": "grid", "repeats": 3}, 12, "12 cells × 3 seeds = 36 trials")])
def test_a_plan_says_how_many_recipes_on_how_many_seeds(asked: dict[str, object], recipes: int, said: str) -> None:
    assert amount(Settings(**asked), recipes) == said  # type: ignore[arg-type]
