"""Tiny learners and rows that tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from luthier.data.row import Row
from luthier.data.sequences import sequences
from luthier.data.tokens import Tokens, tokenize
from luthier.models.classifier import load_classifier, load_tokenizer
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.sharing.work import cut_of
from luthier.tasks.classification import Classification
from luthier.training.learner import Learner
from luthier.training.loop import Step, train

TASK = Classification(("negative", "neutral", "positive"))
PLAIN = {"batch_size": 8, "dropout": 0.0, "warmup_steps": 0, "schedule": "constant", "averaging": "none", "max_length": 64,
         "learning_rate": 1e-3, "weight_decay": 0.0}
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="session")
def tokens(tiny_model: Path, reviews: list[Row]) -> Tokens:
    """64 rows of example:reviews."""
    return TASK.encode(tokenize([row.text for row in reviews[:64]], load_tokenizer(tiny_model), 64), reviews[:64])


@pytest.fixture(scope="session")
def make(tiny_model: Path) -> Callable[..., Learner]:
    """A learner on the tiny model by a plain recipe with some hyperparameters changed."""
    def make(seeds: Seeds | None = None, **changes: object) -> Learner:
        recipe, seeds = Recipe.from_table(PLAIN | changes), seeds or Seeds.all(5)
        model = load_classifier(tiny_model, TASK, recipe, seed=seeds.init, pad_token_id=0)
        return Learner(model, recipe, seeds)
    return make


@pytest.fixture(scope="session")
def run(tokens: Tokens) -> Callable[..., list[Step]]:
    """Train a learner for some steps."""
    def run(learner: Learner, steps: int, total: int = 12) -> list[Step]:
        return list(train(learner, TASK, sequences(tokens, cut_of(learner.recipe)), steps, total, 0))
    return run


@pytest.fixture(scope="session")
def weights() -> Callable[[Learner], Weights]:
    """A copy of all weights of a learner's model."""
    return lambda learner: {name: p.detach().clone() for name, p in learner.model.named_parameters()}
