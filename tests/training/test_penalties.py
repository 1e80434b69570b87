"""L1, L2-SP and weight decay, each against float64 arithmetic, and on nothing but the weights they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from luthier.recipes.recipe import Recipe
from luthier.training.learner import Learner
from luthier.training.penalties import apply_penalties

pytestmark = pytest.mark.usefixtures("one_thread")
Make, Run, Copy = Callable[..., Learner], Callable[..., Any], Callable[[Learner], dict[str, torch.Tensor]]
VALUES = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=20)


def one_group(values: list[float], rate: float, penalised: bool = True) -> tuple[torch.optim.Optimizer, torch.nn.Parameter]:
    weight = torch.nn.Parameter(torch.tensor(values))
    return torch.optim.SGD([{"params": [weight], "names": ["w"], "penalised": penalised}], lr=rate), weight


@given(values=VALUES, rate=st.floats(1e-4, 0.5), l1=st.floats(1e-3, 2))
def test_l1_is_the_soft_threshold_of_rate_times_penalty(values: list[float], rate: float, l1: float) -> None:
    optimizer, weight = one_group(values, rate)
    apply_penalties(optimizer, Recipe(l1=l1), {})
    start = np.array(values, np.float64)
    expected = np.sign(start) * np.maximum(np.abs(start) - rate * l1, 0)
    np.testing.assert_allclose(weight.detach().numpy(), expected, atol=1e-6)
    clearly = np.abs(start) < rate * l1 * (1 - 1e-5)
    assert (weight.detach().numpy()[clearly] == 0).all(), "exact zeros"


@given(values=VALUES, rate=st.floats(1e-4, 0.5), l2_sp=st.floats(1e-3, 100))
def test_l2_sp_takes_back_its_share_of_the_change(values: list[float], rate: float, l2_sp: float) -> None:
    optimizer, weight = one_group(values, rate)
    start, anchor = np.array(values, np.float64), np.full(len(values), 0.25)
    apply_penalties(optimizer, Recipe(l2_sp=l2_sp), {"w": torch.tensor(anchor, dtype=torch.float32)})
    np.testing.assert_allclose(weight.detach().numpy(), start - min(1.0, rate * l2_sp) * (start - anchor), atol=1e-6)


def test_weights_that_are_not_penalised_are_left_alone() -> None:
    optimizer, weight = one_group([0.5, -0.1], 0.5, penalised=False)
    apply_penalties(optimizer, Recipe(l1=1.0, l2_sp=1.0), {"w": torch.zeros(2)})
    assert weight.tolist() == pytest.approx([0.5, -0.1])


def shares_of_zeros(learner: Learner) -> dict[str, float]:
    return {name: float((p == 0).float().mean()) for name, p in learner.model.named_parameters()}


def test_l1_makes_exact_zeros_in_matrices_only(make: Make, run: Run) -> None:
    before = make(l1=5.0)
    untouched = shares_of_zeros(before)
    run(before, 4)
    for name, share in shares_of_zeros(before).items():
        matrix = name.endswith("weight") and "LayerNorm" not in name and "embeddings" not in name
        if matrix:
            assert share > 0.05, name
        else:
            assert share <= untouched[name] + 0.01, name


def test_l2_sp_keeps_the_encoder_near_its_start_and_leaves_the_head(make: Make, run: Run, weights: Copy) -> None:
    free, held = make(), make(l2_sp=300.0)
    start = weights(free)
    run(free, 6)
    run(held, 6)
    name, bias, head = ("bert.encoder.layer.1.output.dense.weight", "bert.encoder.layer.1.output.dense.bias", "classifier.weight")
    assert set(held.anchors) == {n for n in start if n.endswith("weight") and "Norm" not in n and "embeddings" not in n
                                 and n != head}
    distance = {of: (weights(of)[name] - start[name]).norm() for of in (free, held)}
    assert distance[held] < 0.85 * distance[free]
    assert (weights(held)[bias] - start[bias]).norm() > 0.5 * (weights(free)[bias] - start[bias]).norm()
    assert (weights(held)[head] - start[head]).norm() > 0.5 * (weights(free)[head] - start[head]).norm()


def test_l2_sp_is_for_trained_pretrained_matrices(make: Make) -> None:
    assert all("layer.1." in name or "pooler" in name for name in make(l2_sp=1.0, frozen_layers=1).anchors)
    assert not any("layer.1." in name for name in make(l2_sp=1.0, reinit_layers=1).anchors)
    assert not make(l2_sp=1.0, method="lora").anchors and not make(l2_sp=1.0, method="bitfit").anchors
    assert not make().anchors, "nothing is kept that is not needed"


def test_penalties_that_are_off_change_nothing(make: Make, run: Run, weights: Copy) -> None:
    """And that are on, change something: the switch is real."""
    plain, off, on = make(), make(l1=0.0, l2_sp=0.0), make(l1=1e-3)
    for learner in (plain, off, on):
        run(learner, 2)
    assert all(torch.equal(a, b) for a, b in zip(weights(plain).values(), weights(off).values(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(plain).values(), weights(on).values(), strict=True))


def test_what_l1_has_put_at_zero_is_zero_in_the_average_too(make: Make, run: Run) -> None:
    learner = make(l1=5.0, averaging="ema")
    run(learner, 4)
    own = shares_of_zeros(learner)["bert.encoder.layer.1.output.dense.weight"]
    with learner.evaluated_weights():
        assert own > 0.05 and shares_of_zeros(learner)["bert.encoder.layer.1.output.dense.weight"] == own
