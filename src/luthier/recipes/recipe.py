"""`Recipe`: every hyperparameter of one fine-tuning.

Ranges and defaults follow the literature named at each field, and what was measured for benchmarks/LOG.md. A recipe
holds no seed: a seed is a replicate, not a hyperparameter (Dodge et al. 2020).
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from luthier.config import Limits, build, setting, to_table, validate


class Schedule(enum.Enum):
    """The shape of the learning rate after warmup."""

    CONSTANT = "constant"
    LINEAR = "linear"
    WARMUP_STABLE_DECAY = "warmup-stable-decay"

    @property
    def horizon_free(self) -> bool:
        """Whether a short run is a prefix of a longer one."""
        return self is Schedule.CONSTANT


class Averaging(enum.Enum):
    """Which weights are evaluated and delivered."""

    NONE = "none"
    EMA = "ema"


class HeadInit(enum.Enum):
    """What the last linear layer of the head starts from."""

    RANDOM = "random"
    PROBE = "probe"

MOST_EPOCHS = 100_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every hyperparameter of one fine-tuning, validated on creation.

    Raises:
        ConfigError: naming every field out of its range.
    """

    learning_rate: float = setting(
        1e-4, "Step size of the encoder (AdamW).", Limits(0, 1, open_low=True))
    head_lr_multiplier: float = setting(
        10.0, "Learning rate of the new head over that of the encoder (Kumar 2022).", Limits(0, 1000, open_low=True))
    layer_decay: float = setting(
        0.9, "Each layer learns at this multiple of the rate of the layer above it (ELECTRA); 1 is off.",
        Limits(0, 1, open_low=True))
    frozen_layers: int = setting(
        0, "The bottom blocks, and the embeddings, that keep their pre-trained weights (Lee 2019); dropout is off in "
        "them. 0 trains everything.", Limits(0, 1000))
    batch_size: int = setting(
        16, "Rows in one optimiser step.", Limits(1, 4096))
    dropout: float = setting(
        0.1, "Hidden and attention dropout of the trained layers.", Limits(0, 0.9))
    weight_decay: float = setting(
        0.01, "Decoupled L2 shrinkage of weight matrices, times the learning rate (AdamW); never on embeddings, "
        "biases or norms.", Limits(0, 100))
    epochs: float = setting(
        8.0, "Passes over the training rows; may be a fraction.", Limits(0, MOST_EPOCHS, open_low=True))
    warmup_steps: int = setting(
        30, "Steps over which the learning rate rises from zero.", Limits(0, 1_000_000))
    schedule: Schedule = setting(
        Schedule.WARMUP_STABLE_DECAY, "Shape of the learning rate after warmup (Hägele 2024).")
    decay_share: float = setting(
        0.2, "Share of all steps that the final decay of warmup-stable-decay takes.", Limits(0, 0.9))
    averaging: Averaging = setting(
        Averaging.EMA, "Weights that are evaluated: the last ones, or an average over about the last tenth of the "
        "steps so far (Shamir & Zhang 2013).")
    head_init: HeadInit = setting(
        HeadInit.RANDOM, "The head's last layer starts at random, or from a logistic regression on the features that "
        "it sees.")
    max_grad_norm: float = setting(
        1.0, "Gradients are clipped to this global norm.", Limits(0, 1e6, open_low=True))
    max_length: int = setting(
        128, "Tokens kept of a row, special tokens included.", Limits(4, 1_000_000))

    def __post_init__(self) -> None:
        validate(self)

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some hyperparameters changed.

        Raises:
            ConfigError: unknown names (with the nearest known one) and values out of range, all at once.
        """
        return Recipe.from_table(self.to_table() | changes)

    def to_table(self) -> dict[str, Any]:
        """The hyperparameters as plain TOML and JSON values."""
        return to_table(self)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str = "") -> Recipe:
        """The recipe that `to_table` describes; missing hyperparameters take their defaults."""
        return build(cls, table, where)

    @property
    def hash(self) -> str:
        """Twelve hex digits that are equal for equal recipes."""
        text = json.dumps(self.to_table(), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def total_steps(self, rows: int) -> int:
        """Optimiser steps of the whole run on `rows` training rows."""
        return max(1, round(self.epochs * steps_per_epoch(rows, self.batch_size)))


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Optimiser steps in one pass; the last, smaller batch counts."""
    return math.ceil(rows / batch_size)


HELP: dict[str, str] = {field.name: field.metadata["help"] for field in dataclasses.fields(Recipe)}
