"""What --config takes: a recipe, a run.toml, one row of a trials.csv; anything else is one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.api.settings import SamplerName, Settings, read_config
from luthier.config import build, to_table, write_toml
from luthier.errors import ConfigError
from luthier.recipes.seeds import HeldSeeds


def test_recipe_file_holds_hyperparameters_with_or_without_a_table(tmp_path: Path) -> None:
    (tmp_path / "flat.toml").write_text("learning_rate = 3e-4\nfrozen_layers = 2\n")
    (tmp_path / "table.toml").write_text("[recipe]\nlearning_rate = 3e-4\nfrozen_layers = 2\n")
    expected = {"fixed": {"learning_rate": 3e-4, "frozen_layers": 2}}
    assert read_config(tmp_path / "flat.toml", None) == read_config(tmp_path / "table.toml", None) == expected


def test_settings_survive_toml(tmp_path: Path) -> None:
    asked = Settings(data="a.csv", text_columns=("a", "b"), trials=3, search={"dropout": "0..0.2"}, fixed={"epochs": "2"},
                     sampler=SamplerName.RANDOM, seed=5)
    write_toml(tmp_path / "run.toml", {"settings": to_table(asked)})
    assert build(Settings, read_config(tmp_path / "run.toml", None)) == asked


@pytest.mark.parametrize(("text", "message"), [
    ("learning_rat = 1\ndropout = 3", "learning_rat: no such setting. Did you mean 'learning_rate'(.|\n)*dropout = 3: must be"),
    ("x = [", "not a TOML file"),
    ("[settings]\nbudgte = '1m'", "no such setting. Did you mean 'budget'"), ("recipe = 3", "a table of hyperparameters")])
def test_wrong_file_is_one_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "c.toml", None)


def test_chosen_are_the_hyperparameters_that_a_person_named() -> None:
    asked = Settings(search_also={"l1": "off|0.1..1"}, fixed={"epochs": "2"})
    assert asked.chosen == {"l1", "epochs"}


def test_held_seeds_are_those_given() -> None:
    assert Settings(order_seed=3).held_seeds == HeldSeeds(order=3)


def test_row_of_trials_needs_its_number(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text("trial,state,score\n0,complete,0.5\n")
    with pytest.raises(ConfigError, match="--trial NUMBER"):
        read_config(tmp_path / "trials.csv", None)
    with pytest.raises(ConfigError, match="has trials 0 to 0"):
        read_config(tmp_path / "trials.csv", 4)
    with pytest.raises(ConfigError, match="no such file"):
        read_config(tmp_path / "nowhere" / "trials.csv", 0)
