"""Tables of a run as DataFrames: every column of its type, also where it is empty."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from luthier.api.frames import read_table
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Trial
from luthier.report.tables import trial_rows, write_csv
from luthier.search.events import trial_event
from luthier.search.study import Study
from luthier.sharing.work import Shape

RECIPES = [Recipe(), Recipe(method="lora", lora_targets=("query", "value"), averaging="none", attention_dropout=0.2,
                            layer_lr={"embeddings": 0.0, "0-2": 0.5}, dropout_in_frozen=True, frozen_layers="half")]


@pytest.fixture
def trials(tmp_path: Path) -> pandas.DataFrame:
    import numpy as np

    study = Study(0, "macro_f1", Shape(np.array([5, 6]), 2), (10.0,))
    for number, recipe in enumerate(RECIPES):
        study.apply(trial_event(Trial(number, recipe, 3, "made up", Seeds.all(3), parent=0 if number else None)))
    write_csv(tmp_path / "trials.csv", trial_rows(study))
    return read_table(tmp_path / "trials.csv")


def test_every_hyperparameter_is_a_column_of_its_type(trials: pandas.DataFrame) -> None:
    kinds = {name: str(kind) for name, kind in trials.dtypes.items()}
    assert set(Recipe.__dataclass_fields__) <= set(kinds)
    assert {kinds[name] for name in ("learning_rate", "l1", "attention_dropout", "score")} == {"float64"}
    assert {kinds[name] for name in ("batch_size", "lora_rank", "seed", "init_seed", "steps")} == {"int64"}
    assert (kinds["dropout_in_frozen"], kinds["parent"]) == ("bool", "Int64")
    assert all(isinstance(value, str) for name in ("averaging", "layer_lr", "lora_targets", "model", "reason", "frozen_layers")
               for value in trials[name])


def test_values_are_those_of_the_recipes(trials: pandas.DataFrame) -> None:
    assert trials["averaging"].tolist() == ["ema", "none"] and trials["layer_lr"].tolist() == ["", "0-2=0.5, embeddings=0.0"]
    assert trials["dropout_in_frozen"].tolist() == [False, True] and trials["frozen_layers"].tolist() == ["0", "half"]
    assert trials["parent"].isna().tolist() == [True, False] and trials["score"].isna().all()
    for row, recipe in zip(trials.to_dict("records"), RECIPES, strict=True):
        table = {name: row[name] for name in Recipe.__dataclass_fields__ if not pandas.isna(row[name])}
        assert Recipe.from_table(table).replace(epochs=recipe.epochs) == recipe


def test_texts_that_look_like_numbers_or_blanks_stay_texts(tmp_path: Path) -> None:
    write_csv(tmp_path / "p.csv", [{"text": "12", "label": "null", "predicted": "NA", "score": 0.5},
                                   {"text": "", "label": "1", "predicted": "true", "score": 1}])
    frame = read_table(tmp_path / "p.csv")
    assert frame["text"].tolist() == ["12", ""] and frame["label"].tolist() == ["null", "1"]
    assert frame["predicted"].tolist() == ["NA", "true"] and frame["score"].tolist() == [0.5, 1.0]
