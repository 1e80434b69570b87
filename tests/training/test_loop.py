"""The training loop against plain transformers and PyTorch, and its promises about frozen layers, rates and resuming."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.data.sequences import Cut, Sequences, sequences
from luthier.data.tokens import Tokens
from luthier.errors import TrainingError
from luthier.models.classifier import load_classifier
from luthier.recipes.recipe import Averaging, Recipe, Schedule
from luthier.recipes.seeds import Seeds
from luthier.tasks.classification import Classification
from luthier.training import loop, optimizer
from luthier.training.batches import collate, step_rows
from luthier.training.checkpoint import load_checkpoint, save_checkpoint
from luthier.training.learner import Learner
from luthier.training.loop import predict_scores, train

TASK, CUT = Classification(("negative", "neutral", "positive")), Cut(64)
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def read(tokens: Tokens) -> Sequences:
    return sequences(tokens, CUT)


def recipe(**changes: object) -> Recipe:
    plain = {"batch_size": 8, "dropout": 0.0, "warmup_steps": 4, "max_length": 64, "head_init": "random"}
    return Recipe.from_table(plain | changes)


def learner(model: Path, of: Recipe, seed: int = 5) -> Learner:
    return Learner(load_classifier(model, TASK, of, seed=seed, pad_token_id=0), of, Seeds.all(seed))


def weights(of: Learner) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in of.model.named_parameters()}


def test_step_gradients_equal_those_of_plain_transformers(tiny_model: Path, read: Sequences) -> None:
    ours = learner(tiny_model, recipe(max_grad_norm=1e6))
    plain = load_classifier(tiny_model, TASK, recipe(), seed=5, pad_token_id=0)
    batch = collate(read, step_rows(0, len(read), 8, 5), 0)
    next(train(ours, TASK, read, 1, 10, 0))

    plain.train()
    plain(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets).loss.backward()

    for (name, one), (_, other) in zip(ours.model.named_parameters(), plain.named_parameters(), strict=True):
        assert one.grad is not None and other.grad is not None, name
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=0, msg=name)


def test_steps_equal_those_of_a_hand_written_adamw_loop(tiny_model: Path, read: Sequences) -> None:
    of = recipe(learning_rate=1e-3, layer_decay=1.0, head_lr_multiplier=1.0, weight_decay=0.5, averaging="none",
                schedule="constant", warmup_steps=0, max_grad_norm=1.0)
    ours = learner(tiny_model, of)
    for _ in train(ours, TASK, read, 3, 3, 0):
        pass

    plain = load_classifier(tiny_model, TASK, recipe(), seed=5, pad_token_id=0)
    decayed = [p for n, p in plain.named_parameters() if p.ndim == 2 and "embeddings" not in n]
    others = [p for n, p in plain.named_parameters() if p.ndim < 2 or "embeddings" in n]
    adam = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.5}, {"params": others, "weight_decay": 0.0}], lr=1e-3,
                             fused=True)  # Adam divides by tiny gradients, so even the order of its sums must agree
    for step in range(3):
        rows = step_rows(step, len(read), 8, 5)
        batch = collate(read, rows[np.argsort(read.lengths[rows], kind="stable")], 0)
        plain.train()
        adam.zero_grad()
        plain(input_ids=batch.input_ids, attention_mask=batch.attention_mask, labels=batch.targets).loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        adam.step()

    for (name, one), (_, other) in zip(ours.model.named_parameters(), plain.named_parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-6, rtol=0, msg=name)


@pytest.mark.parametrize("frozen", [1, 2])
def test_frozen_weights_are_bit_identical_after_training(tiny_model: Path, read: Sequences, frozen: int) -> None:
    ours = learner(tiny_model, recipe(frozen_layers=frozen, learning_rate=1e-2, dropout=0.1, weight_decay=1.0))
    before = weights(ours)
    for _ in train(ours, TASK, read, 4, 4, 0):
        pass
    after = weights(ours)
    same = {name for name in before if torch.equal(before[name], after[name])}
    below = {name for name in before if ours.parts.place(name) <= frozen}
    assert same == below, "frozen weights and only they keep their value"


def test_frozen_layers_run_without_dropout_and_others_with(tiny_model: Path, read: Sequences) -> None:
    ours = learner(tiny_model, recipe(frozen_layers=1, dropout=0.5))
    next(train(ours, TASK, read, 1, 1, 0))
    modes = {name: module.training for name, module in ours.model.named_modules() if isinstance(module, torch.nn.Dropout)}
    frozen = {name for name in modes if "embeddings" in name or "layer.0." in name}
    assert frozen and all(not modes[name] for name in frozen)
    assert all(modes[name] for name in modes if name not in frozen)


@pytest.mark.parametrize("schedule", list(Schedule))
def test_each_layers_rate_at_each_step_equals_its_formula(tiny_model: Path, read: Sequences, schedule: Schedule) -> None:
    total, of = 10, recipe(schedule=schedule.value, learning_rate=1e-4, layer_decay=0.5, head_lr_multiplier=7.0,
                           decay_share=0.3)
    ours = learner(tiny_model, of)
    for step in train(ours, TASK, read, total, total, 0):
        s = step.step - 1
        share = {Schedule.CONSTANT: 1.0, Schedule.LINEAR: (total - s) / (total - 4),
                 Schedule.COSINE: (1 + math.cos(math.pi * max(0, s - 4) / 6)) / 2,
                 Schedule.WARMUP_STABLE_DECAY: (total - s) / 3,
                 Schedule.SLANTED_TRIANGULAR: (1 + (s if s < 1 else 1 - (s - 1) / 9) * 31) / 32}[schedule]
        warmup = 1.0 if schedule is Schedule.SLANTED_TRIANGULAR else (s + 1) / 4
        rate = 1e-4 * min(warmup, share, 1.0)
        assert step.rate == pytest.approx(rate, rel=1e-12)
        for group in ours.optimizer.param_groups:
            for name in group["names"]:
                if "classifier" in name:
                    expected = rate * 7.0
                elif "embeddings" in name:
                    expected = rate * 0.5**2
                elif "layer.0." in name:
                    expected = rate * 0.5
                else:
                    expected = rate
                assert group["lr"] == pytest.approx(expected, rel=1e-12), name


def test_weight_decay_touches_matrices_only(tiny_model: Path) -> None:
    groups = learner(tiny_model, recipe(weight_decay=0.3)).optimizer.param_groups
    decay = {name: group["weight_decay"] for group in groups for name in group["names"]}
    assert decay["bert.encoder.layer.0.attention.self.query.weight"] == 0.3
    assert decay["classifier.weight"] == 0.3
    assert all(value == 0.0 for name, value in decay.items() if "embeddings" in name or "bias" in name or "Norm" in name)


def test_average_equals_the_weighted_mean_of_all_weights(tiny_model: Path, read: Sequences) -> None:
    ours = learner(tiny_model, recipe(learning_rate=1e-2, frozen_layers=2))
    seen = []
    for _ in train(ours, TASK, read, 6, 6, 0):
        seen.append(ours.model.get_parameter("classifier.weight").detach().double().numpy().copy())
    average = np.zeros_like(seen[0])
    for step, weight in enumerate(seen):
        average += (weight - average) * 10 / (step + 10)
    assert ours.average is not None
    np.testing.assert_allclose(ours.average.weights["classifier.weight"].numpy(), average, atol=1e-6)


@pytest.mark.parametrize("averaging", list(Averaging))
@pytest.mark.parametrize("apart", [32, 1], ids=["", "between two that the average takes in"])
def test_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
        tiny_model: Path, tokens: Tokens, read: Sequences, tmp_path: Path, averaging: Averaging, monkeypatch: pytest.MonkeyPatch,
        apart: int) -> None:
    monkeypatch.setattr(optimizer, "APART_SHARE", apart)
    of = recipe(dropout=0.2, averaging=averaging.value)
    whole = learner(tiny_model, of)
    losses = [step.objective for step in train(whole, TASK, read, 9, 9, 0)]

    first = learner(tiny_model, of)
    begun = [step.objective for step in train(first, TASK, read, 6, 9, 0)]
    save_checkpoint(first, tmp_path / "c.safetensors")
    second = learner(tiny_model, of, seed=5)
    load_checkpoint(second, tmp_path / "c.safetensors", 6)
    ended = [step.objective for step in train(second, TASK, read, 9, 9, 0)]

    assert begun + ended == losses
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(second)[name]), name
    rows = np.arange(len(tokens))
    with whole.evaluated_weights() as a, second.evaluated_weights() as b:
        np.testing.assert_array_equal(predict_scores(a, TASK, tokens, rows, CUT, 0), predict_scores(b, TASK, tokens, rows, CUT, 0))


def test_resuming_without_the_moments_would_be_noticed(tiny_model: Path, read: Sequences, tmp_path: Path) -> None:
    """The test above can fail: dropping Adam's moments changes the run."""
    of = recipe(dropout=0.2)
    whole = learner(tiny_model, of)
    losses = [step.objective for step in train(whole, TASK, read, 8, 8, 0)]
    first = learner(tiny_model, of)
    for _ in train(first, TASK, read, 4, 8, 0):
        pass
    save_checkpoint(first, tmp_path / "c.safetensors")
    second = learner(tiny_model, of)
    load_checkpoint(second, tmp_path / "c.safetensors", 4)
    second.optimizer.state.clear()
    assert [step.objective for step in train(second, TASK, read, 8, 8, 0)] != losses[4:]


def test_shorter_run_is_a_prefix_of_a_longer_one_at_a_constant_rate(tiny_model: Path, read: Sequences) -> None:
    short, long = (learner(tiny_model, recipe(schedule="constant", dropout=0.1)) for _ in range(2))
    a = [step.objective for step in train(short, TASK, read, 4, 4, 0)]
    b = [step.objective for step in train(long, TASK, read, 8, 8, 0)]
    assert a == b[:4]


def test_loss_that_is_not_finite_names_step_rate_and_dtype(tiny_model: Path, read: Sequences) -> None:
    ours = learner(tiny_model, recipe(learning_rate=3e-4))
    steps = train(ours, TASK, read, 9, 9, 0)
    next(steps)
    with torch.no_grad():
        ours.model.get_parameter("classifier.weight").fill_(math.inf)
    before = ours.step
    with pytest.raises(TrainingError, match=r"step 2, learning rate 0\.00015, dtype torch\.float32"):
        next(steps)
    assert ours.step == before


def test_evaluation_leaves_the_training_weights_as_they_were(tiny_model: Path, read: Sequences) -> None:
    ours = learner(tiny_model, recipe(learning_rate=1e-2))
    for _ in train(ours, TASK, read, 3, 3, 0):
        pass
    before = weights(ours)
    with ours.evaluated_weights() as model:
        inside = {name: p.detach().clone() for name, p in model.named_parameters()}
    assert any(not torch.equal(before[name], inside[name]) for name in before)
    assert all(torch.equal(value, weights(ours)[name]) for name, value in before.items())


def test_scores_do_not_depend_on_how_rows_are_batched(tiny_model: Path, tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = learner(tiny_model, recipe()).model, np.arange(len(tokens))
    many = predict_scores(model, TASK, tokens, rows[::-1].copy(), CUT, 0)[::-1]
    monkeypatch.setattr(loop, "LOOKED_AT_TOKENS", {"cpu": 1})
    one = predict_scores(model, TASK, tokens, rows, CUT, 0)
    np.testing.assert_allclose(one, many, atol=1e-5)
