"""What a plan says it will do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from luthier.api.describe import amount, cut_line, data_lines, epochs_afforded, finalists, wide_line
from luthier.api.settings import Settings
from luthier.data.load import load
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Choice, Space
from luthier.sharing.work import Shape, step_work


@pytest.mark.parametrize(("asked", "recipes", "said"), [
    ({}, 12, "12 trials"), ({"repeats": 3}, 12, "12 recipes × 3 seeds = 36 trials"),
    ({"repeats": 2}, 1, "1 recipe × 2 seeds = 2 trials"), ({"sampler": "grid"}, 12, "12 cells × 1 seed = 12 trials"),
    ({"sampler": "grid", "repeats": 3}, 12, "12 cells × 3 seeds = 36 trials")])
def test_a_plan_says_how_many_recipes_on_how_many_seeds(asked: dict[str, object], recipes: int, said: str) -> None:
    assert amount(Settings(**asked), recipes) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(("sampler", "values", "trials", "said"), [
    ("auto", (0.2,), None, "the default and the best 3 others"), ("grid", (0.2, 0.1), 2, "the default and the best 3 others"),
    ("grid", (0.2, 0.1), 1, "the best 4"), ("grid", (0.2, 0.3), 2, "the best 4")])
def test_a_plan_names_the_default_only_where_it_is_tried(
        sampler: str, values: tuple[float, ...], trials: int | None, said: str) -> None:
    space = Space(Recipe(dropout=0.1), {"dropout": Choice(values)})
    assert finalists(Settings(sampler=sampler), space, 3, trials) == said  # type: ignore[arg-type]


def test_one_challenger_is_the_best_other() -> None:
    assert finalists(Settings(), Space(Recipe(), {"dropout": Choice((0.2,))}), 1, None) == "the default and the best other"


def test_epochs_that_are_cut_are_said_with_the_budget_that_affords_them() -> None:
    cut = {"usual": 19.23, "afforded": 2.654}
    assert cut_line(cut, 1450.0) == ("  The default recipe would train 19 epochs; this budget affords 2.7, and other recipes as "
                                     "much work; --budget 25m would afford all.")
    assert cut_line(cut, None).endswith("as much work.")


@pytest.mark.parametrize(("chosen", "steps", "said"), [
    ({}, 100, {"usual": 20.0, "afforded": 5.0}), ({}, 400, None), ({"epochs": "20"}, 100, None)])
def test_epochs_are_cut_where_the_time_affords_fewer(chosen: dict[str, str], steps: int, said: dict[str, float] | None) -> None:
    recipe, shape = Recipe(epochs=20.0, batch_size=16), Shape(np.full(320, 10), 6)
    prepared: Any = SimpleNamespace(asked=SimpleNamespace(settings=SimpleNamespace(chosen=chosen)), default=recipe, shape=shape)
    plan: Any = SimpleNamespace(work=steps * step_work(recipe, shape))
    assert epochs_afforded(prepared, plan) == said


def test_rows_held_out_in_turn_are_counted_once() -> None:
    def rows(*labels: str) -> list[dict[str, str]]:
        return [{"text": f"text {number} of {len(labels)} rows", "label": label} for number, label in enumerate(labels)]

    given = load(rows("ham", "ham", "spam"), validation=rows("ham", "spam"), test=rows("ham", "ham", "ham", "spam"))

    def first(folds: dict[int, list[int]]) -> str:
        corpus = replace(given, folds=folds)
        asked = SimpleNamespace(corpus=corpus, task=SimpleNamespace(name="classification"), models={})
        splits = {part.value: own for part, own in corpus.parts.items()}
        prepared: Any = SimpleNamespace(asked=asked, splits=splits, findings=[], default=Recipe())
        return data_lines(prepared)[0].partition(": ")[2].partition(": ")[2]

    assert first({1: [0], 2: [1, 2]}) == ("3 train (each held out once in turn), 2 validation rows; classification, "
                                          "2 labels in all parts: ham (3), spam (2)")
    assert first({}) == "3 train, 2 validation, 4 test rows; classification, 2 labels in all parts: ham (6), spam (3)"


def test_a_figure_of_few_test_rows_is_said_to_be_wide() -> None:
    assert wide_line(60) == ("  60 test rows: a figure of so few may be off by 0.10 either way. With --test cv it is of all "
                             "training rows, held out in turn; that takes longer.")
