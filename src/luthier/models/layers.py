"""Layers of ours that stand in for torch's, with the same numbers in and out, and faster. Imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

LEVELS = 2**16


def drop_mask(values: torch.Tensor, probability: float) -> torch.Tensor:
    """What dropout multiplies `values` with: 0 with `probability`, to within 1/131,072, and 1 / (1 - probability) otherwise.

    On a CPU, torch's own dropout draws a number of 64 bits for each value, which takes a tenth of a small model's step. Here
    one such number serves four values: one is dropped where its 16 bits are below the probability's share of 65,536.
    """
    threshold = round(probability * LEVELS)
    if values.device.type != "cpu" or not 0 < threshold < LEVELS:
        return nn.functional.dropout(torch.ones_like(values), probability)
    bits = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-2**63, None).view(torch.int16)
    mask = torch.empty(values.numel(), dtype=values.dtype)
    torch.ge(bits[:values.numel()], threshold - LEVELS // 2, out=mask)
    return mask.mul_(1 / (1 - probability)).view(values.shape)


class Dropout(nn.Dropout):
    """Dropout by masks that are cheap to draw on a CPU; on other devices it is torch's."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.p:
            return values
        return values * drop_mask(values, self.p) if values.device.type == "cpu" else super().forward(values)


class CompactEmbedding(nn.Module):
    """An embedding of which only the rows of some ids are trained: `weight` [used, hidden]; the `others` are as they were.

    Its weight stays fp32 whatever the model computes in; what is looked up is in `dtype`. Its gradient is kept in one place
    from step to step, and only rows that were looked up are written there: a step uses a few hundred of thousands.
    """

    rows: torch.Tensor
    others: torch.Tensor

    def __init__(self, full: nn.Embedding, used: torch.Tensor) -> None:
        super().__init__()
        rows = torch.full((full.num_embeddings,), -1, dtype=torch.int64, device=used.device)
        rows[used] = torch.arange(len(used), device=used.device)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("others", full.weight.detach(), persistent=False)
        self.weight = nn.Parameter(full.weight.detach()[used])
        self.dtype = full.weight.dtype
        self._padding_row = -1 if full.padding_idx is None else int(rows[full.padding_idx])
        self._gradient: torch.Tensor | None = None
        self._written: list[torch.Tensor] = []

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        rows = self.rows[ids]
        found: torch.Tensor = _LookUp.apply(self.weight, rows.clamp(min=0), self)  # type: ignore[no-untyped-call]
        other = rows < 0
        if rows.device.type != "cpu" or bool(other.any()):  # to ask a GPU would have to wait for it
            found = torch.where(other[..., None], nn.functional.embedding(ids, self.others).to(self.dtype), found)
        return found

    def take(self, rows: torch.Tensor, gradient: torch.Tensor) -> None:
        """Add to the weight's gradient that of some rows [tokens, hidden]."""
        if self._gradient is None:
            self._gradient = torch.zeros_like(self.weight)
        if self.weight.grad is not self._gradient:
            for written in self._written:
                self._gradient.index_fill_(0, written, 0)
            self._written = []
            self.weight.grad = self._gradient
        self._written.append(rows)  # first: should memory run out below, they are cleared as well
        self._gradient.index_add_(0, rows, gradient.to(self._gradient.dtype))
        if self._padding_row >= 0:
            self._gradient[self._padding_row] = 0


class _LookUp(torch.autograd.Function):
    """Rows of a compact embedding, whose gradient it takes itself."""

    @staticmethod
    def forward(context: Any, weight: torch.Tensor, rows: torch.Tensor, embedding: CompactEmbedding) -> torch.Tensor:
        context.save_for_backward(rows)
        context.embedding = embedding
        return nn.functional.embedding(rows, weight).to(embedding.dtype)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[None, None, None]:
        rows, = context.saved_tensors
        context.embedding.take(rows.flatten(), gradient.flatten(0, -2))
        return None, None, None
