"""The cost of training, as a pure function of recipe and data: decisions rest on it, never on the clock.

The unit is one token passed forward and backward through the whole, fully trained encoder. A third of that is the forward
pass; of the backward pass, which reaches only the trained blocks, half is for the activations and half for the weights,
and that half falls away where only biases or low-rank additions are trained.

Where what the lowest blocks make of rows is stored, they are not run: functions that take `stored` then count the others
alone. That is what a stage really costs, and seconds are made of it. Decisions are made of the cost with nothing stored, so
that a study that shares nothing takes the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.data.sequences import Cut
from luthier.data.tokens import Tokens
from luthier.recipes.recipe import LongTexts, Method, Recipe, blocks_of

FORWARD_SHARE = 1 / 3
ACTIVATIONS_SHARE = 1 / 3
WEIGHTS_SHARE = 1 / 3


@dataclass(frozen=True)
class Shape:
    """What the cost of a trial depends on besides its recipe: training row lengths in tokens, and the blocks.

    `special` tokens of each row are not of its text. Where a study compares several pre-trained models, `models` holds the
    shape for each by the name that recipes give it, and `size` is the size of this one's blocks over that of the first.
    """

    lengths: npt.NDArray[np.int64]
    layers: int
    size: float = 1.0
    models: Mapping[str, Shape] = field(default_factory=dict)
    special: int = 2
    _read: dict[Cut, tuple[int, float]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, tokens: Tokens, layers: int, size: float = 1.0) -> Shape:
        """The shape of a study on these training rows."""
        return cls(np.asarray(tokens.lengths), layers, size, special=tokens.special)

    def to_table(self) -> dict[str, Any]:
        """Plain values, for the journal: how many rows there are of each length."""
        found, counts = np.unique(self.lengths, return_counts=True)
        return {"lengths": found.tolist(), "counts": counts.tolist(), "layers": self.layers, "size": self.size,
                "special": self.special, "models": {name: shape.to_table() for name, shape in self.models.items()}}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Shape:
        """The shape that `to_table` describes: of other rows that cost the same."""
        return cls(np.repeat(np.asarray(table["lengths"], np.int64), table["counts"]), table["layers"], table["size"],
                   {name: cls.from_table(shape) for name, shape in table["models"].items()}, table["special"])

    def for_model(self, name: str) -> Shape:
        """The shape for the model of that name, as recipes give it; this one where a study has but one model."""
        return self.models.get(name, self)

    def rows(self, recipe: Recipe) -> int:
        """What an epoch consists of: the training rows, each as often as the recipe's windows make of it."""
        return self.for_model(recipe.model)._amount(cut_of(recipe))[0]

    def tokens_per_row(self, recipe: Recipe) -> float:
        """The mean number of tokens that are read of a row."""
        return self._amount(cut_of(recipe))[1]

    def _amount(self, cut: Cut) -> tuple[int, float]:
        """The rows of an epoch and the mean tokens of a row: asked for at every decision, so counted once."""
        if cut not in self._read:
            self._read[cut] = (int(cut.count(self.lengths, self.special).sum()),
                               float(cut.lengths(self.lengths, self.special).mean()))
        return self._read[cut]


def cut_of(recipe: Recipe) -> Cut:
    """How a recipe has long rows read."""
    return Cut(recipe.max_length, recipe.long_texts is LongTexts.WINDOWS)


def step_work(recipe: Recipe, shape: Shape, stored: int = 0) -> float:
    """The work of one optimiser step, with everything unfrozen that ever is.

    Args:
        stored: the blocks, from the bottom, that are not run; no more of them than are never trained.
    """
    shape = shape.for_model(recipe.model)
    return _step_work(recipe, shape, shape.layers - never_trained(recipe, shape.layers), stored)


def never_trained(recipe: Recipe, layers: int) -> int:
    """The blocks, from the bottom, that a backward pass never reaches: frozen, or at rate 0 with the embeddings."""
    frozen = recipe.frozen_blocks(layers)
    if recipe.freezes_embeddings or recipe.layer_lr.get("embeddings") == 0:
        still = [blocks_of(entry) or () for entry, rate in recipe.layer_lr.items() if rate == 0]
        while frozen < layers - recipe.reinit_layers and any(frozen in blocks for blocks in still):
            frozen += 1
    return frozen


def _step_work(recipe: Recipe, shape: Shape, trained_blocks: int, stored: int) -> float:
    backward = ACTIVATIONS_SHARE + (WEIGHTS_SHARE if recipe.method is Method.FULL else 0.0)
    depth = FORWARD_SHARE * _run_share(shape, stored) + backward * trained_blocks / max(1, shape.layers)
    passes = 2 if recipe.r_drop > 0 else 1
    rows = shape.rows(recipe)
    tokens = shape.tokens_per_row(recipe) * len(shape.lengths) / rows
    return min(recipe.batch_size, rows) * tokens * shape.size * depth * passes


def _run_share(shape: Shape, stored: int) -> float:
    """The share of the blocks that a forward pass runs."""
    return 1 - stored / max(1, shape.layers)


def _phases(recipe: Recipe, shape: Shape, stored: int = 0) -> Iterator[tuple[int, float]]:
    """Gradual unfreezing as (steps, work of each) for every phase but the last, which has no end."""
    shape = shape.for_model(recipe.model)
    for blocks in range(shape.layers - never_trained(recipe, shape.layers) if recipe.unfreeze_every else 0):
        yield recipe.unfreeze_every, _step_work(recipe, shape, max(blocks, recipe.reinit_layers), stored)


def work_of(steps: int, recipe: Recipe, shape: Shape, stored: int = 0) -> float:
    """The work of a run's first `steps` optimiser steps."""
    work = 0.0
    for length, each in _phases(recipe, shape, stored):
        made = min(steps, length)
        work, steps = work + made * each, steps - made
    return work + steps * step_work(recipe, shape, stored)


def stage_work(start: int, until: int, recipe: Recipe, shape: Shape, stored: int = 0) -> float:
    """The work of the steps after `start`, up to `until`."""
    return work_of(until, recipe, shape, stored) - work_of(start, recipe, shape, stored)


def steps_for(work: float, recipe: Recipe, shape: Shape) -> int:
    """The first steps of a run that cost `work`, to the nearest; at least one."""
    steps = 0
    for length, each in _phases(recipe, shape):
        if work < length * each:
            return max(1, steps + round(work / each))
        work, steps = work - length * each, steps + length
    return max(1, steps + round(work / step_work(recipe, shape)))


def pass_work(rows: int, recipe: Recipe, shape: Shape, stored: int = 0) -> float:
    """The work of one forward pass over `rows` rows."""
    shape = shape.for_model(recipe.model)
    return rows * shape.tokens_per_row(recipe) * shape.size * FORWARD_SHARE * _run_share(shape, stored)


def making_work(boundary: int, rows: int, recipe: Recipe, shape: Shape, lower: int = 0) -> float:
    """The work of storing what the lowest `boundary` blocks make of rows, from what is stored of the lowest `lower`."""
    return pass_work(rows, recipe, shape, lower) - pass_work(rows, recipe, shape, boundary)


def stored_bytes(rows: int, recipe: Recipe, shape: Shape, width: int) -> int:
    """The size of what is stored of rows, of a token in so many bytes; the same at every boundary."""
    return round(rows * shape.for_model(recipe.model).tokens_per_row(recipe)) * width
