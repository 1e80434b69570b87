"""MAIN LOOP 1: train one trial. A generator of steps; evaluating, saving, logging and deciding stay outside it.

All randomness of step s comes from (seed, s) and the order of rows from (seed, epoch), so a run that is cut at any step
and goes on from its checkpoint is the same run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens
from luthier.errors import TrainingError
from luthier.tasks.base import Task
from luthier.training.batches import by_length, collate, step_rows
from luthier.training.learner import Learner
from luthier.training.objective import Objective
from luthier.training.optimizer import newest_share, set_rates
from luthier.training.penalties import apply_penalties

if TYPE_CHECKING:
    from torch import nn

MICRO_BATCH = 8
"""Rows that pass through the model at once. A batch is cut into such parts by length, which leaves its gradient as it is,
saves padding (1.24 times the speed on 16 rows of 5 to 70 words), and bounds the memory that a large batch takes."""


@dataclass(frozen=True)
class Step:
    """One optimiser step has been made.

    `step` counts from 1; `objective` is the mean of what was minimised; `rate` is the encoder's learning rate; `tokens`
    counts real ones, without padding; `scores` are the task's for the rows of the step, with dropout on, and `targets`
    their targets.
    """

    step: int
    objective: float
    rate: float
    tokens: int
    scores: npt.NDArray[np.float64]
    targets: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Rows in the step."""
        return len(self.targets)


def train(learner: Learner, task: Task, tokens: Tokens, until: int, total_steps: int, pad_token_id: int) -> Iterator[Step]:
    """Make the optimiser steps from `learner.step` to `until`, yielding after each.

    Args:
        total_steps: the horizon of the schedule; of no effect while the rate is constant.

    Raises:
        TrainingError: the loss or the gradient is not finite; says step, learning rate and dtype.
    """
    import torch

    recipe, model, weights = learner.recipe, learner.model, learner.trainable
    objective = Objective(task, recipe, tokens, learner.device)
    while learner.step < until:
        step = learner.step
        torch.manual_seed(_step_seed(learner.seeds.dropout, step))
        learner.begin_step()
        rows = step_rows(step, len(tokens), recipe.batch_size, learner.seeds.order)
        rate = set_rates(learner.optimizer, recipe, step, total_steps)

        learner.optimizer.zero_grad(set_to_none=True)
        value, seen, logits, targets = 0.0, 0, [], []
        for part in by_length(tokens, rows, MICRO_BATCH):
            batch = collate(tokens, rows[part], recipe.max_length, pad_token_id).to(learner.device)
            total, scored = objective(model, batch)
            loss = total / len(rows)
            loss.backward()
            value += loss.item()
            seen += int(batch.attention_mask.sum())
            logits.append(scored.detach().float().cpu().numpy())
            targets.append(batch.targets.cpu().numpy())
        norm = torch.nn.utils.clip_grad_norm_(weights.values(), recipe.max_grad_norm)
        if not (math.isfinite(value) and math.isfinite(norm.item())):
            raise TrainingError(
                f"the loss is {value} and the gradient norm {norm.item()} at step {step + 1}, learning rate {rate:.3g}, "
                f"dtype {scored.dtype}. A lower learning rate or a longer warmup usually mends this.")
        learner.optimizer.step()
        apply_penalties(learner.optimizer, recipe, learner.anchors)
        learner.step += 1
        if learner.average:
            learner.average.update(weights, newest_share(recipe, step, total_steps))
        yield Step(learner.step, value, rate, seen, task.scores(np.concatenate(logits)), np.concatenate(targets))


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def predict_scores(model: nn.Module, task: Task, tokens: Tokens, rows: npt.NDArray[np.int64], max_length: int,
                   pad_token_id: int, batch_size: int = 64) -> npt.NDArray[np.float64]:
    """The task's scores of the given rows (for classification: probabilities, shape [rows, labels])."""
    import torch

    model.eval()
    device = next(model.parameters()).device
    found: npt.NDArray[np.float64] | None = None
    with torch.no_grad():
        for positions in by_length(tokens, rows, batch_size):
            batch = collate(tokens, rows[positions], max_length, pad_token_id).to(device)
            logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            scores = task.scores(logits.float().cpu().numpy())
            if found is None:
                found = np.zeros((len(rows), *scores.shape[1:]))
            found[positions] = scores
    assert found is not None, "there are no rows to score"
    return found
