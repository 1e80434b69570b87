"""Packed blocks against padded ones: outputs and gradients of many architectures, and those that cannot be packed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.pytorch_utils import Conv1D

from luthier.models import attention, packing
from luthier.models.encoder import anatomy
from luthier.models.packing import every_token, is_packed, lay_out, pack, partition

pytestmark = pytest.mark.usefixtures("one_thread")
PACKED = ("bert", "roberta", "distilbert", "electra", "modernbert", "albert", "llama", "gpt2")
NARROWED = ("bert", "roberta", "distilbert", "electra")
PADDED = ("mpnet", "deberta-v2")
Make = Callable[..., Any]
LENGTHS = {"several groups": (60, 3, 2, 3, 41, 2, 1, 3), "one group": (21, 3, 14, 14, 6, 1), "even": (8, 8, 8)}


def batch(pad: int, lengths: tuple[int, ...] = LENGTHS["one group"]) -> dict[str, torch.Tensor]:
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(3, 50, mask.shape, generator=torch.Generator().manual_seed(1))
    return {"input_ids": torch.where(mask > 0, ids, pad), "attention_mask": mask}


def gradients(model: Any, given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The outputs of real units, and the gradients of a sum that weighs each differently."""
    model.zero_grad()
    logits = model(**given).logits
    if logits.ndim == 3:
        logits = logits[given["attention_mask"] > 0]
    (logits * torch.arange(1.0, logits.numel() + 1).view_as(logits) / logits.numel()).sum().backward()
    return logits.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("per_token", [False, True], ids=["texts", "tokens"])
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("family", PACKED)
def test_packed_outputs_and_gradients_equal_padded_ones(architecture: Make, family: str, lengths: str, per_token: bool) -> None:
    model = architecture(family, per_token)
    given = batch(int(model.config.pad_token_id), LENGTHS[lengths])
    outputs, slopes = gradients(model, given)
    assert pack(model, int(model.config.pad_token_id)) and is_packed(model)
    seen = widths(model)
    packed, packed_slopes = gradients(model, given)
    tokens = int(given["attention_mask"].sum())
    assert seen == {(1, -(-tokens // packing.ROUND_TOKENS) * packing.ROUND_TOKENS)}, "the blocks see real tokens, and few more"
    layout = packing.packing_of(model).layout  # type: ignore[union-attr]
    assert layout is not None and (len(layout.groups) > 1) == (lengths == "several groups")
    assert all(group.padding is None for group in layout.groups) == (lengths == "even")
    with torch.no_grad():  # the fused kernel, where there are no gradients
        fused = model(**given).logits
    torch.testing.assert_close(fused[given["attention_mask"] > 0] if fused.ndim == 3 else fused, outputs, atol=1e-5, rtol=0)
    torch.testing.assert_close(packed, outputs, atol=1e-5, rtol=0)
    assert packed_slopes.keys() == slopes.keys()
    for name, slope in slopes.items():
        torch.testing.assert_close(packed_slopes[name], slope, atol=1e-5, rtol=1e-4, msg=name)


def widths(model: Any) -> set[tuple[int, int]]:
    """Collects the shapes of what enters the linear layers of the blocks."""
    seen: set[tuple[int, int]] = set()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear | Conv1D) and any(part in name for part in (".0.", "albert_layers")):
            module.register_forward_pre_hook(lambda _, inputs: seen.add(tuple(inputs[0].shape[:2])))
    return seen


@pytest.mark.parametrize("family", PACKED)
def test_the_last_block_computes_first_tokens_alone_where_the_head_reads_no_other(architecture: Make, family: str) -> None:
    for per_token in (False, True):
        model = architecture(family, per_token)
        given = batch(int(model.config.pad_token_id))
        assert pack(model, int(model.config.pad_token_id))
        seen: list[int] = []
        last = list(model.get_submodule(anatomy(model).blocks).children())[-1]
        linear = [module for module in last.modules() if isinstance(module, torch.nn.Linear | Conv1D)][-1]
        linear.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0].shape[1]))
        narrow = model(**given).logits
        with every_token(model):
            whole = model(**given).logits
        tokens = len(packing.packing_of(model).layout.real)  # type: ignore[union-attr]
        if family in NARROWED and not per_token:
            assert seen == [16, tokens], "six rows, made round; and all tokens within"
        else:
            assert set(seen) == {tokens}, "all tokens, within and without"
        torch.testing.assert_close(narrow, whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_first_tokens_of_a_decoder_are_told_what_they_may_see(architecture: Make, lengths: str) -> None:
    model = architecture("bert", is_decoder=True)
    given = batch(0, LENGTHS[lengths])
    outputs, slopes = gradients(model, given)
    assert pack(model, 0)
    packed, packed_slopes = gradients(model, given)
    torch.testing.assert_close(packed, outputs, atol=1e-5, rtol=0)
    for name, slope in slopes.items():
        torch.testing.assert_close(packed_slopes[name], slope, atol=1e-5, rtol=1e-4, msg=name)


def test_a_head_that_reads_other_tokens_is_found_out(architecture: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = architecture("distilbert")
    forward = model.distilbert.forward

    def second_first(*args: Any, **kwargs: Any) -> Any:
        found = forward(*args, **kwargs)
        found.last_hidden_state = found.last_hidden_state[:, 1:]
        return found

    monkeypatch.setattr(model.distilbert, "forward", second_first)
    given = batch(0)
    given = {name: value[:3] for name, value in given.items()}
    before = model(**given).logits
    assert pack(model, 0) and not packing.packing_of(model).firsts_only  # type: ignore[union-attr]
    torch.testing.assert_close(model(**given).logits, before, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", PADDED)
def test_models_that_cannot_be_packed_stay_as_they_were(architecture: Make, family: str) -> None:
    model = architecture(family)
    given = batch(int(model.config.pad_token_id))
    before, _ = gradients(model, given)
    assert not pack(model, int(model.config.pad_token_id)) and not is_packed(model)
    after, _ = gradients(model, given)
    assert torch.equal(before, after)


@pytest.mark.parametrize("asked", ["softcap", "s_aux", "position_bias"])
def test_a_model_whose_attention_asks_for_more_stays_padded(architecture: Make, asked: str,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    whole = attention.attention
    monkeypatch.setattr(attention, "attention", lambda *args, **kwargs: whole(*args, **kwargs, **{asked: 1.0}))
    model = architecture("bert")
    assert not pack(model, 0) and not is_packed(model)
    assert model(**batch(0)).logits.isfinite().all(), "and works as before"


def test_a_window_that_attention_is_not_told_of_is_found_out(architecture: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = attention.attention
    monkeypatch.setattr(attention, "attention", lambda *args, **kwargs: whole(*args, **kwargs | {"sliding_window": None}))
    assert not pack(architecture("modernbert"), 0)


def test_a_model_that_cannot_be_probed_stays_padded(architecture: Make) -> None:
    model = architecture("bert")
    model.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(ValueError("needs an end-of-text token")))
    assert not pack(model, 0) and not is_packed(model)


def test_a_model_whose_attention_errs_when_packed_is_found_out(architecture: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison at loading can fail: attention that looks beyond its own row is noticed."""
    whole = attention.attention

    def leaky(module: Any, query: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        found, weights = whole(module, query, *args, **kwargs)
        return found + found.mean(1, keepdim=True), weights

    monkeypatch.setattr(attention, "attention", leaky)
    model = architecture("bert")
    assert not pack(model, 0) and not is_packed(model)


def test_dropout_of_attention_is_of_the_rate_asked_for(architecture: Make) -> None:
    model = architecture("bert", attention_probs_dropout_prob=0.5, hidden_dropout_prob=0.0)
    pack(model, 0)
    given = batch(0)
    still = model(**given).logits
    model.train()
    torch.manual_seed(0)
    one, again = model(**given).logits, model(**given).logits
    assert not torch.equal(one, again) and not torch.equal(one, still)
    mean = torch.stack([model(**given).logits for _ in range(400)]).mean(0)
    torch.testing.assert_close(mean, still, atol=0.05, rtol=0)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_every_real_token_is_packed_once_and_comes_back(lengths: list[int]) -> None:
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    layout, count = lay_out(mask), sum(lengths)
    assert layout.count == count and len(layout.real) == len(layout.place) == -(-count // 16) * 16
    assert sorted(layout.real[:count].tolist()) == mask.flatten().nonzero().flatten().tolist()
    assert torch.equal(layout.spread[layout.place[:count]], torch.arange(count)), "each token's slot holds it"
    assert sum(group.slots for group in layout.groups) == len(layout.spread)
    for group in layout.groups:
        own = layout.spread[group.first:group.first + group.slots].view(group.rows, group.longest)
        rows = layout.real[own] // mask.shape[1]
        assert (rows == rows[:, :1]).all(), "a slot holds a token of its row, padding too"
        real = group.slots - (0 if group.padding is None else int(group.padding.sum()))
        assert real == int(mask[rows[:, 0]].sum())


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.sampled_from([(1, 1), (4, 1), (6, 3), (4, 4)]))
def test_heads_of_packed_tokens_come_back_to_their_places(lengths: list[int], heads: tuple[int, int]) -> None:
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    layout, (count, shared) = lay_out(mask), heads
    spread, place = layout.by_head(count, shared)
    own = torch.arange(len(layout.real) * count // shared).view(len(layout.real), -1)  # a value for each token and head
    there = own.flatten()[spread]
    assert torch.equal(there[place].view(-1, count)[:layout.count], own.repeat_interleave(shared, 1)[:layout.count])
    for group in layout.groups:  # and each head of a row has the row's tokens, one after the other
        slots = there[count * group.first:count * (group.first + group.slots)].view(group.rows, count, group.longest)
        tokens = layout.spread[group.first:group.first + group.slots].view(group.rows, 1, group.longest)
        assert torch.equal(slots // (count // shared), tokens.expand_as(slots))


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.integers(0, 5000))
def test_groups_cost_least(lengths: list[int], cost: int) -> None:
    ordered = np.sort(np.array(lengths))

    def price(bounds: list[int]) -> float:
        return sum((high - low) * float(ordered[high - 1])**2 + cost for low, high in itertools.pairwise(bounds))

    found = partition(ordered, cost)
    assert found[0] == 0 and found[-1] == len(lengths) and found == sorted(set(found))
    every = [[0, *[i + 1 for i in range(len(lengths) - 1) if choice >> i & 1], len(lengths)]
             for choice in range(2**(len(lengths) - 1))]
    assert price(found) == pytest.approx(min(map(price, every)))
