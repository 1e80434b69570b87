"""Averages, seeds, unfreezing across a checkpoint, and dropout in frozen layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.recipes.recipe import Averaging, Recipe
from luthier.recipes.seeds import Seeds
from luthier.training.checkpoint import load_checkpoint, save_checkpoint
from luthier.training.learner import Learner
from luthier.training.optimizer import newest_share

pytestmark = pytest.mark.usefixtures("one_thread")
Make, Run, Copy = Callable[..., Learner], Callable[..., Any], Callable[[Learner], dict[str, torch.Tensor]]


@pytest.mark.parametrize("steps", [1, 64, 100, 257, 263, 1000, 3001, 3007])
def test_an_average_of_few_steps_is_as_old_as_one_of_all(steps: int) -> None:
    """What each step's weights count for in the end: mostly the last tenth."""
    counts = {apart: np.zeros(steps) for apart in ("some", "all")}
    taken = 0
    for step in range(steps):
        share = newest_share(Recipe(averaging=Averaging.EMA), step, steps)
        taken += share > 0
        for apart, own in (("some", share), ("all", 10 / (step + 10))):
            counts[apart] *= 1 - own
            counts[apart][step] += own
    age = {apart: float((count * (steps - 1 - np.arange(steps))).sum()) for apart, count in counts.items()}
    assert age["some"] == pytest.approx(age["all"], abs=7.01, rel=0.1), "in steps"
    if steps <= 64:
        np.testing.assert_allclose(counts["some"], counts["all"])
    else:
        assert steps / 8 <= taken < steps and np.flatnonzero(counts["some"])[-1] >= steps * (1 - 1 / 32)


def test_swa_is_the_plain_mean_of_the_last_part(make: Make, run: Run) -> None:
    learner, seen = make(averaging="swa", swa_share=0.4, learning_rate=1e-2), []
    for step in range(1, 11):
        run(learner, step, total=10)
        seen.append(learner.model.get_parameter("classifier.weight").detach().double().numpy().copy())
        assert learner.average is not None
        average = learner.average.weights["classifier.weight"].numpy()
        np.testing.assert_allclose(average, np.mean(seen[6:], axis=0) if step > 6 else seen[-1], atol=1e-6)


@pytest.mark.parametrize("changed", ["init", "order", "dropout"])
def test_seeds_are_separate(make: Make, run: Run, weights: Copy, changed: str) -> None:
    base = Seeds.all(5)
    other = Seeds(**(vars(base) | {changed: 6}))
    one, two = make(base, dropout=0.3, batch_size=64), make(other, dropout=0.3, batch_size=64)
    same_start = all(torch.equal(a, b) for a, b in zip(weights(one).values(), weights(two).values(), strict=True))
    assert same_start == (changed != "init")
    (first,), (second,) = run(one, 1), run(two, 1)
    same_order = np.array_equal(first.targets, second.targets)
    assert same_order == (changed != "order")
    assert first.objective != second.objective


def test_dropout_seed_alone_matters_not_without_dropout(make: Make, run: Run) -> None:
    """The test above can fail: with dropout off, the dropout seed changes nothing."""
    one, two = run(make(Seeds(5, 5, 5)), 2), run(make(Seeds(5, 5, 6)), 2)
    assert [step.objective for step in one] == [step.objective for step in two]


@pytest.mark.parametrize("changes", [
    {"unfreeze_every": 2, "averaging": "ema"}, {"method": "lora", "lora_dropout": 0.1}, {"method": "bitfit"},
    {"reinit_layers": 1, "frozen_layers": 1}, {"averaging": "swa", "swa_share": 0.5}, {"l2_sp": 10.0, "l1": 1e-3},
    {"r_drop": 1.0, "schedule": "cosine"}])
def test_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
        make: Make, run: Run, weights: Copy, tmp_path: Path, changes: dict[str, object]) -> None:
    whole, first, second = (make(dropout=0.2, **changes) for _ in range(3))
    losses = [step.objective for step in run(whole, 8)]
    begun = [step.objective for step in run(first, 3)]
    save_checkpoint(first, tmp_path / "c.safetensors")
    load_checkpoint(second, tmp_path / "c.safetensors", 3)
    assert begun + [step.objective for step in run(second, 8)] == losses
    with whole.evaluated_weights(), second.evaluated_weights():
        for name, value in weights(whole).items():
            assert torch.equal(value, weights(second)[name]), name


@pytest.mark.parametrize("everywhere", [False, True])
def test_dropout_in_frozen_layers_is_a_switch(make: Make, everywhere: bool) -> None:
    learner = make(frozen_layers=1, dropout=0.5, dropout_in_frozen=everywhere)
    learner.begin_step()
    modes = {name: m.training for name, m in learner.model.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert all(modes[name] == everywhere for name in modes if "embeddings" in name or "layer.0." in name)
    assert all(on for name, on in modes.items() if "layer.1." in name or name == "dropout")


def test_attention_dropout_is_apart_from_the_other(make: Make) -> None:
    model = make(dropout=0.3, attention_dropout=0.05).model
    rates = {name: m.p for name, m in model.named_modules() if isinstance(m, torch.nn.Dropout)}
    attention = {name: rate for name, rate in rates.items() if name.endswith("attention.self.dropout")}
    assert set(attention.values()) == {0.05}
    assert {rate for name, rate in rates.items() if name not in attention} == {0.3}
    assert {m.p for m in make(dropout=0.3).model.modules() if isinstance(m, torch.nn.Dropout)} == {0.3}
