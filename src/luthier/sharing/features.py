"""What the pre-trained model says of rows before any training: features for the frozen probe and for the head's start.

The start of the head is kept in the study's cache, and read by every trial whose head sees the same.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.data.sequences import Cut, sequences
from luthier.data.tokens import Tokens
from luthier.files import whole
from luthier.models.classifier import last_linear
from luthier.models.encoder import anatomy
from luthier.models.packing import every_token
from luthier.tasks.base import Task
from luthier.training.batches import Batch
from luthier.training.loop import collect

if TYPE_CHECKING:
    import torch
    from torch import nn

Floats = npt.NDArray[np.float32]
MOST_ROWS = 20_000
MOST_TOKENS = 40_000
HEAD_C = 1.0
"""Inverse strength of the L2 penalty on the head's start: logistic regression's usual default."""
UNREADABLE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)
"""How NumPy says that a file is not there or not whole."""


@dataclass(frozen=True)
class Features:
    """Frozen features of the units of the rows numbered `rows`: of each row, or of each of its tokens.

    `pooled` is the mean of the last hidden states of each row [rows, hidden]; `head` is what the head's last linear layer
    sees of each unit [units, hidden].
    """

    rows: npt.NDArray[np.int64]
    pooled: Floats
    head: Floats


def some_rows(tokens: Tokens, most: int = MOST_ROWS) -> npt.NDArray[np.int64]:
    """All rows, or a fixed random part of them where there are more rows, or tokens with targets, than a regression needs."""
    order = np.random.default_rng(0).permutation(len(tokens))[:most]
    if tokens.per_token:
        order = order[:max(1, int(np.searchsorted(np.cumsum(tokens.lengths[order]), MOST_TOKENS)))]
    return np.sort(order)


def extract(model: nn.Module, tokens: Tokens, rows: npt.NDArray[np.int64], cut: Cut, pad_token_id: int) -> Features:
    """The features of the given rows, without dropout."""
    import torch

    def both(seen: torch.Tensor, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        if tokens.per_token:
            return seen
        mask = batch.attention_mask.unsqueeze(-1)
        return torch.cat([(hidden * mask).sum(1) / mask.sum(1), seen], dim=1)

    found = _collect(model, both, tokens, rows, cut, pad_token_id)
    split = 0 if tokens.per_token else found.shape[1] - last_linear(model).in_features
    return Features(rows, found[:, :split], found[:, split:])


def head_logits(model: nn.Module, tokens: Tokens, rows: npt.NDArray[np.int64], cut: Cut, pad_token_id: int, weight: Floats,
                bias: Floats) -> Floats:
    """What a last layer of this weight [outputs, hidden] and bias [outputs] says of each unit. Shape [units, outputs]."""
    import torch

    linear = torch.from_numpy(np.asarray(weight)), torch.from_numpy(np.asarray(bias))

    def outputs(seen: torch.Tensor, _: torch.Tensor, __: Batch) -> torch.Tensor:
        return torch.nn.functional.linear(seen, linear[0].to(seen.device), linear[1].to(seen.device))

    return _collect(model, outputs, tokens, rows, cut, pad_token_id)


def _collect(model: nn.Module, outputs: Callable[[torch.Tensor, torch.Tensor, Batch], torch.Tensor], tokens: Tokens,
             rows: npt.NDArray[np.int64], cut: Cut, pad_token_id: int) -> Floats:
    """What `outputs` makes, for each unit, of what the head's last layer sees of it, and of the last hidden states; in fp32."""
    import torch

    model.eval()
    base, linear = getattr(model, anatomy(model).base), last_linear(model)
    caught: dict[str, Any] = {}
    hooks = [base.register_forward_hook(lambda _, __, output: caught.update(hidden=output[0])),
             linear.register_forward_pre_hook(lambda _, inputs: caught.update(head=inputs[0]))]
    device = next(model.parameters()).device

    def both(batch: Batch) -> torch.Tensor:
        with every_token(model):
            model(**batch.inputs())
        seen: torch.Tensor = caught["head"].float()
        if seen.ndim == 3 and not tokens.per_token:  # decoders score every token; the last real one counts
            seen = seen[torch.arange(len(seen), device=device), batch.attention_mask.sum(1) - 1]
        return outputs(seen, caught["hidden"].float(), batch)

    try:
        return collect(both, sequences(tokens, cut, rows), device, pad_token_id)
    finally:
        for hook in hooks:
            hook.remove()


def start_head(model: nn.Module, file: Path) -> None:
    """Put the linear model that `fit_head` left in `file` into the head's last layer: its weight and, where it has one, bias.

    Raises:
        UNREADABLE: the file is missing or damaged; the head is as it was.
    """
    import torch

    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        weight, bias = torch.from_numpy(arrays["weight"]), torch.from_numpy(arrays["bias"])
    linear = last_linear(model)
    with torch.no_grad():
        linear.weight.copy_(weight)
        if linear.bias is not None:
            linear.bias.copy_(bias)


def fit_head(features: Features, task: Task, tokens: Tokens, file: Path) -> None:
    """Fit the task's linear model and write its weight [outputs, hidden] and bias [outputs] to `file`."""
    weight, bias = task.fit_linear(*supervised(features, tokens), HEAD_C)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole(file) as partial, partial.open("wb") as stream:
        np.savez(stream, weight=weight, bias=bias)


def supervised(features: Features, tokens: Tokens) -> tuple[Floats, npt.NDArray[Any]]:
    """What the head sees of the units that have a target, and these targets."""
    targets = np.asarray(tokens.targets[tokens.units(features.rows)])
    if not tokens.per_token:
        return features.head, targets
    return features.head[targets >= 0], targets[targets >= 0]
