"""The cost of training, as a pure function of recipe and data: decisions rest on it, never on the clock.

The unit is one token passed forward and backward through the whole, fully trained encoder. A backward pass costs twice
a forward pass and reaches only the trained blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens
from luthier.recipes.recipe import Recipe

FORWARD_SHARE = 1 / 3


@dataclass(frozen=True)
class Shape:
    """What the cost of a trial depends on besides its recipe: training row lengths in tokens, and the blocks."""

    lengths: npt.NDArray[np.int64]
    layers: int

    @classmethod
    def of(cls, tokens: Tokens, layers: int) -> Shape:
        """The shape of a study on these training rows."""
        return cls(np.asarray(tokens.lengths), layers)

    @property
    def rows(self) -> int:
        """Training rows."""
        return len(self.lengths)

    def tokens_per_row(self, max_length: int) -> float:
        """The mean length of a row cut to `max_length`."""
        return float(np.minimum(self.lengths, max_length).mean())


def step_work(recipe: Recipe, shape: Shape) -> float:
    """The work of one optimiser step."""
    trained = (shape.layers - min(recipe.frozen_layers, shape.layers)) / max(1, shape.layers)
    depth = FORWARD_SHARE + (1 - FORWARD_SHARE) * trained
    return min(recipe.batch_size, shape.rows) * shape.tokens_per_row(recipe.max_length) * depth


def steps_for(work: float, recipe: Recipe, shape: Shape) -> int:
    """The steps that cost `work`, to the nearest; at least one."""
    return max(1, round(work / step_work(recipe, shape)))


def pass_work(rows: int, recipe: Recipe, shape: Shape) -> float:
    """The work of one forward pass over `rows` rows."""
    return rows * shape.tokens_per_row(recipe.max_length) * FORWARD_SHARE
