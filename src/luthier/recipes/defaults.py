"""The default recipe and the default space, scaled to the data and the model."""

from __future__ import annotations

import math
from collections.abc import Mapping

from luthier.recipes.recipe import HeadInit, Method, Recipe, Schedule, steps_per_epoch
from luthier.recipes.space import Choice, Dimension, Interval, Space, Switched

SMALL_MODEL = 40_000_000
FEWEST_STEPS = 500
PARTIAL_RATE = 10
MANY_LABELS = 8
FEWEST_EPOCHS, MOST_EPOCHS = 4, 20
BATCHES = (8, 16, 32, 64)
FEWEST_EPOCH_STEPS = 8
LOWEST_BLOCK_SHARE = 0.05


def default_recipe(rows: int, labels: int, parameters: int, max_length: int, *, method: Method = Method.FULL,
                   shared_layers: bool = False) -> Recipe:
    """The recipe to begin with, for `rows` training rows of so many labels and a model of so many parameters.

    Small encoders learn at 1e-4, larger ones at 5e-5 (Turc 2019, ELECTRA). A run makes at least 500 steps and 4 epochs,
    and at most 20 epochs (Mosbach 2021). With many labels a random head takes hundreds of steps to find its place, so it
    starts from a probe and learns at 3 times the encoder's rate; with few, such a start only hastens overfitting
    (benchmarks/LOG.md), so it is random, and learns at 10 times the rate. LoRA and BitFit want about ten times the rate
    of full fine-tuning (Hu 2021; Ben Zaken 2021), and the head then has the encoder's. Shared layers cannot decay.
    """
    many = labels >= MANY_LABELS
    batch_size = 16
    per_epoch = steps_per_epoch(rows, batch_size)
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, FEWEST_STEPS / per_epoch))
    rate = 1e-4 if parameters <= SMALL_MODEL else 5e-5
    multiplier = 3.0 if many else 10.0
    if method is not Method.FULL:
        rate, multiplier = float(f"{rate * PARTIAL_RATE:.4g}"), 1.0
    return Recipe(
        method=method, learning_rate=rate, layer_decay=1.0 if shared_layers else 0.9, head_lr_multiplier=multiplier,
        batch_size=batch_size, epochs=float(f"{epochs:.4g}"), warmup_steps=max(5, min(50, round(epochs * per_epoch / 20))),
        max_length=max_length, schedule=Schedule.CONSTANT, head_init=HeadInit.PROBE if many else HeadInit.RANDOM)


def default_space(base: Recipe, layers: int, rows: int, shared_layers: bool = False) -> Space:
    """At most seven dimensions around `base`, for a model of so many blocks and so many training rows.

    The space's notes say how they were scaled. LoRA and BitFit keep freezing and layer decay: additions and biases of the
    lower blocks can be left out, or learn less, as whole blocks can.
    """
    partial = base.method is not Method.FULL
    dimensions: dict[str, Dimension] = {
        "learning_rate": Interval(float(f"{base.learning_rate / 5:.4g}"), float(f"{base.learning_rate * 8:.4g}"), log=True),
        "head_lr_multiplier": Interval(0.1, 10, log=True) if partial else Interval(1, 30, log=True),
        "layer_decay": Interval(min(base.layer_decay, _least_decay(layers)), 1.0),
        "frozen_layers": Choice((0, "all")) if shared_layers else Interval(0, layers, integer=True),
        "batch_size": Choice(tuple(size for size in BATCHES
                                   if size <= base.batch_size or rows / size >= FEWEST_EPOCH_STEPS)),
        "dropout": Interval(0.0, 0.3),
        "weight_decay": Switched(Interval(0.003, 3.0, log=True)),
    }
    space = Space(base, dimensions, _notes(dimensions, base, layers))
    return space.without(["layer_decay"] if shared_layers else [] if layers else ["layer_decay", "frozen_layers"])


def _least_decay(layers: int) -> float:
    """The decay at which the lowest of so many blocks learns at a twentieth of the rate, to two digits, not above it."""
    return math.floor(100 * math.pow(LOWEST_BLOCK_SHARE, 1 / max(1, layers))) / 100


def _notes(dimensions: Mapping[str, Dimension], base: Recipe, layers: int) -> dict[str, str]:
    """Why dimensions are as they are, where that rests on the data or the model."""
    batches = dimensions["batch_size"].extremes
    method = "" if base.method is Method.FULL else f" for {base.method.value}"
    notes = {"learning_rate": f"from a fifth to eight times {base.learning_rate:g}, what models of this size usually want{method}"}
    if layers:
        notes["layer_decay"] = (f"from {dimensions['layer_decay'].extremes[0]:g}, where the lowest of {layers} blocks learns at "
                                "about a twentieth of the rate")
    if len(batches) < len(BATCHES):
        notes["batch_size"] = (f"up to {batches[-1]}: larger batches would leave fewer than {FEWEST_EPOCH_STEPS} steps an epoch")
    return notes
