"""Which parameters train: freezing, the table of rates, gradual unfreezing, LoRA and BitFit, on a real model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from luthier.errors import ConfigError
from luthier.models.encoder import Anatomy
from luthier.recipes.recipe import Recipe
from luthier.training.learner import Learner
from luthier.training.selection import layer_multiple, lowest_trained

pytestmark = pytest.mark.usefixtures("one_thread")
Make, Run, Copy = Callable[..., Learner], Callable[..., Any], Callable[[Learner], dict[str, torch.Tensor]]
PARTS = Anatomy("bert", "bert.encoder.layer", 6)


def moved(learner: Learner, run: Run, weights: Copy, steps: int = 2) -> set[str]:
    before = weights(learner)
    run(learner, steps)
    return {name for name, value in weights(learner).items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize(("table", "frozen"), [
    ({"embeddings": 0.0}, "embeddings"), ({"embeddings": 0.0, "0": 0.0}, 1), ({"embeddings": 0.0, "0-1": 0.0}, 2),
    ({"embeddings": 0.0, "encoder.layer.*": 0.0}, "all"), ({"bert.embeddings": 0.0, "0": 0.0}, "half")])
def test_rate_zero_is_freezing(make: Make, run: Run, weights: Copy, table: dict[str, float], frozen: object) -> None:
    """Also in dropout: both runs have the same losses."""
    one, other = make(layer_lr=table, dropout=0.3), make(frozen_layers=frozen, dropout=0.3)
    assert set(one.trainable) == set(other.trainable)
    assert [s.objective for s in run(one, 3)] == [s.objective for s in run(other, 3)]
    assert all(torch.equal(a, b) for a, b in zip(weights(one).values(), weights(other).values(), strict=True))


def test_every_matching_entry_multiplies_the_rate(make: Make) -> None:
    learner = make(layer_decay=0.5, head_lr_multiplier=7.0, layer_lr={
        "embeddings": 0.1, "0-1": 2.0, "encoder.layer.1.attention.*": 3.0, "head": 0.5, "pooler": 4.0})
    rate = {name: group["multiple"] for group in learner.optimizer.param_groups for name in group["names"]}
    assert rate["bert.embeddings.word_embeddings.weight"] == pytest.approx(0.5**2 * 0.1)
    assert rate["bert.encoder.layer.0.attention.self.query.weight"] == pytest.approx(0.5 * 2)
    assert rate["bert.encoder.layer.1.attention.self.query.weight"] == pytest.approx(1 * 2 * 3)
    assert rate["bert.encoder.layer.1.output.dense.bias"] == pytest.approx(2)
    assert rate["bert.pooler.dense.weight"] == pytest.approx(4)
    assert rate["classifier.weight"] == pytest.approx(7 * 0.5)


def test_a_pattern_that_matches_nothing_lists_the_names(make: Make) -> None:
    with pytest.raises(ConfigError) as error:
        make(layer_lr={"encoder.layer.7.attention.*": 0.0, "embedings": 0.5, "4": 1.0, "0": 0.5})
    for part in ("'4', 'embedings', 'encoder.layer.7.attention.*' match", "'embeddings'", "'0' to '1'",
                 "encoder.layer.*.attention.self.query.weight"):
        assert part in str(error.value)


def test_a_range_beyond_the_model_is_refused(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"layer_lr: '0-2' matches .* blocks '0' to '1'"):
        make(layer_lr={"0-2": 0.5, "0-1": 0.5})


def test_bitfit_trains_biases_and_the_head_alone(make: Make, run: Run, weights: Copy) -> None:
    changed = moved(make(method="bitfit", frozen_layers=1), run, weights)
    assert changed and all(name.startswith("classifier") or name.endswith("bias") for name in changed)
    assert not any("embeddings" in name or "layer.0." in name for name in changed)
    assert "bert.encoder.layer.1.attention.self.query.bias" in changed and "classifier.weight" in changed


def test_lora_leaves_the_pretrained_weights_as_they_are(make: Make, run: Run, weights: Copy) -> None:
    changed = moved(make(method="lora", frozen_layers=1), run, weights)
    assert all(name.startswith("classifier") or ".lora_" in name for name in changed)
    assert any("layer.1.attention.self.query.lora_B" in name for name in changed)
    assert not any("layer.0." in name for name in changed)


def test_frozen_all_trains_what_stands_above_the_blocks(make: Make, run: Run, weights: Copy) -> None:
    changed = moved(make(frozen_layers="all"), run, weights)
    assert changed == {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}


def test_gradual_unfreezing_lets_one_block_more_train_every_so_many_steps(make: Make, run: Run, weights: Copy) -> None:
    learner = make(unfreeze_every=2)
    assert learner.average is None
    lowest = []
    for steps in range(1, 8):
        before = weights(learner)
        run(learner, steps)
        lowest.append(min(learner.parts.place(n) for n, value in weights(learner).items() if not torch.equal(value, before[n])))
    assert lowest == [3, 3, 2, 2, 1, 1, 0]


@pytest.mark.parametrize(("step", "lowest"), [(0, 7), (9, 7), (10, 6), (59, 2), (60, 1), (69, 1), (70, 0), (10**6, 0)])
def test_lowest_trained_place(step: int, lowest: int) -> None:
    assert lowest_trained(Recipe(unfreeze_every=10), PARTS, step) == lowest
    assert lowest_trained(Recipe(), PARTS, step) == 0


@pytest.mark.parametrize(("place", "multiple"), [(8, 3.0), (7, 1.0), (6, 1.0), (5, 0.5), (1, 0.5**5), (0, 0.5**6)])
def test_layer_decay_is_electras(place: int, multiple: float) -> None:
    assert layer_multiple(Recipe(layer_decay=0.5, head_lr_multiplier=3.0), place, PARTS) == multiple


def test_reinitialised_blocks_train_though_they_are_named_as_frozen(make: Make, run: Run, weights: Copy) -> None:
    for method in ("full", "lora", "bitfit"):
        changed = moved(make(frozen_layers=2, reinit_layers=1, method=method), run, weights)
        assert "bert.encoder.layer.1.attention.self.query.weight" in changed, method
        assert not any("layer.0." in name for name in changed), method


def test_a_name_matches_under_lora_too(make: Make) -> None:
    learner = make(method="lora", layer_lr={"encoder.layer.1.attention.self.query.weight": 0.5, "0": 0.0})
    assert not any("layer.0." in name for name in learner.trainable)


@pytest.mark.parametrize(("changes", "message"), [
    ({"reinit_layers": 1, "layer_lr": {"1": 0}}, "would stay random"),
    ({"frozen_layers": "all", "layer_lr": {"head": 0, "pooler": 0}}, "nothing is trained")])
def test_what_cannot_be_trained_is_refused(make: Make, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**changes)
