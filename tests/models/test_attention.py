"""Attention of packed rows: dropout's gradient, and the way to a GPU's kernel, which is held against its documentation here."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch

from luthier.models import attention
from luthier.models.attention import attention as attend
from luthier.models.attention import by_row, by_row_agrees
from luthier.models.packing import Layout, lay_out

LENGTHS = (9, 5, 7, 1)


@pytest.fixture
def layout() -> Layout:
    return lay_out((torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long())


def as_documented(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, cu_seq_q: torch.Tensor, cu_seq_k: torch.Tensor,
                  max_q: int, max_k: int, *, scale: float, window_size: tuple[int, int], enable_gqa: bool) -> torch.Tensor:
    """What torch.nn.attention.varlen.varlen_attn says that it does, row by row."""
    found = torch.zeros_like(query)
    assert torch.equal(cu_seq_q, cu_seq_k) and cu_seq_q.dtype == torch.int32 and int(cu_seq_q[-1]) == len(query)
    for low, high in zip(cu_seq_q.tolist(), cu_seq_q.tolist()[1:], strict=False):
        assert high - low <= max(max_q, 16)
        q, k, v = (part[low:high].transpose(0, 1) for part in (query, key, value))
        if enable_gqa:
            k, v = (part.repeat_interleave(len(q) // len(k), 0) for part in (k, v))
        place = torch.arange(high - low)
        away = place[:, None] - place
        left, right = window_size
        looks = ((away <= left) | (left < 0)) & ((-away <= right) | (right < 0))
        scores = (q @ k.transpose(1, 2) * scale).masked_fill(~looks, float("-inf"))
        found[low:high] = (scores.softmax(-1) @ v).transpose(0, 1)
    return found


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 3, 100])
@pytest.mark.parametrize("shared", [1, 2])
def test_the_kernel_for_rows_is_told_what_it_must_know(layout: Layout, monkeypatch: pytest.MonkeyPatch, causal: bool,
                                                       window: int | None, shared: int) -> None:
    stand_in = ModuleType("torch.nn.attention.varlen")
    stand_in.varlen_attn = as_documented  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", stand_in)
    q = torch.randn(len(layout.real), 4, 8)
    k, v = torch.randn(2, len(layout.real), 4 // shared, 8)
    hidden = attention._hidden(layout, causal, window)
    written: Any = attention._Attention.apply(q, k, v, layout, hidden, 0.3, 0.0, False)
    found = by_row(q, k, v, layout, 0.3, causal, window)
    torch.testing.assert_close(found[:layout.count], written[:layout.count], atol=1e-5, rtol=0)


def test_it_is_not_used_where_it_was_not_seen_to_agree() -> None:
    assert not by_row_agrees(torch.device("cpu"), torch.bfloat16, (4, 4, 32), False, None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_agrees_on_a_gpu() -> None:
    with torch.no_grad():
        assert by_row_agrees(torch.device("cuda"), torch.bfloat16, (4, 2, 32), True, 3)


@pytest.mark.parametrize("firsts_only", [False, True])
def test_the_gradient_is_that_of_what_was_kept(layout: Layout, firsts_only: bool) -> None:
    """With dropout, against differences in float64: the masks of a seed are the same in every call."""
    torch.manual_seed(0)
    asking = len(LENGTHS) if firsts_only else len(layout.real)
    parts = [torch.randn(count, 2, 4, dtype=torch.float64, requires_grad=True)
             for count in (asking, len(layout.real), len(layout.real))]
    hidden = attention._hidden(layout, False, None)

    def taken(*own: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(7)
        found: torch.Tensor = attention._Attention.apply(*own, layout, hidden, 0.5, 0.4, firsts_only)
        return found[:layout.count]

    assert torch.autograd.gradcheck(taken, parts)
    assert not torch.equal(taken(*parts), attention._Attention.apply(*parts, layout, hidden, 0.5, 0.0, firsts_only)[:layout.count])


def test_no_gradient_is_asked_for_where_none_is_needed(layout: Layout) -> None:
    module = torch.nn.Module()
    module._luthier_packing = type("Of", (), {"layout": layout, "asks_firsts": lambda *_: False})()  # type: ignore[assignment]
    q = torch.randn(1, 2, len(layout.real), 4, requires_grad=True)
    with_gradient, _ = attend(module, q, q, q, None)
    with torch.no_grad():
        without, _ = attend(module, q, q, q, None)
    torch.testing.assert_close(with_gradient[:, :layout.count], without[:, :layout.count], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("causal", "window"), [(False, None), (True, None), (False, 3)])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("lengths", [LENGTHS, (8, 8, 8, 8), (40, 8, 8, 40, 33, 8)], ids=["padded", "full", "both"])
def test_first_tokens_take_in_what_they_do_among_all(lengths: tuple[int, ...], causal: bool, window: int | None,
                                                     trained: bool) -> None:
    layout = lay_out((torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long())
    q, k, v = (torch.randn(1, heads, len(layout.real), 4, requires_grad=trained) for heads in (4, 2, 2))
    found = []
    for firsts_only in (False, True):
        module = torch.nn.Module()
        packing = type("Of", (), {"layout": layout, "asks_firsts": lambda *_, only=firsts_only: only})()
        module._luthier_packing = packing  # type: ignore[assignment]
        taken, _ = attend(module, q, k, v, None, is_causal=causal, sliding_window=window)
        firsts = taken[0, layout.firsts]
        weighed = (firsts * torch.arange(float(firsts.numel())).view_as(firsts)).sum()
        slopes = torch.autograd.grad(weighed, (q, k, v)) if trained else ()
        found.append((firsts, *slopes))
    for whole, narrow in zip(*found, strict=True):
        torch.testing.assert_close(narrow, whole, atol=1e-4, rtol=1e-5)
