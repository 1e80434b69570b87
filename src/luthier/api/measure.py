"""Before the search: features of the pre-trained model for the frozen probe, and how fast this machine trains."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from luthier.api.prepare import Prepared
from luthier.data.row import Split
from luthier.data.sequences import sequences
from luthier.data.tokens import tokenize, used_ids
from luthier.engines.local import Workforce
from luthier.engines.memory import keep_memory, reset_peak
from luthier.errors import ModelError
from luthier.explain.controls import compared
from luthier.models.adapters import adapted_layers
from luthier.models.classifier import last_linear, load_classifier
from luthier.models.encoder import anatomy
from luthier.models.packing import is_packed, pack
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.space import Choice
from luthier.search.budget import Speed
from luthier.sharing.features import Features, Floats, extract, head_logits, some_rows
from luthier.sharing.work import cut_of, pass_work, work_of
from luthier.tasks.base import Head
from luthier.training.checkpoint import checkpoint_bytes
from luthier.training.learner import Learner
from luthier.training.loop import predict_logits, train
from luthier.training.precision import Precision, bears, lower
from luthier.training.selection import check_layer_lr

if TYPE_CHECKING:
    from torch import nn

WARM_UP_STEPS = 2
TIMED_SECONDS = 2.0
MOST_TIMED_STEPS = 8
SERVED_ROWS = 256
COMPANY = 0.85
"""Speed of a worker beside others over its speed alone: they share memory and caches."""


@dataclass(frozen=True)
class Measured:
    """The pre-trained model, frozen; its features of the training and validation rows; and the speed of one worker.

    `precision` is what all models of the study can compute in; `padded` names those that cannot be packed; `checkpoint` is
    the bytes of a checkpoint of the default recipe.
    """

    frozen: Frozen
    features: dict[str, Features]
    speed: Speed
    precision: Precision
    padded: tuple[str, ...]
    checkpoint: int


def measure(prepared: Prepared, force: Workforce, device: str, precision: Precision, known: Speed | None = None,
            company: float | None = None) -> Measured:
    """Look at the rows with the pre-trained model, using all cores; then make a few steps as a worker would.

    Args:
        known: the speed, where it has been measured before.
        company: what a worker keeps of its speed beside the others, where that was measured.

    Raises:
        ModelError: the model cannot be loaded, or its parts cannot be told apart.
    """
    import torch

    keep_memory()
    padded, precision = _check_models(prepared, device, precision)
    model = fresh_model(prepared, prepared.default, device)
    torch.set_num_threads(force.workers * force.threads)
    serving = known.serving if known else _serving_speed(prepared, model)
    frozen = Frozen(prepared, lower(model, precision))
    started = time.perf_counter()
    tokenwise = prepared.asked.task.head is Head.TOKENS
    features = {name: frozen.look(name) for name in (("train",) if tokenwise else ("train", "validation"))}
    rows = sum(len(found.rows) for found in features.values())
    forward = pass_work(rows, prepared.default, prepared.shape) / (time.perf_counter() - started) / force.workers
    torch.set_num_threads(force.threads)
    used = used_ids(prepared.splits["train"], prepared.start.pad_token_id)
    learner = Learner(fresh_model(prepared, prepared.default, device), prepared.default, Seeds.all(0), precision, used)
    beside = company or (COMPANY if force.workers > 1 else 1.0)
    training = known.training if known else _training_speed(prepared, learner) * beside
    checkpoint = checkpoint_bytes(learner)
    del learner  # or its memory would be held for as long as the study takes
    torch.set_num_threads(force.workers * force.threads)
    reset_peak(device)
    speed = known or Speed(training, max(forward, training), serving)
    return Measured(frozen, features, speed, precision, padded, checkpoint)


def fresh_model(prepared: Prepared, recipe: Recipe, device: str) -> nn.Module:
    """The pre-trained model of a recipe with a new head, in fp32; its blocks see real tokens only, where that can be."""
    settings = prepared.asked.settings
    start, seed = prepared.starts[recipe.model], settings.held_seeds.seeds(settings.seed).init
    model = load_classifier(start.pretrained.path, prepared.asked.task, recipe, seed=seed, pad_token_id=start.pad_token_id)
    pack(model, start.pad_token_id)
    return model.to(device)


def _check_models(prepared: Prepared, device: str, precision: Precision) -> tuple[tuple[str, ...], Precision]:
    """Every name of a part that was asked for, against the parts of every model: before time is spent on anything else.

    The names of the models that cannot be packed, and the precision that all of them bear.
    """
    default, padded, borne = prepared.default, [], precision
    asked = [default, *(default.replace(**{name: value}) for name in ("layer_lr", "lora_targets")
                        if isinstance(choice := prepared.space.dimensions.get(name), Choice) for value in choice.values)]
    for key, start in prepared.starts.items():
        model, called = fresh_model(prepared, default.replace(model=key), device), start.pretrained.name
        if last_linear(model).bias is None and prepared.asked.task.scale()[1]:
            raise ModelError(f"{called}: the last layer of its head has no bias, so a saved model could not give numbers around "
                             "their mean. Choose an encoder for regression.")
        parts, names = anatomy(model), [name for name, _ in model.named_parameters()]
        for recipe in asked:
            check_layer_lr(names, parts, recipe)
            adapted_layers(model, parts, recipe)
        if not is_packed(model):
            padded.append(called)
        if not bears(model, precision, start.pad_token_id):
            borne = Precision.FP32
    return tuple(padded), borne


@dataclass(frozen=True)
class Frozen:
    """The pre-trained model of the default recipe, as it says something of rows before any training."""

    prepared: Prepared
    model: nn.Module

    def look(self, split: str, rows: npt.NDArray[np.int64] | None = None) -> Features:
        """The frozen features of some rows of a split; by default of no more than a regression needs.

        The pooled features of pairs are those of their two texts, compared.
        """
        prepared, tokens = self.prepared, self.prepared.splits[split]
        rows = some_rows(tokens) if rows is None else rows
        cut, pad = cut_of(prepared.default), prepared.start.pad_token_id
        found = extract(self.model, tokens, rows, cut, pad)
        if not prepared.asked.corpus.pairs:
            return found
        data = prepared.asked.corpus.parts[Split(split)]
        texts = ([data[row].text for row in rows], [data[row].pair or "" for row in rows])
        limit = prepared.default.max_length
        single = [extract(self.model, tokenize(part, prepared.start.tokenizer, limit), np.arange(len(rows)), cut, pad).pooled
                  for part in texts]
        return replace(found, pooled=compared(*single))

    def scores(self, split: str, weight: Floats, bias: Floats) -> npt.NDArray[np.float64]:
        """The task's scores of the rows of a split, by a last layer of this weight and bias."""
        prepared, tokens = self.prepared, self.prepared.splits[split]
        return prepared.asked.task.scores(head_logits(self.model, tokens, np.arange(len(tokens)), cut_of(prepared.default),
                                                      prepared.start.pad_token_id, weight, bias))


def _serving_speed(prepared: Prepared, model: nn.Module) -> float:
    """Work a second of the model in fp32 with all cores, over some validation rows the second time that it sees them.

    The first time code is made for every new shape, which is most of so short a time, and nothing of that of all rows.
    """
    tokens, cut = prepared.splits["validation"], cut_of(prepared.default)
    order = np.random.default_rng(0).permutation(len(tokens))[:SERVED_ROWS]
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        predict_logits(model, tokens, order, cut, prepared.start.pad_token_id)
        seconds = time.perf_counter() - started
    return pass_work(len(order), prepared.default, prepared.shape) / seconds


def _training_speed(prepared: Prepared, learner: Learner) -> float:
    """Work a second of one worker, over a few real steps after the first ones."""
    read = sequences(prepared.splits["train"], cut_of(prepared.default))
    steps = train(learner, prepared.asked.task, read, WARM_UP_STEPS + MOST_TIMED_STEPS,
                  WARM_UP_STEPS + MOST_TIMED_STEPS, prepared.start.pad_token_id)
    times: list[float] = []
    begun = time.perf_counter()
    for _ in steps:
        times.append(time.perf_counter())
        if len(times) > WARM_UP_STEPS + 2 and times[-1] - begun > TIMED_SECONDS:
            break
    seconds = np.diff(times)[WARM_UP_STEPS - 1:]
    work = np.diff([work_of(step, prepared.default, prepared.shape) for step in range(1, len(times) + 1)])[WARM_UP_STEPS - 1:]
    return float(work.sum() / seconds.sum())
