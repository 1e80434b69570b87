"""Blocks that see real tokens only: no padding between the first block and the last, under transformers' own model code.

A model is called with padded rows, as ever. On the way into its blocks the rows' real tokens are put together as one
sequence [1, tokens, hidden], and on the way out they are put back, so that embeddings, positions and heads notice nothing.
Linear layers, norms and dropout take each token by itself; only attention must know where rows begin and end: ours (see
attention.py), which works on groups of rows of like length.

Where the head reads no token of a row but the first, as most do that judge whole texts, the last block is asked for no other:
the rest of a row matters to it as keys and values, and what follows attention there is computed for one token a row.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.models.classifier import quiet
from luthier.models.encoder import anatomy

if TYPE_CHECKING:
    import torch
    from torch import nn

NAME = "luthier_packed"
_ATTRIBUTE = "_luthier_packing"
GROUP_COST = 4000
"""What one more group of rows costs in attention, in squared tokens of a row: the calls it takes against the padding it saves."""
TOLERANCE = 1e-4
"""How far the packed outputs of a model may be from the padded ones, over the largest of these, for packing to be used."""
FAILURES = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What a model may raise that is called in a way it was not made for."""
PROBE_LENGTHS, MOST_WINDOW = (9, 5), 1024
AFTER_ATTENTION = ("attention.output", "sa_layer_norm")
"""What follows attention in a block, in families where nothing but modules does: BERT and what is built like it, and DistilBERT."""
ROUND_TOKENS, ROUND_LENGTH = 16, 8
"""What packed tokens and the lengths of groups are rounded up to. On a CPU, each new shape of a product of matrices in bf16
costs several times the product: oneDNN makes code for it, and keeps some 1,000 shapes."""


@dataclass(frozen=True)
class Group:
    """Rows of like length in attention: `rows` of them from `row` on, as rows are sorted by length, padded to `longest` tokens,
    from slot `first` on.

    `padding` is true for slots that no token stands in [rows, 1, 1, longest]; None where there are none.
    """

    row: int
    rows: int
    longest: int
    first: int
    padding: torch.Tensor | None

    @property
    def slots(self) -> int:
        """Tokens with padding."""
        return self.rows * self.longest


@dataclass(frozen=True)
class Layout:
    """Where the real tokens of one padded batch stand, packed by length.

    Attributes:
        shape: rows and columns of the padded batch.
        count: the real tokens. Some more follow when they are packed, for the sake of a round number: repeats of the last,
            which no other token sees, and of which nothing is put out.
        starts: the first packed token of each row, of the tokens that follow, and their end. Shape [rows + 2].
        real: where each packed token stands in the padded batch. Shape [tokens].
        firsts: the first packed token of each row. Shape [rows].
        spread: the packed token in each slot of the groups; any at all in slots that are padding. Shape [slots].
        place: the slot of each packed token. Shape [tokens].
        hidden: what attention knows of the groups, for every kind of attention that has been asked for.
    """

    shape: tuple[int, int]
    count: int
    starts: torch.Tensor
    real: torch.Tensor
    firsts: torch.Tensor
    spread: torch.Tensor
    place: torch.Tensor
    groups: tuple[Group, ...]
    hidden: dict[tuple[bool, int | None], list[torch.Tensor | None]] = field(default_factory=dict)
    _by_head: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """The tokens of the longest row, rounded up."""
        return max(group.longest for group in self.groups)

    def by_head(self, heads: int, shared: int) -> tuple[torch.Tensor, torch.Tensor]:
        """`spread` and `place` of values that have `heads` heads, which within a row come before its tokens.

        The first is of slots [rows, heads, longest] of each group, in packed values that `shared` heads have in common.
        Shapes [heads * slots] and [tokens * heads].
        """
        import torch

        if (heads, shared) not in self._by_head:
            number, spread = torch.arange(heads, device=self.spread.device), []
            first, apart = torch.empty_like(self.spread), torch.empty_like(self.spread)  # of each slot, for the first head
            for group in self.groups:
                own = slice(group.first, group.first + group.slots)
                token = self.spread[own].view(group.rows, 1, group.longest)
                spread.append((token * (heads // shared) + (number // shared)[:, None]).flatten())
                row, column = (torch.arange(size, device=number.device) for size in (group.rows, group.longest))
                first[own] = (heads * (group.first + row[:, None] * group.longest) + column).flatten()
                apart[own] = group.longest
            place = first[self.place][:, None] + apart[self.place][:, None] * number
            self._by_head[heads, shared] = torch.cat(spread), place.flatten()
        return self._by_head[heads, shared]


def partition(lengths: npt.NDArray[np.int64], group_cost: float = GROUP_COST) -> list[int]:
    """Where to part rows, sorted by length, into groups: the starts of the groups, and the end.

    Least in all of rows x longest² over the groups, and of `group_cost` for each.
    """
    count = len(lengths)
    squares = lengths.astype(np.float64)**2
    best, back = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    for end in range(1, count + 1):
        costs = best[:end] + squares[end - 1] * (end - np.arange(end))
        back[end] = int(costs.argmin())
        best[end] = costs[back[end]] + group_cost
    bounds = [count]
    while bounds[-1]:
        bounds.append(int(back[bounds[-1]]))
    return bounds[::-1]


def lay_out(mask: torch.Tensor) -> Layout:
    """The layout of a batch that is padded on the right. `mask`: 1 for real tokens. Shape [rows, longest]."""
    import torch

    rows, width = mask.shape
    lengths = mask.sum(1).cpu().numpy()
    order = np.argsort(lengths, kind="stable")
    lengths = lengths[order]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    real = np.repeat(order * width - starts[:-1], lengths) + np.arange(starts[-1])
    rounded = -(-lengths // ROUND_LENGTH) * ROUND_LENGTH
    bounds, groups, spread, place, first = partition(rounded), [], [], [], 0
    for low, high in itertools.pairwise(bounds):
        own, longest = lengths[low:high], int(rounded[high - 1])
        columns = np.arange(longest)
        filled = columns < own[:, None]
        spread.append((starts[low:high, None] + np.minimum(columns, own[:, None] - 1)).ravel())
        place.append(first + np.flatnonzero(filled))
        padding = None if filled.all() else torch.from_numpy(~filled)[:, None, None, :].to(mask.device)
        groups.append(Group(low, high - low, longest, first, padding))
        first += (high - low) * longest
    count = int(starts[-1])
    more = -count % ROUND_TOKENS
    found = (np.append(starts, count + more).astype(np.int32), np.pad(real, (0, more), mode="edge"), np.concatenate(spread),
             np.pad(np.concatenate(place), (0, more), mode="edge"))
    begins, real_, spread_, place_ = (torch.from_numpy(part).to(mask.device) for part in found)
    return Layout((rows, width), count, begins, real_, begins[:rows].long(), spread_, place_, tuple(groups))


class Packing:
    """Packs what the blocks of one model see, until it is removed.

    Attributes:
        firsts_only: whether the last block is asked for the first token of each row alone.
        can_narrow: whether it can be: modules alone follow its attention, and it is run once.
    """

    def __init__(self, model: nn.Module) -> None:
        self.layout: Layout | None = None
        self.firsts_only, self._narrowed = False, False
        self._seen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        parts = anatomy(model)
        blocks = model.get_submodule(parts.blocks)
        stack = parts.blocks.rpartition(".")[0]
        self._handles = [model.register_forward_pre_hook(self._begin, with_kwargs=True)]
        if stack != parts.base:  # a module of its own runs the blocks, and is the only way in and out
            ways_in, way_out = [model.get_submodule(stack)], model.get_submodule(stack)
        else:
            ways_in = list(blocks.children())
            way_out = ways_in[-1]
        self._handles += [module.register_forward_pre_hook(self._enter, with_kwargs=True) for module in ways_in]
        self._handles.append(way_out.register_forward_hook(self._leave))
        for module in (model, *blocks.modules()):
            setattr(module, _ATTRIBUTE, self)
        last = list(blocks.children())[-1]
        self._last = set(last.modules())
        found = dict(last.named_modules())
        after = next((found[path] for path in AFTER_ATTENTION if path in found), None)
        self.can_narrow = after is not None and not parts.shared
        if after is not None:
            self._handles.append(after.register_forward_pre_hook(self._keep_firsts))

    def remove(self, model: nn.Module) -> None:
        """Leave the model as it was."""
        for handle in self._handles:
            handle.remove()
        for module in model.modules():
            if hasattr(module, _ATTRIBUTE):
                delattr(module, _ATTRIBUTE)

    def asks_firsts(self, module: nn.Module) -> bool:
        """Whether a module is of the last block, and this is asked for the first token of each row alone."""
        return self.firsts_only and module in self._last

    def _begin(self, _: nn.Module, __: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.layout, self._seen, self._narrowed = lay_out(kwargs["attention_mask"]), {}, False

    def _keep_firsts(self, _: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """First tokens alone; the last is repeated for the sake of a round number, and put out once."""
        import torch

        if not self.firsts_only:
            return None
        assert self.layout is not None
        self._narrowed, firsts = True, self.layout.firsts
        kept = torch.cat([firsts, firsts[-1:].expand(-len(firsts) % ROUND_TOKENS)])
        return tuple(part.index_select(1, kept) for part in args)

    def _enter(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self.packed(args), {name: self.packed(value) for name, value in kwargs.items()}

    def packed(self, value: Any) -> Any:
        """The real tokens of whatever has [rows or 1, longest, ...] values, as [1, tokens, ...]; anything else as it is."""
        import torch

        assert self.layout is not None
        if isinstance(value, tuple):
            return tuple(self.packed(part) for part in value)
        rows, width = self.layout.shape
        if not isinstance(value, torch.Tensor) or value.ndim < 2 or value.shape[1] != width or value.shape[0] not in (1, rows):
            return value
        if value.shape[0] == rows:
            return value.reshape(rows * width, *value.shape[2:]).index_select(0, self.layout.real)[None]
        if id(value) not in self._seen:  # what all rows have in common, such as rotary angles, goes into every block
            self._seen[id(value)] = value, value[0].index_select(0, self.layout.real % width)[None]
        return self._seen[id(value)][1]

    def _leave(self, _: nn.Module, __: Any, output: Any) -> Any:
        if hasattr(output, "last_hidden_state"):
            output.last_hidden_state = self.padded(output.last_hidden_state)
            return output
        return (self.padded(output[0]), *output[1:]) if isinstance(output, tuple) else self.padded(output)

    def padded(self, hidden: torch.Tensor) -> torch.Tensor:
        """Packed values [1, tokens, hidden] as [rows, longest, hidden], zeros where rows end.

        Where the last block was asked for first tokens alone, values are of these, and zeros stand everywhere else.
        """
        assert self.layout is not None
        rows, width = self.layout.shape
        real = self.layout.real[self.layout.firsts] if self._narrowed else self.layout.real[:self.layout.count]
        return hidden.new_zeros(rows * width, hidden.shape[-1]).index_copy(0, real, hidden[0, :len(real)]).view(rows, width, -1)


def pack(model: nn.Module, pad_token_id: int) -> bool:
    """Have the model's blocks see real tokens only, where that changes nothing; whether it does.

    Some models' attention does not go through the interface, or takes what the interface does not hand on: two rows, packed
    and padded, tell; and so they do whether the head reads first tokens alone. One of them is longer than the window of
    attention, where there is one.
    """
    from transformers import AttentionInterface

    from luthier.models.attention import attention

    AttentionInterface.register(NAME, attention)
    stock: Any = model
    if not stock._can_set_attn_implementation() or (padded := _outputs(model, pad_token_id)) is None:
        return False
    before, packing, same = stock.config._attn_implementation, None, False
    with contextlib.suppress(*FAILURES):
        packing = Packing(model)
        stock.set_attn_implementation(NAME)
        same = _same(_outputs(model, pad_token_id), padded)
    if same and packing is not None:
        packing.firsts_only = packing.can_narrow
        packing.firsts_only = packing.can_narrow and _same(_outputs(model, pad_token_id), padded)
    elif packing is not None:
        packing.remove(model)
        with quiet():
            stock.set_attn_implementation(before)
    return same


def _outputs(model: nn.Module, pad_token_id: int) -> torch.Tensor | None:
    """What the model makes of the probe; None where it fails."""
    with contextlib.suppress(*FAILURES):
        return probe(model, pad_token_id)
    return None


def _same(outputs: torch.Tensor | None, padded: torch.Tensor) -> bool:
    if outputs is None or outputs.shape != padded.shape:
        return False
    return bool((outputs - padded).abs().max() <= TOLERANCE * padded.abs().max())


@contextlib.contextmanager
def every_token(model: nn.Module) -> Iterator[None]:
    """Within this, the model's last block puts out every token, for those who read more of it than the head does."""
    packing = packing_of(model)
    before = packing is not None and packing.firsts_only
    try:
        if packing is not None:
            packing.firsts_only = False
        yield
    finally:
        if packing is not None:
            packing.firsts_only = before


def packing_of(model: nn.Module) -> Packing | None:
    """What packs the blocks of the model, or of that which a module is part of; None where `pack` has not taken effect."""
    return getattr(model, _ATTRIBUTE, None)


def is_packed(model: nn.Module) -> bool:
    """Whether `pack` has taken effect on the model."""
    return packing_of(model) is not None


def probe_mask(window: int = 0) -> torch.Tensor:
    """What is real of two made-up rows, one of them longer than a `window` of attention reaches. Shape [2, tokens]."""
    import torch

    lengths = torch.tensor([PROBE_LENGTHS[0] + min(window, MOST_WINDOW), PROBE_LENGTHS[1]])
    return (torch.arange(int(lengths.max())) < lengths[:, None]).long()


def probe(model: nn.Module, pad_token_id: int) -> torch.Tensor:
    """The outputs of two made-up rows, without dropout: of each row, or of each of their tokens. Shape [units, outputs]."""
    import torch

    config: Any = model.config
    window = getattr(config, "sliding_window", None) or getattr(config, "local_attention", None) or 0
    mask = probe_mask(int(window))
    ids = torch.randint(int(config.vocab_size), mask.shape, generator=torch.Generator().manual_seed(0))
    ids[ids == pad_token_id] = (pad_token_id + 1) % int(config.vocab_size)
    device, training = next(model.parameters()).device, model.training
    ids = torch.where(mask > 0, ids, pad_token_id).to(device)
    model.eval()
    try:
        with torch.no_grad(), quiet():
            logits: torch.Tensor = model(input_ids=ids, attention_mask=mask.to(device)).logits.float()
    finally:
        model.train(training)
    return logits[mask.to(device) > 0] if logits.ndim == 3 else logits
