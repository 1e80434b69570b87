"""The default recipe and the default space, scaled to the data and the model."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.recipes.recipe import HeadInit, Method, Recipe, Schedule, steps_per_epoch
from luthier.recipes.space import Choice, Dimension, Interval, Space

SMALL_MODEL = 40_000_000
FEWEST_STEPS = 500
PARTIAL_RATE = 10
MANY_LABELS = 8
FEWEST_EPOCHS, MOST_EPOCHS = 4, 20


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


def default_space(base: Recipe, layers: int, rows: int) -> Space:
    """Seven dimensions around `base`; small data sets get no batches that leave fewer than 8 steps an epoch."""
    batches = tuple(size for size in (8, 16, 32, 64) if size == 8 or rows / size >= 8)
    dimensions: Mapping[str, Dimension] = {
        "learning_rate": Interval(float(f"{base.learning_rate / 5:.4g}"), float(f"{base.learning_rate * 8:.4g}"), log=True),
        "head_lr_multiplier": Interval(1, 30, log=True),
        "layer_decay": Interval(0.6, 1.0),
        "frozen_layers": Interval(0, layers, integer=True),
        "batch_size": Choice(batches),
        "dropout": Interval(0.0, 0.3),
        "weight_decay": Interval(0.003, 3.0, log=True),
    }
    return Space(base, dimensions)
