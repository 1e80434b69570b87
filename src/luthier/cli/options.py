"""Options that commands share; their sentences of help are those of `Settings`."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from luthier.api.settings import Settings, read_config
from luthier.config import build
from luthier.data.options import DataOptions
from luthier.errors import ConfigError
from luthier.recipes.recipe import HELP

STARTED = time.monotonic()
"""When the command began: a budget is of the whole command."""

HYPERPARAMETERS = tuple(name for name in HELP if name != "model")
"""Those that are options of `luthier train`; --model names the pre-trained model there."""
_TABLES = ("layer_lr", "lora_targets")
_HELP = {field.name: field.metadata["help"] for field in dataclasses.fields(Settings)}


def option(*names: str, setting: str = "", help: str = "") -> Any:
    return typer.Option(*names, help=help or _HELP[setting], show_default=False)


Data = Annotated[str | None, typer.Argument(help=_HELP["data"], show_default=False)]
Validation = Annotated[str | None, option("--validation", setting="validation")]
Test = Annotated[str | None, option("--test", setting="test")]
Task = Annotated[str | None, option("--task", setting="task")]
Metric = Annotated[str | None, option("--metric", setting="metric")]
MaxTrainRows = Annotated[int | None, option("--max-train-rows", setting="max_train_rows")]
ModelNames = Annotated[list[str] | None, option("--model", setting="model")]
Offline = Annotated[bool | None, option("--offline/--no-offline", setting="offline")]
Fixed = Annotated[list[str] | None, option("--set", setting="fixed")]
Device = Annotated[str | None, option("--device", setting="device")]
Precision = Annotated[str | None, option("--precision", setting="precision")]
Disk = Annotated[str | None, option("--disk", setting="disk")]
Refit = Annotated[bool | None, option("--refit/--no-refit", setting="refit")]
Threads = Annotated[int | None, option("--threads", setting="threads")]
Output = Annotated[str | None, option("--output", setting="output")]
Seed = Annotated[int | None, option("--seed", setting="seed")]
InitSeed = Annotated[int | None, option("--init-seed", setting="init_seed")]
OrderSeed = Annotated[int | None, option("--order-seed", setting="order_seed")]
DropoutSeed = Annotated[int | None, option("--dropout-seed", setting="dropout_seed")]
Config = Annotated[Path | None, option("--config", help="A recipe.toml or run.toml to start from; options given here override it.")]
DryRun = Annotated[bool, option("--dry-run", help="Say what would be done, and stop.")]
Quiet = Annotated[bool, option("--quiet", help="Say nothing but errors.")]
Json = Annotated[bool, option("--json", help="Print the result as JSON on standard output; messages go to standard error.")]


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """NAME=VALUE texts as a table.

    Raises:
        ConfigError: a text without "=", or a name given twice.
    """
    table: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name or not value.strip():
            form = "NAME=SPEC, such as learning_rate=1e-5..1e-3:log" if option.startswith("--search") else "NAME=VALUE"
            raise ConfigError(f"{option} {text}: write {option} {form}")
        if name in table:
            raise ConfigError(f"{option} {text}: {name} is given twice")
        table[name] = value.strip()
    return table


def data_options() -> dict[str, Any]:
    """The options that say how data are read, by their names in commands."""
    several = {"text_columns", "label_columns"}
    return {field.name: Annotated[list[str] | None, option(f"--{field.name[:-1].replace('_', '-')}", setting=field.name)]
            if field.name in several else Annotated[str | None, option(f"--{field.name.replace('_', '-')}", setting=field.name)]
            for field in dataclasses.fields(DataOptions)}


def hyperparameter_options() -> dict[str, Any]:
    """An option for each hyperparameter, --frozen-layers for frozen_layers."""
    return {name: Annotated[(list[str] if name in _TABLES else str) | None, option(f"--{name.replace('_', '-')}", help=HELP[name])]
            for name in HYPERPARAMETERS}


def with_options(*groups: Mapping[str, Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that takes `**given` groups of options; data options stand before its own, the others after."""
    added = {name: annotation for group in groups for name, annotation in group.items()}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        parameters = list(inspect.signature(command, eval_str=True).parameters.values())[:-1]
        annotations = {parameter.name: parameter.annotation for parameter in parameters} | added
        parameters += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in added]

        @functools.wraps(command)
        def wrapped(**given: Any) -> None:
            command(**given)

        wrapped.__signature__ = inspect.Signature([  # type: ignore[attr-defined]  # what Typer reads
            parameter.replace(annotation=annotations[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in parameters])
        wrapped.__annotations__ = annotations
        return wrapped

    return decorate


def refuse_empty(given: Mapping[str, Any]) -> None:
    """Raise ConfigError where an option was given an empty text, which would mean its default."""
    empty = [name for name, value in given.items() if value == "" or (isinstance(value, list | tuple) and "" in value)]
    if empty:
        raise ConfigError(f"--{empty[0].replace('_', '-')} is empty; give a value, or leave the option out")


def reading(given: Mapping[str, Any]) -> dict[str, Any]:
    """The data options among what a command was given, without those left out; lists as tuples."""
    return {field.name: tuple(value) if isinstance(value, list) else value for field in dataclasses.fields(DataOptions)
            if (value := given.get(field.name)) is not None}


def hyperparameters(given: Mapping[str, Any], fixed: Sequence[str] | None) -> dict[str, str]:
    """The hyperparameters that were given as options of their own, and those of --set.

    Raises:
        ConfigError: one is given both ways.
    """
    own = {name: ", ".join(value) if isinstance(value, list) else value for name, value in given.items()
           if value and name in HYPERPARAMETERS}
    table = pairs("--set", fixed)
    twice = sorted(set(own) & set(table))
    if twice:
        raise ConfigError(f"{twice[0]} is given twice: by --{twice[0].replace('_', '-')} and by --set")
    return own | table


def gather(given: Mapping[str, Any], config: Path | None, trial: int | None = None) -> Settings:
    """Options over the settings of --config over the defaults.

    Raises:
        ConfigError: any of them is wrong, or there is no DATA.
    """
    if trial is not None and config is None:
        raise ConfigError("--trial needs --config RUN/trials.csv")
    refuse_empty({name: value for name, value in given.items() if name in ("budget", "model")})
    base = read_config(config, trial) if config else {}
    options: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
               if value not in (None, {}, [])}
    if "fixed" in options:
        options["fixed"] = base.get("fixed", {}) | dict(options["fixed"])
    settings = build(Settings, base | options)
    if not settings.data:
        raise ConfigError("give DATA: a file, a folder with train/validation/test files, or example:reviews")
    return settings
