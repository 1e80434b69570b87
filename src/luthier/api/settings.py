"""`Settings`: everything a person can ask of `train` and `tune`, as options, keyword arguments or a TOML file."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.api.folder import read_rows
from luthier.config import Limits, build, read_toml, setting, to_table, validate
from luthier.data.options import DataOptions
from luthier.errors import ConfigError, RunError
from luthier.recipes.recipe import HELP, Recipe
from luthier.recipes.seeds import HeldSeeds
from luthier.sharing.quota import parse_size


class Command(enum.Enum):
    """What a run was started as."""

    TRAIN = "train"
    TUNE = "tune"


class SamplerName(enum.Enum):
    """What suggests the recipes."""

    AUTO = "auto"
    GRID = "grid"
    RANDOM = "random"
    TPE = "tpe"


class SchedulerName(enum.Enum):
    """What stops trials early."""

    AUTO = "auto"
    ASHA = "asha"
    MEDIAN = "median"
    NONE = "none"
    TOP_K = "top-k"


class DeviceName(enum.Enum):
    """What trains."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class PrecisionName(enum.Enum):
    """What models compute in."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


IN_TURN = "cv"
"""What --test says where training rows are to be held out in turn."""
FEW_ROWS = 1000
"""Training rows below which the validation rows are worth training on, too."""


@dataclasses.dataclass(frozen=True)
class Given:
    """The data as they were given: paths and names, or tables in memory; None where validation or test rows were not."""

    data: Any
    validation: Any = None
    test: Any = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What was asked. The tables of a run.toml; its sentences are the command line's help.

    Raises:
        ConfigError: naming every wrong value.
    """

    data: str = setting(
        "", "A file, a folder with train/validation/test files, hub:owner/name, or example:NAME (reviews, support, places).")
    text_columns: tuple[str, ...] = setting((), "Column that holds the text; repeat to join several in order.")
    pair_column: str | None = setting(None, "Column that holds the second text, where rows are pairs.")
    label_columns: tuple[str, ...] = setting(
        (), "Column that holds the label; repeat for several labels a row, each in a column of 0 and 1.")
    label_separator: str | None = setting(None, "What separates the labels in a cell that holds several, such as ';'.")
    id_column: str | None = setting(None, "Column that names the rows.")
    group_column: str | None = setting(None, "Rows that share a value of this column stay on one side of a split.")
    annotators: str = setting(
        "first", "Whose answer counts where several people labelled a row: first, majority, or a name.")
    spans: str = setting("refuse", "What to do with entities that overlap: refuse, or keep the longest.")
    encoding: str = setting("utf-8", "Encoding of text files.")
    labels: str | None = setting(None, "File that renames, merges or drops labels (luthier check --write-labels).")
    task: str | None = setting(
        None, "classification, multilabel, entities or regression [default: told by the data].")
    metric: str | None = setting(
        None, "Headline metric, by which recipes compete. classification: macro_f1, accuracy, weighted_f1, mcc, and of two labels "
        "f1, roc_auc, pr_auc; multilabel: micro_f1, macro_f1, subset_accuracy, mean_average_precision; entities: f1, f1_strict, "
        "macro_f1; regression: pearson, spearman, r2 [default: the first of the task's].")
    max_train_rows: int | None = setting(None, "Most training rows to use, drawn by the seed.", Limits(1, 10**9))
    validation: str | None = setting(None, "File with the validation rows.")
    test: str | None = setting(
        None, "File with the test rows; or cv: no test rows are cut off, and the figure is of all training rows, held out in turn.")
    model: tuple[str, ...] = setting(
        ("auto",), "A hub name (owner/name[@revision]), a folder, a run, or 'minilm' (embedded; what 'auto' takes); repeat to "
        "compare several.")
    offline: bool = setting(False, "Use no network: a hub model must be in the cache, or a folder of luthier fetch.")
    budget: str | None = setting(
        None, "Wall-clock time of the whole command, such as 90s, 15m or 2h [default: 15m; no limit with --trials].")
    trials: int | None = setting(None, "Most recipes to try, the default among them.", Limits(1, 1_000_000))
    search: dict[str, str] = setting({}, "What to search, instead of the default space: NAME=SPEC.")
    search_also: dict[str, str] = setting({}, "What to search besides the default space, or otherwise than there: NAME=SPEC.")
    fixed: dict[str, str] = setting({}, "Hyperparameters held at a value: NAME=VALUE.")
    sampler: SamplerName = setting(SamplerName.AUTO, "What suggests recipes.")
    scheduler: SchedulerName = setting(
        SchedulerName.AUTO, "What stops trials early: asha (the best third of a rung goes on), auto (the better half), median, "
        "top-k (one epoch each, then the best third), or none, which runs each to its end [default: auto].")
    repeats: int = setting(1, "Seeds that every recipe is trained on; recipes are compared by their mean.", Limits(1, 1000))
    refit: bool | None = setting(
        None, "Train what is delivered once more on training and validation rows together, for as many steps [default: where "
        f"there are fewer than {FEW_ROWS:,} training rows and the validation rows were cut off from them].")
    record_test: bool = setting(False, "Score the test rows for every trial; selection is then no longer blind to them.")
    device: DeviceName = setting(
        DeviceName.AUTO, "What to train on: cpu, cuda, mps, or auto, which takes a GPU where torch finds one [default: auto].")
    precision: PrecisionName = setting(
        PrecisionName.AUTO, "What models compute in: fp32, bf16, or auto (bf16 where this machine is faster with it).")
    sharing: bool = setting(
        True, "Let trials go on from checkpoints and share what their frozen layers make of the rows.")
    trunk: bool | None = setting(
        None, "Whether what frozen layers make of the rows is stored [default: where that saves time].")
    disk: str | None = setting(
        None, "Most that is kept on disk beside the results, such as 500MB or 2GB: half for checkpoints, half for what frozen "
        "layers make of the rows; what does not fit is computed again [default: 16GiB, or what the finals "
        "need; no more than half of what is free].")
    workers: int | None = setting(
        None, "Trials trained at once [default: one a core, at most 4; on CUDA, as measured].", Limits(1, 256))
    threads: int | None = setting(
        None, "Threads of each worker [default: the cores, shared out among the workers].", Limits(1, 1024))
    rung_rows: int | None = setting(
        None, "Validation rows on which trials are compared while they run [default: as many as the time allows].",
        Limits(1, 10**9))
    output: str | None = setting(None, "Folder of the run [default: runs/NAME-1, runs/NAME-2, …].")
    seed: int = setting(0, "Seed of the splits, the training and the search.", Limits(0, 2**31 - 1))
    init_seed: int | None = setting(None, "Seed of the new weights, held in every trial.", Limits(0, 2**31 + 999))
    order_seed: int | None = setting(None, "Seed of the order of the rows, held in every trial.", Limits(0, 2**31 + 999))
    dropout_seed: int | None = setting(None, "Seed of the dropout, held in every trial.", Limits(0, 2**31 + 999))

    def __post_init__(self) -> None:
        validate(self)
        _ = self.reading  # refuses what no data can be read by
        if self.disk is not None:
            parse_size(self.disk)

    @property
    def in_turn(self) -> bool:
        """Whether the training rows are held out in turn, for there are no test rows."""
        return self.test == IN_TURN

    @property
    def chosen(self) -> set[str]:
        """The hyperparameters that a person has held or searched: nothing else decides on them."""
        return {*self.fixed, *self.search, *self.search_also}

    @property
    def given(self) -> Given:
        """The data, where all of them are files or examples."""
        return Given(self.data, self.validation, None if self.in_turn else self.test)

    @property
    def reading(self) -> DataOptions:
        """How the data are to be read."""
        return DataOptions(**{field.name: getattr(self, field.name) for field in dataclasses.fields(DataOptions)})

    @property
    def held_seeds(self) -> HeldSeeds:
        """The sources of randomness that every trial has in common."""
        return HeldSeeds(self.init_seed, self.order_seed, self.dropout_seed)


def read_config(path: Path, trial: int | None) -> dict[str, Any]:
    """The settings that a file given to --config holds: a recipe, a run.toml, or one row of a trials.csv.

    Args:
        trial: the number of the row, for a trials.csv (or for the run.toml beside it).

    Raises:
        ConfigError: the file is not one of these, or holds no such trial.
    """
    if path.is_dir():
        if not (path / "run.toml").exists():
            raise ConfigError(f"--config {path}: is a folder without a run.toml; give a file with a recipe, a run.toml, or a run")
        path = path / "run.toml"
    if path.name == "trials.csv" or (trial is not None and path.name == "run.toml"):
        return _of_trial(path.parent, trial)
    if trial is not None:
        raise ConfigError(f"--config {path}: --trial names a row of a run's trials.csv; give RUN/trials.csv")
    tables = read_toml(path)
    if "settings" in tables:
        machine = {name: value for name, value in _machine(tables, path).items() if name not in ("rung_rows", "trunk")}
        return to_table(_settings(tables, path)) | machine  # these go with the time there is
    if path.name == "run.toml" and "recipe" not in tables:
        raise ConfigError(f"--config {path}: not the whole run.toml of a run: it lacks [settings]")
    recipe = tables.get("recipe", tables)
    if not isinstance(recipe, Mapping) or ("recipe" in tables and len(tables) > 1):
        raise ConfigError(f"{path}: a recipe is a table of hyperparameters, by itself or under [recipe]")
    Recipe.from_table(recipe, str(path))
    return {"fixed": dict(recipe)}


def _of_trial(run: Path, number: int | None) -> dict[str, Any]:
    """The settings that train one trial of a run once more, to the same numbers."""
    if number is None:
        raise ConfigError(f"{run / 'trials.csv'}: say which row: luthier train --config … --trial NUMBER")
    try:
        rows = read_rows(run / "trials.csv", ("trial", "state", "score"))
    except RunError as error:
        raise ConfigError(str(error)) from None
    if not rows:
        raise ConfigError(f"{run / 'trials.csv'}: not the trials.csv of a run, or one without trials")
    row = next((row for row in rows if row["trial"] == str(number)), None)
    if row is None:
        raise ConfigError(f"--trial {number}: {run / 'trials.csv'} has trials 0 to {len(rows) - 1}")
    if not row["score"]:
        raise ConfigError(f"--trial {number}: this trial was never scored ({row['state']}), so there is nothing to repeat")
    if row.get("fold", "0") not in ("", "0"):
        raise ConfigError(f"--trial {number}: it was trained on other rows than the study's training rows; trial {row['parent']}, "
                          "which it was made from, was trained on these")
    file = run / "run.toml"
    tables = read_toml(file)
    settings = dict(_settings(tables, file).__dict__)
    for name in ("search", "search_also", "trials", "budget", "output", "sampler", "scheduler", "repeats", "record_test",
                 "refit"):
        settings.pop(name)
    try:
        settings |= {name: int(row[name]) for name in ("init_seed", "order_seed", "dropout_seed")}
        names = {model["key"]: model["name"] for model in tables["model"]}
        settings["model"] = (names[row["model"]],)
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"--config {run}: its run.toml and trials.csv are not, or no longer, those of one run") from None
    recipe = Recipe.from_table({name: row[name] for name in HELP if name in row})
    fixed = {name: row[name] for name in HELP if name in row and name != "model" and recipe.means_something(name)}
    return settings | {"fixed": fixed, **_machine(tables, file), "workers": 1}


def _settings(tables: Mapping[str, Any], path: Path) -> Settings:
    return build(Settings, _table(tables, "settings", path), str(path))


def _machine(tables: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What was measured and planned for the machine, as it was: workers, threads, precision, rung rows, and whether frozen
    layers are stored."""
    machine = _table(tables, "machine", path)
    return {name: machine[name] for name in ("workers", "threads", "precision", "rung_rows", "trunk") if name in machine}


def _table(tables: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    """The table called `name`, empty where there is none.

    Raises:
        ConfigError: something else has that name.
    """
    table = tables.get(name, {})
    if not isinstance(table, Mapping):
        raise ConfigError(f"{path}: '{name}' must be a table: [{name}] and, under it, lines of NAME = VALUE")
    return table
