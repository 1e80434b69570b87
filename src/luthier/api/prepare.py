"""From what was asked to what is needed: rows, model, tokens, default recipe and space. Nothing is written yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.api.settings import Settings
from luthier.data.load import Corpus, load
from luthier.data.row import Row
from luthier.data.tokens import Tokens, percentile_length, tokenize
from luthier.errors import ConfigError
from luthier.models.classifier import load_tokenizer
from luthier.models.pretrained import Pretrained, resolve_model
from luthier.recipes.defaults import default_recipe, default_space
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Interval, Space, parse_space
from luthier.search.budget import parse_duration
from luthier.sharing.work import Shape
from luthier.tasks.base import Task
from luthier.tasks.classification import Classification

FEWEST_RUNG_ROWS = 200
LENGTH_PERCENT = 99


@dataclass(frozen=True)
class Asked:
    """What was asked, checked as far as it can be without loading a model."""

    settings: Settings
    corpus: Corpus
    pretrained: Pretrained
    task: Task


@dataclass(frozen=True)
class Prepared:
    """All that training needs. `splits` holds train, validation and test; `rung_rows` numbers validation rows."""

    asked: Asked
    tokenizer: Any
    splits: dict[str, Tokens]
    rung_rows: npt.NDArray[np.int64]
    default: Recipe
    space: Space
    shape: Shape

    @property
    def pad_token_id(self) -> int:
        """The id that fills up short rows."""
        return int(self.tokenizer.pad_token_id)


def check(settings: Settings, data: Any) -> Asked:
    """Read the data and find the model, and check every option against them. Fast: no model is loaded.

    Raises:
        UsageError: anything that cannot be done as asked.
    """
    _check_hyperparameters(settings)
    corpus = load(data, validation=settings.validation, test=settings.test, text_columns=settings.text_columns,
                  label_column=settings.label_column, group_column=settings.group_column, seed=settings.seed)
    pretrained = resolve_model(settings.model)
    _check_depth(settings, pretrained)
    return Asked(settings, corpus, pretrained, Classification(corpus.labels))


def _check_hyperparameters(settings: Settings) -> None:
    """Names, values and ranges of --set, --search and --budget, before anything is read."""
    found = []
    for part in (lambda: Recipe.from_table(settings.fixed, "--set"), lambda: parse_space(settings.search, Recipe()),
                 lambda: parse_duration(settings.budget or "1s")):
        try:
            part()
        except ConfigError as error:
            found.extend(str(error).splitlines())
    twice = sorted(set(settings.fixed) & set(settings.search))
    found.extend(f"{name}: both --set and --search; leave one out" for name in twice)
    if found:
        raise ConfigError("\n".join(found))


def _check_depth(settings: Settings, pretrained: Pretrained) -> None:
    """Freezing and length, against the model at hand."""
    found = []
    for name, limit, what in (("frozen_layers", pretrained.layers, "blocks"), ("max_length", pretrained.positions, "positions")):
        values = [getattr(Recipe.from_table(settings.fixed), name)] if name in settings.fixed else []
        if name in settings.search:
            dimension = parse_space(settings.search, Recipe()).dimensions[name]
            values += [dimension.high] if isinstance(dimension, Interval) else list(dimension.values)
        if values and max(values) > limit > 0:
            found.append(f"{name} = {max(values):g}: model {pretrained.name} has {limit} {what}")
    if found:
        raise ConfigError("\n".join(found))


def prepare(asked: Asked) -> Prepared:
    """Tokenise the rows, and scale the default recipe and space to them.

    Raises:
        ModelError: the tokenizer cannot be loaded.
    """
    settings, corpus, pretrained = asked.settings, asked.corpus, asked.pretrained
    tokenizer = load_tokenizer(pretrained.path)
    limit = min(pretrained.positions, int(min(tokenizer.model_max_length, 10**6)))
    splits = {name: _tokens(rows, asked.task, tokenizer, limit)
              for name, rows in (("train", corpus.train), ("validation", corpus.validation), ("test", corpus.test))}
    rows = len(splits["train"])
    length = percentile_length(splits["train"], LENGTH_PERCENT, limit)
    default = default_recipe(rows, len(asked.task.labels), count_parameters(pretrained.path), length).replace(**settings.fixed)
    space = parse_space(settings.search, default) if settings.search else default_space(default, pretrained.layers, rows)
    free = {name: dimension for name, dimension in space.dimensions.items() if name not in settings.fixed}
    return Prepared(
        asked=asked, tokenizer=tokenizer, splits=splits, default=default, space=Space(default, free),
        rung_rows=rung_rows(len(splits["validation"]), rows, settings.seed),
        shape=Shape.of(splits["train"], pretrained.layers))


def _tokens(rows: list[Row], task: Task, tokenizer: Any, limit: int) -> Tokens:
    return tokenize([row.text for row in rows], task.encode([row.target for row in rows]).tolist(), tokenizer, limit)


def rung_rows(validation: int, train: int, seed: int) -> npt.NDArray[np.int64]:
    """The validation rows that rungs are scored on: at most half as many as there are training rows, or 200.

    One look at them then costs at most a sixth of an epoch.
    """
    count = min(validation, max(FEWEST_RUNG_ROWS, train // 2))
    return np.sort(np.random.default_rng([seed, 1]).permutation(validation)[:count])


def count_parameters(folder: Path) -> int:
    """Parameters in the safetensors files of a model folder."""
    from safetensors import safe_open

    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="np") as tensors:
            total += sum(int(np.prod(tensors.get_slice(name).get_shape())) for name in tensors.keys())  # noqa: SIM118
    return total
