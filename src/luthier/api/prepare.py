"""From what was asked to what is needed: rows, model, tokens, default recipe and space. Nothing is written yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.api.reading import LENGTH_PERCENT, encode, most_tokens, token_findings
from luthier.api.settings import Given, SamplerName, Settings
from luthier.config import as_text
from luthier.data.check import by_severity
from luthier.data.findings import Finding
from luthier.data.load import Corpus, load
from luthier.data.places import count
from luthier.data.row import Row
from luthier.data.sequences import Cut
from luthier.data.tokens import Tokens, percentile_length
from luthier.errors import ConfigError, DataError, ModelError
from luthier.models.classifier import load_tokenizer
from luthier.models.encoder import is_embedding
from luthier.models.pretrained import Pretrained, resolve_model
from luthier.models.suits import unsuited
from luthier.recipes.defaults import default_recipe, default_space
from luthier.recipes.recipe import CONDITIONS, LongTexts, Recipe
from luthier.recipes.space import Choice, Space, parse_space
from luthier.search.budget import FEWEST_RUNG_ROWS, parse_duration
from luthier.sharing.work import Shape
from luthier.tasks.base import Head, Ints, Task
from luthier.tasks.entity_metrics import documents
from luthier.tasks.registry import kind_of, task_for
from luthier.tasks.wording import wording_of


@dataclass(frozen=True)
class Asked:
    """What was asked, checked as far as it can be without loading a model.

    `models` holds the pre-trained models by the name that recipes give them: one is called "", several by their names.
    """

    settings: Settings
    corpus: Corpus
    models: dict[str, Pretrained]
    task: Task


@dataclass(frozen=True)
class Start:
    """A pre-trained model with its tokenizer and the rows as its tokens: splits train, validation and test.

    `block_parameters` are those outside of the embeddings: what a pass through the model costs grows with them.
    """

    pretrained: Pretrained
    tokenizer: Any
    splits: dict[str, Tokens]
    parameters: int
    block_parameters: int

    @property
    def pad_token_id(self) -> int:
        """The id that fills up short rows."""
        return int(self.tokenizer.pad_token_id)


@dataclass(frozen=True)
class Prepared:
    """All that training needs. `starts` are named as in `Asked.models`; `rung_rows` numbers validation rows, of which at least
    the first `fewest_rung_rows` are needed.

    `findings` are what there is to say about the data, what the default model's tokenizer makes of them included.
    """

    asked: Asked
    starts: dict[str, Start]
    rung_rows: npt.NDArray[np.int64]
    fewest_rung_rows: int
    default: Recipe
    space: Space
    shape: Shape
    findings: tuple[Finding, ...]

    @property
    def start(self) -> Start:
        """The default recipe's."""
        return self.starts[self.default.model]

    @property
    def splits(self) -> dict[str, Tokens]:
        """The rows as tokens of the default recipe's model."""
        return self.start.splits


def check(settings: Settings, given: Given) -> Asked:
    """Read the data and find the model, and check every option against them. Fast: no model is loaded.

    Raises:
        UsageError: anything that cannot be done as asked.
    """
    _check_hyperparameters(settings)
    wanted = kind_of(settings.task)
    corpus = load(given.data, settings.reading, kind=wanted, validation=given.validation, test=given.test, seed=settings.seed,
                  max_train_rows=settings.max_train_rows, in_turn=settings.in_turn)
    task = task_for(corpus.kind).make(corpus.labels, corpus.train, settings.metric)
    models = find_models(settings.model)
    _check_suitable(settings, models, task, corpus.pairs)
    return Asked(settings, corpus, models, task)


def find_models(names: Sequence[str]) -> dict[str, Pretrained]:
    """The pre-trained models by the names that recipes give them: "" for one, short different names for several.

    Raises:
        UsageError: one cannot be found, or is named twice.
    """
    found = [resolve_model(name) for name in names]
    if len(found) == 1:
        return {"": found[0]}
    short = [Path(model.name).name for model in found]
    keys = short if len(set(short)) == len(short) else list(names)
    if len({model.hash for model in found}) < len(found):
        raise ConfigError(f"--model {', '.join(names)}: the same model is named twice")
    return dict(zip(keys, found, strict=True))


def _check_hyperparameters(settings: Settings) -> None:
    """Names, values and ranges of --set, --search, --search-also and --budget, before anything is read."""
    found = []
    if settings.search and settings.search_also:
        found.append("--search replaces the default space and --search-also adds to it; give only one of the two")
    for part in (lambda: Recipe.from_table(settings.fixed), lambda: asked_space(settings, _held(settings)),
                 lambda: parse_duration(settings.budget or "1s")):
        try:
            part()
        except ConfigError as error:
            found.extend(str(error).splitlines())
    if settings.fixed.get("model") or "model" in settings.search | settings.search_also:
        found.append("model: name it with --model; repeat that to compare several")
    options = {"--search": settings.search, "--search-also": settings.search_also}
    found.extend(f"{name}: both --set and {option}; leave one out"
                 for option, table in options.items() for name in sorted(set(table) & set(settings.fixed)))
    found.extend(_idle(settings))
    if settings.sampler is SamplerName.GRID and not settings.search and len(settings.model) == 1:
        found.append("--sampler grid needs values to combine: give --search NAME=A,B,C for each hyperparameter")
    if settings.repeats > 1 and None not in (settings.init_seed, settings.order_seed, settings.dropout_seed):
        found.append("--repeats: all three seeds are held, so every repeat would be the same; leave out one of them")
    if found:
        raise ConfigError("\n".join(found))


def _idle(settings: Settings) -> list[str]:
    """What is held by --set though it means nothing beside what else is held."""
    held, usual = _held(settings), Recipe()
    searched = settings.search | settings.search_also
    return [f"{name} = {as_text(getattr(held, name))}: means something only where {other} is {as_text(value)}"
            for name, (other, value) in CONDITIONS.items()
            if not held.means_something(name) and getattr(held, name) != getattr(usual, name) and other not in searched]


def _held(settings: Settings) -> Recipe:
    """The default recipe as far as it is known yet; any recipe where --set is wrong, which is reported on its own."""
    try:
        return Recipe.from_table(settings.fixed)
    except ConfigError:
        return Recipe()


def asked_space(settings: Settings, base: Recipe) -> Space:
    """What --search or --search-also names."""
    return parse_space(settings.search, base).also(
        parse_space(settings.search_also, base, "--search-also").dimensions)


def _check_suitable(settings: Settings, models: dict[str, Pretrained], task: Task, pairs: bool) -> None:
    """Every value that was asked for, against the models and the task at hand."""
    base = Recipe(layer_decay=1.0, max_length=4)
    asked = [base.replace(**{name: value}) for name, value in settings.fixed.items()]
    dimensions = asked_space(settings, _held(settings)).dimensions
    asked += [base.replace(**{name: value}) for name, dimension in dimensions.items() for value in dimension.extremes]
    found = [problem for recipe in asked for model in models.values() for problem in unsuited(recipe, model)]
    found += [problem for recipe in asked for problem in idle_for_task(recipe, task, pairs)]
    if task.head is Head.TOKENS and ("long_texts" in settings.search | settings.search_also
                                     or (_held(settings).long_texts is not LongTexts.WINDOWS and "long_texts" in settings.fixed)):
        found.append("long_texts: entities are always read in windows, for what is cut off could not be found")
    if found:
        raise ConfigError("\n".join(dict.fromkeys(found)))


def idle_for_task(recipe: Recipe, task: Task, pairs: bool) -> list[str]:
    """What of a recipe means nothing for the task, one sentence each."""
    usual = Recipe()
    found = [f"{name} = {as_text(getattr(recipe, name))}: has no meaning in {task.name}"
             for name in wording_of(task.name).idle if getattr(recipe, name) != getattr(usual, name)]
    if pairs and recipe.long_texts is LongTexts.WINDOWS:
        found.append("long_texts = windows: pairs are read at once; the longer text of each is cut first")
    return found


def prepare(asked: Asked) -> Prepared:
    """Tokenise the rows, and scale the default recipe and space to them.

    Raises:
        ModelError: a tokenizer cannot be loaded.
    """
    settings, layers = asked.settings, min(model.layers for model in asked.models.values())
    starts = {name: _start(asked, model) for name, model in asked.models.items()}
    start = next(iter(starts.values()))
    limit = min(most_tokens(found.pretrained, found.tokenizer) for found in starts.values())
    length = percentile_length(start.splits["train"], LENGTH_PERCENT, limit)
    shared = any(model.shares_layers for model in asked.models.values())
    long_texts = LongTexts.WINDOWS if asked.task.head is Head.TOKENS else _held(settings).long_texts
    cut = Cut(_held(settings).max_length if "max_length" in settings.fixed else length, long_texts is LongTexts.WINDOWS)
    rows = int(cut.count(start.splits["train"].lengths, start.splits["train"].special).sum())
    default = default_recipe(rows, len(asked.task.outputs), start.parameters, length,
                             method=_held(settings).method, shared_layers=shared).replace(long_texts=long_texts)
    default = default.replace(**(settings.fixed | {"model": next(iter(starts))}))
    space = Space(default, {}) if settings.search else default_space(default, layers, rows, shared)
    if len({model.layers for model in asked.models.values()}) > 1 and "frozen_layers" in space.dimensions:
        space = space.also({"frozen_layers": Choice((0, "half", "75%", "all"))})  # numbers mean another depth on each
    space = space.also(asked_space(settings, default).dimensions).without(settings.fixed)
    if len(starts) > 1:
        space = space.also({"model": Choice(tuple(starts))})
    looked_at, fewest = _rung_rows(asked, start, rows)
    return Prepared(
        asked=asked, starts=starts, default=default, space=space, rung_rows=looked_at, fewest_rung_rows=fewest,
        shape=_shape(starts), findings=tuple(by_severity([*asked.corpus.findings, *token_findings(
            asked.corpus, start.splits, start.tokenizer, default.max_length, limit,
            default.long_texts is LongTexts.WINDOWS)])))


def _start(asked: Asked, pretrained: Pretrained) -> Start:
    corpus, tokenizer = asked.corpus, load_tokenizer(pretrained.path)
    limit = most_tokens(pretrained, tokenizer)
    whole = asked.task.head is Head.TOKENS or "long_texts" in asked.settings.chosen
    splits = {part.value: encode(rows, asked.task, tokenizer, None if whole and not corpus.pairs else limit)
              for part, rows in corpus.parts.items()}
    return Start(pretrained, tokenizer, splits, *count_parameters(pretrained.path))


def _shape(starts: dict[str, Start]) -> Shape:
    """What the first model's trials cost, and the others' beside it."""
    shapes = {}
    for name, start in starts.items():
        size = start.block_parameters / next(iter(starts.values())).block_parameters
        shapes[name] = Shape.of(start.splits["train"], start.pretrained.layers, size)
    first = next(iter(shapes.values()))
    return replace(first, models=shapes) if len(shapes) > 1 else first


def _rung_rows(asked: Asked, start: Start, train_rows: int) -> tuple[npt.NDArray[np.int64], int]:
    """The validation rows that rungs may be scored on, in an order drawn by the seed, and the fewest of them that will do.

    As many as `--rung-rows` says, or at most half as many as there are training rows: one look at them then costs at most
    a sixth of an epoch. All of them where the headline metric means nothing on fewer.

    Raises:
        DataError: the metric means nothing on the validation or the test rows.
    """
    task, guess = asked.task, asked.task.guess(np.asarray(start.splits["train"].targets))

    def defined(split: str, rows: npt.NDArray[np.int64]) -> bool:
        tokens = start.splits[split]
        return task.metric in task.metrics(np.tile(guess, (len(tokens.units(rows)), 1)), task.truth(tokens, rows))

    for split in ("validation", "test"):
        if not defined(split, np.arange(len(start.splits[split]))):
            raise DataError(f"The {task.metric_title} cannot be computed on the {split} rows: they lack a label that it is of. "
                            f"Choose another --metric, or give {split} rows with every label.")
    for fold, rows in asked.corpus.folds.items():
        if not defined("train", np.asarray(rows)):
            raise DataError(f"--test cv: the {task.metric_title} cannot be computed on fold {fold} of {len(asked.corpus.folds)}, "
                            f"{count(len(rows), 'row')}. Choose another --metric, or give test rows.")
    order = np.random.default_rng([asked.settings.seed, 1]).permutation(len(start.splits["validation"]))
    most = order[:asked.settings.rung_rows or max(FEWEST_RUNG_ROWS, train_rows // 2)]
    if not defined("validation", most):
        return order, len(order)
    fewest = len(most) if asked.settings.rung_rows else min(len(most), FEWEST_RUNG_ROWS)
    return most, fewest if defined("validation", most[:fewest]) else len(most)


def groups_of(rows: list[Row]) -> Ints | None:
    """Which rows are drawn together for an interval: those of one document or group. Shape [rows]; None where there are none."""
    return documents([row.group for row in rows]) if any(row.group is not None for row in rows) else None


def count_parameters(folder: Path) -> tuple[int, int]:
    """Parameters in the safetensors files of a model folder: all, and those outside of the embeddings.

    Raises:
        ModelError: a file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    total = blocks = 0
    for file in folder.glob("*.safetensors"):
        try:
            with safe_open(file, framework="np") as tensors:
                sizes = {name: int(np.prod(tensors.get_slice(name).get_shape())) for name in tensors.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ModelError(f"{file}: the weights are damaged: {error}. Copy or download the model anew.") from None
        total += sum(sizes.values())
        blocks += sum(size for name, size in sizes.items() if not is_embedding(name))
    return total, blocks
