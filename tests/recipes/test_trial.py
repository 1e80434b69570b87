"""Trials as the journal keeps them."""

from __future__ import annotations

import json

import pytest

from luthier.recipes.recipe import Recipe, Schedule
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Trial


@pytest.mark.parametrize("trial", [
    Trial(0, Recipe(), 7, "default", Seeds.all(7)),
    Trial(12, Recipe(learning_rate=1 / 3e4, schedule=Schedule.LINEAR), 2**31 - 1, "final", Seeds(1, 2, 3),
          parent=3)])
def test_trial_survives_json(trial: Trial) -> None:
    assert Trial.from_table(json.loads(json.dumps(trial.to_table()))) == trial


def test_trial_from_table_leaves_the_table_alone() -> None:
    table = Trial(0, Recipe(), 7, "default", Seeds.all(7)).to_table()
    copy = json.loads(json.dumps(table))
    Trial.from_table(table)
    assert table == copy
