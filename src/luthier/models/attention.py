"""Attention within the rows of a packed batch, as transformers' attention interface calls it. Imports torch.

Queries, keys and values are gathered from the packed tokens into groups of rows of like length, head by head, so that each
product of matrices finds its numbers in a row; what is taken in is gathered back. A gather's gradient is a gather too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from luthier.models.layers import drop_mask
from luthier.models.packing import ROUND_TOKENS, Group, Layout, lay_out, packing_of, probe_mask

BEYOND = ("softcap", "s_aux", "position_bias")
"""What some models hand to their attention, and ours knows nothing of."""
FUSED_FROM = 1024
"""From rows of so many tokens on, attention is left to torch's fused kernel, which does not hold all of its weights; not where
there is dropout, with which it is slow."""
ROUGHLY = 0.05
"""How far two ways to compute attention in 16 bits may be apart, over the largest number."""


def attention(module: nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any,
              scaling: float | None = None, dropout: float = 0.0, is_causal: bool | None = None,
              sliding_window: int | None = None, **others: Any) -> tuple[torch.Tensor, None]:
    """Attention within each row of a packed batch.

    Args:
        query: shape [1, heads, tokens, size]; keys and values may have fewer heads.

    Returns:
        What each token takes in [1, tokens, heads, size], and no weights.

    Raises:
        ValueError: the model asks for more than this does.
    """
    if attention_mask is not None or any(others.get(name) is not None for name in BEYOND):
        raise ValueError("this model's attention cannot be packed")
    packing = packing_of(module)
    assert packing is not None and packing.layout is not None
    layout = packing.layout
    causal = bool(getattr(module, "is_causal", False) if is_causal is None else is_causal)
    scale = query.shape[-1]**-0.5 if scaling is None else scaling
    q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
    if not dropout and by_row_agrees(query.device, query.dtype, (q.shape[1], k.shape[1], q.shape[2]), causal, sliding_window):
        return by_row(q, k, v, layout, scale, causal, sliding_window)[None], None
    hidden = _hidden(layout, causal, sliding_window)
    if not packing.asks_firsts(module):
        return _by_group(q, k, v, layout, hidden, scale, dropout, firsts_only=False)[None], None
    hidden = [None if looks is None else looks[..., :1, :] for looks in hidden]
    taken = _by_group(q.index_select(0, layout.firsts), k, v, layout, hidden, scale, dropout, firsts_only=True)
    return torch.zeros_like(q).index_copy(0, layout.firsts, taken)[None], None


def _by_group(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout, hidden: Sequence[torch.Tensor | None],
              scale: float, dropout: float, firsts_only: bool) -> torch.Tensor:
    """Attention of packed tokens, group by group; where `firsts_only`, queries are of the first token of each row."""
    needs_gradient = torch.is_grad_enabled() and any(part.requires_grad for part in (query, key, value))
    if needs_gradient and (dropout or firsts_only or layout.longest < FUSED_FROM):
        taken: torch.Tensor = _Attention.apply(query, key, value, layout, hidden, scale, dropout,  # type: ignore[no-untyped-call]
                                               firsts_only)
        return taken
    heads = query.shape[1]
    k, v = (_Gather.apply(part, layout, heads) for part in (key, value))  # type: ignore[no-untyped-call]
    q = query.reshape(-1, query.shape[-1]) if firsts_only else _Gather.apply(query, layout, heads)  # type: ignore[no-untyped-call]
    found = []
    for group, looks in zip(layout.groups, hidden, strict=True):
        asked = _asking(q, group, heads, firsts_only)
        found.append(nn.functional.scaled_dot_product_attention(
            asked, _rows(k, group, heads), _rows(v, group, heads), attn_mask=None if looks is None else ~looks,
            dropout_p=dropout, scale=scale).flatten(0, 2))
    slots = torch.cat(found)
    return (slots if firsts_only else slots.index_select(0, layout.by_head(heads, 1)[1])).view(query.shape)


def by_row(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout, scale: float, causal: bool,
           window: int | None) -> torch.Tensor:
    """Attention of packed tokens by torch's kernel for rows of any lengths, of GPUs and without dropout. [tokens, heads, size]"""
    from torch.nn.attention.varlen import varlen_attn

    reach = -1 if window is None else window - 1
    longest = max(layout.longest, ROUND_TOKENS)
    found: Any = varlen_attn(query.contiguous(), key.contiguous(), value.contiguous(), layout.starts, layout.starts,
                             longest, longest, scale=scale, window_size=(reach, 0 if causal else reach),
                             enable_gqa=query.shape[1] != key.shape[1])
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def by_row_agrees(device: torch.device, dtype: torch.dtype, shape: tuple[int, int, int], causal: bool, window: int | None) -> bool:
    """Whether `by_row` works for attention of a kind on a device, and comes to what attention written out does.

    It is tried out on two rows, one of them longer than a `window` reaches. Its gradients are the same from run to run only as far
    as the kernel's are.

    Args:
        shape: heads, heads of keys and values, and size.
    """
    if device.type != "cuda" or dtype not in (torch.bfloat16, torch.float16):
        return False
    layout = lay_out(probe_mask(window or 0).to(device))
    hidden = _hidden(layout, causal, window)
    generator = torch.Generator(device).manual_seed(0)
    heads, fewer, size = shape
    parts = [torch.randn(len(layout.real), count, size, generator=generator, device=device, dtype=dtype)
             for count in (heads, fewer, fewer)]

    def by_kernel(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return by_row(q, k, v, layout, 0.2, causal, window)

    def written_out(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> Any:
        return _Attention.apply(q, k, v, layout, hidden, 0.2, 0.0, False)  # type: ignore[no-untyped-call]

    found = []
    try:
        for attend in (by_kernel, written_out):
            with torch.enable_grad():  # it may be asked first where nothing is trained
                q, k, v = (part.clone().requires_grad_() for part in parts)
                taken = attend(q, k, v)[:layout.count]
                slopes = torch.autograd.grad(taken.float().square().sum(), (q, k, v))
            found.append(torch.cat([part[:layout.count].flatten().float() for part in (taken, *slopes)]))
    except (ImportError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False
    return bool((found[0] - found[1]).abs().max() <= ROUGHLY * found[1].abs().max())


def _hidden(layout: Layout, causal: bool, window: int | None) -> list[torch.Tensor | None]:
    """For each group, true where a token may not look: at padding, ahead where `causal`, and further than a `window` reaches."""
    if (causal, window) not in layout.hidden:  # every block of a model asks the same
        layout.hidden[causal, window] = [_hidden_of(group, causal, window, layout.spread.device) for group in layout.groups]
    return layout.hidden[causal, window]


def _hidden_of(group: Group, causal: bool, window: int | None, device: torch.device) -> torch.Tensor | None:
    narrow = window is not None and window < group.longest
    if not (causal or narrow):
        return group.padding
    places = torch.arange(group.longest, device=device)
    away = places[:, None] - places
    found = away < 0 if causal else torch.zeros_like(away, dtype=torch.bool)
    if window is not None and narrow:
        found = found | (away.abs() >= window)
    return found if group.padding is None else (found | group.padding) & (away != 0)  # padding may look at itself


def _rows(slots: torch.Tensor, group: Group, heads: int) -> torch.Tensor:
    """The slots of one group. Shape [rows, heads, longest, size]; all slots are [heads * slots, size]."""
    return slots[heads * group.first:heads * (group.first + group.slots)].view(group.rows, heads, group.longest, -1)


def _asking(slots: torch.Tensor, group: Group, heads: int, firsts_only: bool) -> torch.Tensor:
    """The queries of one group: of its slots, or of the first token of each of its rows [rows, heads, 1, size]."""
    if not firsts_only:
        return _rows(slots, group, heads)
    return slots[heads * group.row:heads * (group.row + group.rows)].view(group.rows, heads, 1, -1)


def _gather(packed: torch.Tensor, layout: Layout, heads: int) -> torch.Tensor:
    """The slots [heads * slots, size] of packed values [tokens, heads or fewer, size]."""
    spread, _ = layout.by_head(heads, heads // packed.shape[1])
    return packed.reshape(-1, packed.shape[-1]).index_select(0, spread)


def _gathered_back(slots: torch.Tensor, layout: Layout, heads: int, own: int) -> torch.Tensor:
    """The gradient of packed values [tokens, own, size] from that of their slots; none ever reaches slots that are padding."""
    _, place = layout.by_head(heads, 1)
    found = slots.index_select(0, place).view(-1, own, heads // own, slots.shape[-1])
    found[layout.count:] = 0
    return found.sum(2) if own != heads else found[:, :, 0]


class _Gather(torch.autograd.Function):
    """`_gather`, with its gradient."""

    @staticmethod
    def forward(context: Any, packed: torch.Tensor, layout: Layout, heads: int) -> torch.Tensor:
        context.layout, context.heads, context.own = layout, heads, packed.shape[1]
        return _gather(packed, layout, heads)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _gathered_back(gradient, context.layout, context.heads, context.own), None, None


class _Attention(torch.autograd.Function):
    """Attention written out, with its gradient: on short rows, torch's fused kernel for CPUs takes half as long again.

    Shapes: keys and values [tokens, heads, size]; queries and what is taken in the same, or [rows, heads, size] where
    `firsts_only`.
    """

    @staticmethod
    def forward(context: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout,
                hidden: Sequence[torch.Tensor | None], scale: float, dropout: float, firsts_only: bool) -> torch.Tensor:
        heads = query.shape[1]
        k, v = (_gather(part, layout, heads) for part in (key, value))
        q = query.reshape(-1, query.shape[-1]) * scale if firsts_only else _gather(query, layout, heads).mul_(scale)
        found, kept = torch.empty_like(q), []
        for group, looks in zip(layout.groups, hidden, strict=True):
            asked, taken = (_asking(part, group, heads, firsts_only).flatten(0, 1) for part in (q, found))
            keys, values = (_rows(part, group, heads).flatten(0, 1) for part in (k, v))
            scores = torch.bmm(asked, keys.transpose(1, 2))
            if looks is not None:
                scores.view(group.rows, heads, *scores.shape[1:]).masked_fill_(looks, float("-inf"))
            weights = torch.softmax(scores, -1)
            mask = drop_mask(weights, dropout) if dropout else None
            torch.bmm(weights if mask is None else weights * mask, values, out=taken)
            kept += [weights, mask]
        context.save_for_backward(q, k, v, *kept)
        context.layout, context.scale, context.heads, context.own = layout, scale, heads, key.shape[1]
        context.firsts_only = firsts_only
        return (found if firsts_only else found.index_select(0, layout.by_head(heads, 1)[1])).view(query.shape)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        layout, heads, firsts_only = context.layout, context.heads, context.firsts_only
        q, k, v, *kept = context.saved_tensors
        taken = gradient.reshape(-1, q.shape[-1])
        if not firsts_only:
            place = layout.by_head(heads, 1)[1][:layout.count * heads]
            taken = torch.zeros_like(q).index_copy_(0, place, taken[:len(place)])
        by_query, by_key, by_value = (torch.empty_like(part) for part in (q, k, v))
        for group, weights, mask in zip(layout.groups, kept[::2], kept[1::2], strict=True):
            asked, slope, by_asked = (_asking(part, group, heads, firsts_only).flatten(0, 1) for part in (q, taken, by_query))
            keys, values, by_keys, by_values = (_rows(part, group, heads).flatten(0, 1) for part in (k, v, by_key, by_value))
            torch.bmm((weights if mask is None else weights * mask).transpose(1, 2), slope, out=by_values)
            by_weight = torch.bmm(slope, values.transpose(1, 2))
            if mask is not None:
                by_weight *= mask
            by_score = torch.ops.aten._softmax_backward_data(by_weight, weights, -1, weights.dtype)
            torch.bmm(by_score, keys, out=by_asked)
            torch.bmm(by_score.transpose(1, 2), asked, out=by_keys)
        by_query *= context.scale
        found = [_gathered_back(part, layout, heads, context.own) for part in (by_key, by_value)]
        by_query = by_query.view(-1, heads, q.shape[-1]) if firsts_only else _gathered_back(by_query, layout, heads, heads)
        return (by_query, *found, None, None, None, None, None)
