"""What --config takes: a recipe, a run.toml, one row of a trials.csv; anything else is one clear error."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from luthier.api.settings import SamplerName, Settings, read_config
from luthier.config import build, to_table, write_toml
from luthier.errors import ConfigError
from luthier.recipes.seeds import HeldSeeds
from luthier.sharing.quota import parse_size
from luthier.tasks.registry import TASKS


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
    ("[settings]\nbudgte = '1m'", "no such setting. Did you mean 'budget'"), ("recipe = 3", "a table of hyperparameters"),
    ("[[recipe]]\nepochs = 1", "a table of hyperparameters"), ("settings = 3", r"'settings' must be a table: \[settings\]"),
    ("[[settings]]\ndata = 'a.csv'", "'settings' must be a table"), ("machine = 3\n[settings]", "'machine' must be a table")])
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


def test_folder_that_is_no_run_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder without a run\.toml; give a file with a recipe"):
        read_config(tmp_path, None)
    (tmp_path / "run.toml").mkdir()
    with pytest.raises(ConfigError, match=r"run\.toml: cannot be read: is a folder"):
        read_config(tmp_path, None)


ROW = "trial,state,score,init_seed,order_seed,dropout_seed,model,learning_rate\n0,complete,0.5,1,2,3,,0.25\n"
RUN = 'model = [{key = "", name = "minilm"}]\n[settings]\ndata = "a.csv"\nseed = 9\n'


def test_trial_of_a_run_is_taken_by_its_folder_its_run_toml_and_its_trials_csv(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text(ROW)
    (tmp_path / "run.toml").write_text(RUN)
    found = [read_config(path, 0) for path in (tmp_path, tmp_path / "run.toml", tmp_path / "trials.csv")]
    assert found[0] == found[1] == found[2]
    assert float(found[0]["fixed"]["learning_rate"]) == 0.25 and (found[0]["seed"], found[0]["order_seed"]) == (9, 2)


@pytest.mark.parametrize(("row", "run", "message"), [
    (ROW, "x = 1", "not, or no longer, those of one run"), (ROW, "settings = 3", "'settings' must be a table"),
    (ROW, RUN.replace('""', '"other"'), "those of one run"), (ROW.replace(",3,,", ",,,"), RUN, "those of one run"),
    (ROW.splitlines()[0], RUN, "not the trials.csv of a run"), ("a,b\n1,2\n", RUN, "not the trials.csv of a run")])
def test_trial_of_a_damaged_run_is_one_error(tmp_path: Path, row: str, run: str, message: str) -> None:
    (tmp_path / "trials.csv").write_text(row)
    (tmp_path / "run.toml").write_text(run)
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path, 0)


@pytest.mark.parametrize("asked", ["2GB", 2_000_000_000])
def test_disk_is_a_size_or_a_number_of_bytes(asked: str | int) -> None:
    assert parse_size(build(Settings, {"disk": asked}).disk or "") == 2_000_000_000


def test_disk_that_is_no_size_is_one_error() -> None:
    with pytest.raises(ConfigError, match="--disk plenty: not an amount of disk space"):
        Settings(disk="plenty")


def test_disk_is_taken_from_a_run_only_where_it_was_asked_for(tmp_path: Path) -> None:
    """What a machine had free says nothing of another."""
    for asked, disk in (("", None), ("disk = '2GB'\n", "2GB")):
        (tmp_path / "run.toml").write_text(f"[settings]\ndata = 'a.csv'\n{asked}[machine]\ndisk = 17179869184\nrung_rows = 5\n")
        found = build(Settings, read_config(tmp_path / "run.toml", None))
        assert (found.disk, found.rung_rows) == (disk, None)


def test_the_help_names_every_headline_metric_and_the_usual_one_first() -> None:
    said = next(field.metadata["help"] for field in dataclasses.fields(Settings) if field.name == "metric")
    for name, task in TASKS.items():
        own = said.partition(f"{name}: ")[2].partition(";")[0].partition(" [")[0].replace("and of two labels ", "")
        assert own.split(", ") == list(task.headlines)
