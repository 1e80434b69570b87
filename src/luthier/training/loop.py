"""MAIN LOOP 1: train one trial. A generator of steps; evaluating, saving, logging and deciding stay outside it.

All randomness of step s comes from (seed, s) and the order of rows from (seed, epoch), so a run that is cut at any step
and goes on from its checkpoint is the same run.

A batch passes in parts (parts.py). Where memory runs out, its step begins anew, with the same seed and smaller parts. Masks of
dropout are drawn part by part, so two runs are equal bit for bit only where their parts are; with other parts, the gradients of
a step are equal to rounding without dropout, and with it in expectation.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from luthier.data.sequences import Cut, Sequences, sequences
from luthier.data.tokens import Tokens
from luthier.errors import TrainingError
from luthier.models.packing import is_packed
from luthier.tasks.base import Task
from luthier.training.batches import Batch, collate, step_rows
from luthier.training.learner import Learner
from luthier.training.objective import Objective
from luthier.training.optimizer import clip, newest_share, set_rates
from luthier.training.parts import LOOKED_AT_TOKENS, Parts, passes, unless_memory_runs_out
from luthier.training.penalties import apply_penalties

if TYPE_CHECKING:
    import torch
    from torch import nn

log = logging.getLogger(__name__)
BeforePass = Callable[[npt.NDArray[np.int64] | None], None]
"""Is told which sequences a model is called with next; None: of none that it knows."""
_Passed: TypeAlias = "tuple[torch.Tensor, torch.Tensor, torch.Tensor]"


@dataclass(frozen=True)
class Step:
    """One optimiser step has been made.

    `step` counts from 1; `objective` is the mean of what was minimised; `rate` is the encoder's learning rate; `tokens`
    counts real ones, without padding; `rows` the sequences; `scores` are the task's for the units of the step, with dropout
    on, and `targets` their targets.
    """

    step: int
    objective: float
    rate: float
    tokens: int
    rows: int
    scores: npt.NDArray[np.float64]
    targets: npt.NDArray[Any]


def train(learner: Learner, task: Task, read: Sequences, until: int, total_steps: int, pad_token_id: int,
          given: BeforePass | None = None, parts: Parts | None = None) -> Iterator[Step]:
    """Make the optimiser steps from `learner.step` to `until`, yielding after each.

    Args:
        read: the training rows as the recipe has them read.
        given: is told before each pass which sequences it is of.
        total_steps: the horizon of the schedule; of no effect while the rate is constant.
        parts: how batches are cut, which changes where memory runs out.

    Raises:
        TrainingError: the loss or the gradient is not finite (says step, learning rate and dtype), or there is too little memory
            for one row.
    """
    import torch

    recipe, weights, parts = learner.recipe, learner.trainable, parts or Parts(is_packed(learner.model))
    objective, all_lengths = Objective(task, recipe, read.tokens, learner.device), read.lengths
    while learner.step < until:
        step = learner.step
        rows = step_rows(step, len(read), recipe.batch_size, learner.seeds.order)
        rate = set_rates(learner.optimizer, recipe, step, total_steps)
        while (passed := _accumulate(learner, objective, read, rows, parts, pad_token_id, given)) is None:
            log.debug("step %d begins anew with parts of %d tokens", step + 1, parts.most)
        losses, logits, targets = zip(*passed, strict=True)
        if given:
            given(None)
        # Here a step waits for the device; before, only where packed rows are laid out.
        norm = torch.nn.utils.get_total_norm([weight.grad for weight in weights.values() if weight.grad is not None])
        value, size = float(torch.stack(losses).sum()), float(norm)
        if not (math.isfinite(value) and math.isfinite(size)):
            raise TrainingError(
                f"the loss is {value} and the gradient norm {size} at step {step + 1}, learning rate {rate:.3g}, "
                f"dtype {logits[-1].dtype}. A lower learning rate or a longer warmup usually mends this.")
        clip(learner.optimizer, weights.values(), norm, size, recipe.max_grad_norm)
        learner.optimizer.step()
        apply_penalties(learner.optimizer, recipe, learner.anchors)
        learner.show_weights()
        learner.step += 1
        if learner.average and (share := newest_share(recipe, step, total_steps)):
            learner.average.update(weights, share)
        yield Step(learner.step, value, rate, int(all_lengths[rows].sum()), len(rows),
                   task.scores(torch.cat(logits).float().cpu().numpy()), torch.cat(targets).cpu().numpy())


def _accumulate(learner: Learner, objective: Objective, read: Sequences, rows: npt.NDArray[np.int64], parts: Parts,
                pad_token_id: int, given: BeforePass | None) -> list[_Passed] | None:
    """The gradients of a step, from its beginning; None where memory ran out: then `parts` are smaller from now on."""
    import torch

    torch.manual_seed(_step_seed(learner.seeds.dropout, learner.step))
    learner.begin_step()
    cut = [rows[part] for part in parts.cut(read.lengths[rows])]
    batches = [collate(read, part, pad_token_id) for part in cut]
    units = max(1, sum(objective.units(batch) for batch in batches))
    found = []
    for part, batch in zip(cut, batches, strict=True):
        if given:
            given(part)
        passed = unless_memory_runs_out(partial(_backward, learner, objective, batch, units))
        if passed is None:
            parts.halve(read.lengths[part])
            return None
        found.append(passed)
    return found


def _backward(learner: Learner, objective: Objective, batch: Batch, units: int) -> _Passed:
    """Add the gradients of one part: its share of the loss, its logits and its targets."""
    total, logits, targets = objective(learner.model, batch.to(learner.device))
    loss = total / units
    loss.backward()
    learner.take_gradients()
    return loss.detach(), logits.detach(), targets


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def predict_scores(model: nn.Module, task: Task, tokens: Tokens, rows: npt.NDArray[np.int64], cut: Cut, pad_token_id: int,
                   given: BeforePass | None = None) -> npt.NDArray[np.float64]:
    """The task's scores of each unit of the given rows: of each row, or of each of its tokens. Shape [units, outputs].

    What a model says of the windows of one row is averaged before it becomes a score; a token counts in the window in which
    it stands furthest from an edge.
    """
    return task.scores(predict_logits(model, tokens, rows, cut, pad_token_id, given))


def predict_logits(model: nn.Module, tokens: Tokens, rows: npt.NDArray[np.int64], cut: Cut, pad_token_id: int,
                   given: BeforePass | None = None) -> npt.NDArray[np.float32]:
    """The outputs of each unit of the given rows, before they become scores. Shape [units, outputs]."""

    def outputs(batch: Batch) -> torch.Tensor:
        logits: torch.Tensor = model(**batch.inputs()).logits
        return logits

    model.eval()
    return collect(outputs, sequences(tokens, cut, rows), next(model.parameters()).device, pad_token_id, given=given)


def collect(outputs: Callable[[Batch], torch.Tensor], read: Sequences, device: torch.device, pad_token_id: int,
            given: BeforePass | None = None) -> npt.NDArray[np.float32]:
    """What `outputs` gives for each batch, put together for each unit of the rows that were read. Shape [units, size].

    Batches become half as large where memory runs out.

    Args:
        outputs: a vector for each sequence [sequences, size], or for each token [sequences, longest, size] where tokens have
            targets.
    """
    import torch

    assert len(read), "there are no rows to score"
    owner, place = read.owners() if read.tokens.per_token else (read.places, None)
    by_sequence = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[by_sequence], np.arange(len(read) + 1))
    found: npt.NDArray[np.float32] | None = None

    def values_of(which: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        if given:
            given(which)
        values: npt.NDArray[np.float32] = outputs(collate(read, which, pad_token_id).to(device)).float().cpu().numpy()
        return values

    with torch.no_grad():
        for which, values in passes(read.lengths, LOOKED_AT_TOKENS[device.type], values_of):
            if found is None:
                found = np.zeros((len(owner) if place is not None else int(read.places[-1]) + 1, values.shape[-1]), np.float32)
            if place is None:
                np.add.at(found, read.places[which], values)
                continue
            for own, index in zip(values, which.tolist(), strict=True):
                units = by_sequence[bounds[index]:bounds[index + 1]]
                found[units] = own[place[units]]
    if given:
        given(None)
    assert found is not None
    return found if place is not None else np.asarray(found / np.bincount(read.places)[:, None], np.float32)
