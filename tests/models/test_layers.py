"""Dropout with cheap masks: of the rate asked for, without pattern, and drawn by torch's generator."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from luthier.models.layers import Dropout, drop_mask

MANY = 400_000


@pytest.mark.parametrize("probability", [0.0001, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_are_dropped_at_the_rate_asked_for_and_the_others_scaled(probability: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    mask = drop_mask(torch.empty(4, MANY // 4 + 1, dtype=dtype), probability)
    assert mask.shape == (4, MANY // 4 + 1) and mask.dtype == dtype
    kept = mask != 0
    spread = (probability * (1 - probability) / mask.numel())**0.5
    assert abs(1 - kept.double().mean().item() - probability) < 4 * spread + 2**-17
    expected = torch.tensor(1 / (1 - probability), dtype=dtype)
    assert (mask[kept] == expected).all()


def test_what_is_dropped_has_no_pattern() -> None:
    """Four neighbours share one random number; whether one is dropped must say nothing of the others."""
    torch.manual_seed(1)
    dropped = (drop_mask(torch.empty(MANY), 0.3) == 0).double()
    for apart in (1, 2, 3, 4, 5, 8, 64):
        together = (dropped[apart:] * dropped[:-apart]).mean().item()
        assert abs(together - 0.09) < 5 * (0.09 * 0.91 / MANY)**0.5, apart


def test_masks_are_of_the_seed_and_differ_from_call_to_call() -> None:
    torch.manual_seed(2)
    first, second = (drop_mask(torch.empty(999), 0.5) for _ in range(2))
    torch.manual_seed(2)
    assert torch.equal(drop_mask(torch.empty(999), 0.5), first) and not torch.equal(first, second)


def test_extremes_are_as_torch_has_them() -> None:
    values = torch.ones(50)
    assert torch.equal(drop_mask(values, 1.0), torch.zeros(50)) and torch.equal(drop_mask(values, 1e-9), values)


def test_the_gradient_passes_where_values_did() -> None:
    layer, values = Dropout(0.4), torch.randn(50, 20, requires_grad=True)
    found = layer(values)
    found.sum().backward()
    assert values.grad is not None
    torch.testing.assert_close(found, values * values.grad)
    assert torch.equal(layer.eval()(values), values) and isinstance(layer, nn.Dropout)
