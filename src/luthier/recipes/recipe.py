"""`Recipe`: every hyperparameter of one fine-tuning.

Ranges and defaults follow the literature named at each field, and what was measured for benchmarks/LOG.md. A recipe
holds no seed: a seed is a replicate, not a hyperparameter (Dodge et al. 2020). Nor does it know its model: `half` and
`auto` are made into numbers where the model and the rows are at hand.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from luthier.config import Limits, Words, as_text, build, setting, to_table, validate


class Schedule(enum.Enum):
    """The shape of the learning rate after warmup."""

    CONSTANT = "constant"
    LINEAR = "linear"
    COSINE = "cosine"
    WARMUP_STABLE_DECAY = "warmup-stable-decay"
    SLANTED_TRIANGULAR = "slanted-triangular"


class Averaging(enum.Enum):
    """Which weights are evaluated and delivered."""

    NONE = "none"
    EMA = "ema"
    SWA = "swa"


class HeadInit(enum.Enum):
    """What the last linear layer of the head starts from."""

    RANDOM = "random"
    PROBE = "probe"


class Pooling(enum.Enum):
    """How the vectors of a row's tokens become one."""

    MODEL = "model"
    CLS = "cls"
    MEAN = "mean"


class LongTexts(enum.Enum):
    """How a text of more than `max_length` tokens is read."""

    CUT = "cut"
    WINDOWS = "windows"


class Method(enum.Enum):
    """Which weights fine-tuning changes."""

    FULL = "full"
    LORA = "lora"
    BITFIT = "bitfit"


MOST_EPOCHS = 100_000

Depth = Annotated[int | str, Words(r"half|all|embeddings|(100|\d{1,2})%", "'embeddings', 'half', 'all' or a share such as 75%")]
Power = Annotated[float | str, Words("auto", "'auto'")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every hyperparameter of one fine-tuning, validated on creation.

    A field that means something only beside a certain value of another says so in its metadata: `only_if`.

    Raises:
        ConfigError: naming every field out of its range.
    """

    # Rates
    learning_rate: float = setting(
        1e-4, "Step size of the encoder (AdamW).", Limits(0, 1, open_low=True))
    head_lr_multiplier: float = setting(
        10.0, "Learning rate of the new head over that of the encoder (Kumar 2022).", Limits(0, 1000, open_low=True))
    layer_decay: float = setting(
        0.9, "Each layer learns at this multiple of the rate of the layer above it (ELECTRA); 1 is off.",
        Limits(0, 1, open_low=True))
    layer_lr: dict[str, float] = setting(
        {}, "Multiples of the learning rate, by 'embeddings', 'head', blocks ('7', '0-5', counted from 0 at the bottom) "
        "or a pattern of parameter names ('encoder.layer.7.attention.*'); where several match, all multiply; 0 freezes.",
        Limits(0, 1000))
    warmup_steps: int = setting(
        30, "Steps over which the learning rate rises from zero.", Limits(0, 1_000_000))
    schedule: Schedule = setting(
        Schedule.WARMUP_STABLE_DECAY, "Shape of the learning rate after warmup (Hägele 2024); slanted-triangular rises "
        "over a tenth of all steps in place of warmup (Howard & Ruder 2018).")
    decay_share: float = setting(
        0.2, "Share of all steps that the final decay of warmup-stable-decay takes; the finals of a search end with one too.",
        Limits(0, 0.9))

    # Amount
    batch_size: int = setting(
        16, "Rows in one optimiser step.", Limits(1, 4096))
    epochs: float = setting(
        8.0, "Passes over the training rows; may be a fraction.", Limits(0, MOST_EPOCHS, open_low=True))
    max_length: int = setting(
        128, "Tokens that are read at once, special tokens included.", Limits(4, 1_000_000))
    long_texts: LongTexts = setting(
        LongTexts.CUT, "Of a text with more tokens: 'cut' reads the beginning, 'windows' reads all of it in overlapping "
        "windows and takes the mean of what the model says (entities: always windows).")

    # Architecture
    frozen_layers: Depth = setting(
        0, "The bottom blocks, and the embeddings, that keep their pre-trained weights (Lee 2019): a number, a share such "
        "as 75%, 'half', 'all' (only what is above the blocks is trained) or 'embeddings' (no block). 0 trains "
        "everything.", Limits(0, 1000))
    dropout_in_frozen: bool = setting(
        False, "Whether dropout is also on in frozen layers, as in most of the literature.")
    unfreeze_every: int = setting(
        0, "Gradual unfreezing (Howard & Ruder 2018): at first only what stands above the blocks is trained, and one "
        "more block, from the top, joins after every so many steps. 0 is off.", Limits(0, 1_000_000))
    reinit_layers: int = setting(
        0, "The top blocks that start afresh instead of from pre-trained weights (Zhang 2021); they are always trained.",
        Limits(0, 1000))
    head_init: HeadInit = setting(
        HeadInit.RANDOM, "The head's last layer starts at random, or from a logistic regression on the features that "
        "it sees.")
    pooling: Pooling = setting(
        Pooling.MODEL, "How the vectors of a row's tokens become one: the model's own way, or 'cls' or 'mean' where its "
        "class has that choice.")
    dropout: float = setting(
        0.1, "Dropout of the trained layers and the head.", Limits(0, 0.9))
    attention_dropout: float | None = setting(
        None, "Dropout of attention weights; as `dropout` unless given.", Limits(0, 0.9))

    # Penalties
    weight_decay: float = setting(
        0.01, "Decoupled L2 shrinkage of weight matrices, times the learning rate (AdamW); like l1 and l2_sp never on "
        "embeddings, biases or norms.", Limits(0, 100))
    l1: float = setting(
        0.0, "L1 penalty: after each step weights move towards zero by this times the learning rate, and stay there when "
        "they reach it (proximal step).", Limits(0, 100))
    l2_sp: float = setting(
        0.0, "Pull towards the pre-trained weights: after each step this share, times the learning rate, of what has "
        "changed is taken back (Li 2018, decoupled).", Limits(0, 10_000), only_if=("method", Method.FULL))
    label_smoothing: float = setting(
        0.0, "Share of each target that is spread evenly over all labels.", Limits(0, 0.9))
    class_weighting: Power = setting(
        0.0, "Rows of a label with n rows weigh n to the power of minus this; 'auto' is 0.5 where the most frequent label "
        "has over 5 times the rows of the least, else 0. With several labels a row, each label's own rows weigh (rows "
        "without / rows with) to that power, at most 10.", Limits(0, 1))
    r_drop: float = setting(
        0.0, "Weight of the divergence between two passes with different dropout (R-Drop, Liang 2021); over 0 a step "
        "costs twice as much.", Limits(0, 100))
    max_grad_norm: float = setting(
        1.0, "Gradients are clipped to this global norm.", Limits(0, 1e6, open_low=True))

    # Method
    method: Method = setting(
        Method.FULL, "What is trained besides the head: all weights, low-rank additions (LoRA, Hu 2021; learning rate "
        "about ten times that of full), or biases alone (BitFit, Ben Zaken 2021; 3e-4 to 3e-3).")
    lora_rank: int = setting(
        16, "Rank of the additions.", Limits(1, 1024), only_if=("method", Method.LORA))
    lora_alpha: int = setting(
        32, "The additions are multiplied by this over their rank.", Limits(1, 10_000),
        only_if=("method", Method.LORA))
    lora_dropout: float = setting(
        0.0, "Dropout before the additions.", Limits(0, 0.9), only_if=("method", Method.LORA))
    lora_targets: tuple[str, ...] = setting(
        (), "Names of the linear layers that get additions, such as query, value; none named means all.",
        only_if=("method", Method.LORA))

    # Averaging
    averaging: Averaging = setting(
        Averaging.EMA, "Weights that are evaluated: the last ones, an average over about the last tenth of the steps so "
        "far (ema: Shamir & Zhang 2013), or their plain mean over the last part of all steps (swa: Izmailov 2018).")
    swa_share: float = setting(
        0.25, "Share of all steps, the last ones, that the mean of swa is over.", Limits(0, 1, open_low=True),
        only_if=("averaging", Averaging.SWA))

    model: str = setting(
        "", "The pre-trained model, where a search compares several; otherwise empty.")

    def __post_init__(self) -> None:
        validate(self)

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some hyperparameters changed.

        Raises:
            ConfigError: unknown names (with the nearest known one) and values out of range, all at once.
        """
        return Recipe.from_table(self.to_table() | changes)

    def means_something(self, name: str) -> bool:
        """Whether a hyperparameter has any effect beside the values of the others; see `applies`."""
        return applies(name, vars(self))

    def to_table(self) -> dict[str, Any]:
        """The hyperparameters as plain TOML and JSON values; those that are None are left out."""
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

    @property
    def horizon_free(self) -> bool:
        """Whether a short run is a prefix of a longer one: neither rate nor average depends on the number of steps."""
        return self.schedule is Schedule.CONSTANT and self.averaging is not Averaging.SWA

    def total_steps(self, rows: int) -> int:
        """Optimiser steps of the whole run on `rows` training rows."""
        return max(1, round(self.epochs * steps_per_epoch(rows, self.batch_size)))

    def frozen_blocks(self, layers: int) -> int:
        """How many of a model's blocks, from the bottom, `frozen_layers` names; those that start afresh never count."""
        named = self.frozen_layers
        blocks = round(_share(named) * layers) if isinstance(named, str) else named
        return max(0, min(blocks, layers - self.reinit_layers))

    def layers_beyond(self, layers: int) -> list[str]:
        """The entries of `layer_lr` that name a block which a model of so many does not have."""
        return [entry for entry in self.layer_lr if (blocks := blocks_of(entry)) and blocks[-1] >= layers]

    @property
    def freezes_embeddings(self) -> bool:
        """Whether the embeddings keep their pre-trained weights."""
        named = self.frozen_layers
        return named == "embeddings" or (_share(named) if isinstance(named, str) else named) > 0


_BLOCKS = re.compile(r"(\d+)(?:-(\d+))?")


def blocks_of(entry: str) -> range | None:
    """The blocks that an entry of `layer_lr` names, counted from 0 at the bottom; None where it names something else."""
    found = _BLOCKS.fullmatch(entry)
    return range(int(found[1]), int(found[2] or found[1]) + 1) if found else None


def _share(depth: str) -> float:
    """The share of the blocks that a word or a percentage of `frozen_layers` names."""
    words = {"embeddings": 0.0, "half": 0.5, "all": 1.0}
    return words[depth] if depth in words else float(depth.rstrip("%")) / 100


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Optimiser steps in one pass; the last, smaller batch counts."""
    return math.ceil(rows / batch_size)


FIELDS = {field.name: field for field in dataclasses.fields(Recipe)}
HELP: dict[str, str] = {name: field.metadata["help"] for name, field in FIELDS.items()}
CONDITIONS: dict[str, tuple[str, enum.Enum]] = {
    name: field.metadata["only_if"] for name, field in FIELDS.items() if "only_if" in field.metadata}
"""Hyperparameters that mean something only where another has a certain value: {name: (the other, its value)}."""


def applies(name: str, values: Mapping[str, Any]) -> bool:
    """Whether the hyperparameter means something beside `values` of others (`CONDITIONS`).

    These may be a recipe's own, or their texts as tables and files hold them. What they leave out is in nothing's way.
    """
    if name not in CONDITIONS:
        return True
    other, wanted = CONDITIONS[name]
    return as_text(values.get(other, wanted)) == as_text(wanted)
