"""What the pre-trained model says of rows before any training: features for the frozen probe and for the head's start.

Computed once a study; the start of the head is kept in the study's cache and read by every trial.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens
from luthier.models.classifier import last_linear
from luthier.models.encoder import anatomy
from luthier.training.batches import by_length, collate

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float32]
MOST_ROWS = 20_000
HEAD_C = 1.0
"""Inverse strength of the L2 penalty on the head's start: logistic regression's usual default."""


@dataclass(frozen=True)
class Features:
    """Frozen features of the rows numbered `rows`. Shapes [rows, hidden].

    `pooled` is the mean of the last hidden states; `head` is what the head's last linear layer sees.
    """

    rows: npt.NDArray[np.int64]
    pooled: Floats
    head: Floats


def some_rows(tokens: Tokens) -> npt.NDArray[np.int64]:
    """All rows, or a fixed random part of them where there are more than a regression needs."""
    return np.sort(np.random.default_rng(0).permutation(len(tokens))[:MOST_ROWS])


def extract(model: nn.Module, tokens: Tokens, rows: npt.NDArray[np.int64], max_length: int, pad_token_id: int,
            batch_size: int = 64) -> Features:
    """The features of the given rows, without dropout."""
    import torch

    model.eval()
    base, linear = getattr(model, anatomy(model).base), last_linear(model)
    caught: dict[str, Any] = {}
    hooks = [base.register_forward_hook(lambda _, __, output: caught.update(hidden=output[0])),
             linear.register_forward_pre_hook(lambda _, inputs: caught.update(head=inputs[0]))]
    device = next(model.parameters()).device
    pooled, head = (np.zeros((len(rows), size), np.float32) for size in (_hidden_size(model), linear.in_features))
    try:
        with torch.no_grad():
            for positions in by_length(tokens, rows, batch_size):
                batch = collate(tokens, rows[positions], max_length, pad_token_id).to(device)
                model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
                mask = batch.attention_mask.unsqueeze(-1).to(caught["hidden"].dtype)
                means = (caught["hidden"] * mask).sum(1) / mask.sum(1)
                seen = caught["head"]
                if seen.ndim == 3:  # decoders score every token; the last real one counts
                    seen = seen[torch.arange(len(seen), device=device), batch.attention_mask.sum(1) - 1]
                pooled[positions], head[positions] = means.cpu().numpy(), seen.cpu().numpy()
    finally:
        for hook in hooks:
            hook.remove()
    return Features(rows, pooled, head)


def _hidden_size(model: nn.Module) -> int:
    config: Any = model.config
    return int(config.hidden_size)


def start_head(model: nn.Module, tokens: Tokens, max_length: int, pad_token_id: int, file: Path) -> None:
    """Put a logistic regression on its own input features into the head's last layer; computed once, kept in `file`."""
    import torch

    if not file.exists():
        fit_head(extract(model, tokens, some_rows(tokens), max_length, pad_token_id), tokens, file)
    with np.load(file, allow_pickle=False) as arrays, torch.no_grad():
        linear = last_linear(model)
        linear.weight.copy_(torch.from_numpy(arrays["weight"]))
        if linear.bias is not None:
            linear.bias.copy_(torch.from_numpy(arrays["bias"]))


def fit_head(features: Features, tokens: Tokens, file: Path) -> None:
    """Fit the logistic regression and write its weight [labels, hidden] and bias [labels] to `file`."""
    weight, bias = regression_weights(logistic_regression(features.head, np.asarray(tokens.targets[features.rows]), HEAD_C))
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.stem}-{os.getpid()}.partial.npz")
    np.savez(partial, weight=weight, bias=bias)
    partial.replace(file)


def logistic_regression(features: Any, targets: npt.NDArray[Any], c: float) -> Any:
    """scikit-learn's multinomial logistic regression, fitted; stops at 300 iterations without complaint."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=c, max_iter=300).fit(features, targets)


def regression_weights(regression: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A fitted regression as a softmax layer: weight [labels, features] and bias [labels]."""
    weight, bias = regression.coef_, regression.intercept_
    if len(weight) == 1:  # two labels: scikit-learn keeps one row, the log odds of the second
        weight, bias = np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])
    return weight.astype(np.float32), bias.astype(np.float32)
