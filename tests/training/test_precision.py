"""bf16 with fp32 weights behind it: what it may and may not change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.data.tokens import Tokens, used_ids
from luthier.models.classifier import load_classifier
from luthier.models.packing import pack
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.tasks.classification import Classification
from luthier.training.checkpoint import load_checkpoint, save_checkpoint
from luthier.training.learner import Learner
from luthier.training.precision import Precision, bears, fastest, lower

pytestmark = pytest.mark.usefixtures("one_thread")
TASK = Classification(("negative", "neutral", "positive"))
Run = Callable[..., Any]
BASE = {"batch_size": 8, "dropout": 0.1, "warmup_steps": 2, "max_length": 64, "learning_rate": 1e-3}


@pytest.fixture
def fast(tiny_model: Path, tokens: Tokens) -> Callable[..., Learner]:
    """A learner of which all that makes it fast can be switched on and off."""
    def fast(packed: bool = True, precision: Precision = Precision.BF16, few: bool = True, **changes: Any) -> Learner:
        recipe = Recipe.from_table(BASE | changes)
        model = load_classifier(tiny_model, TASK, recipe, seed=5, pad_token_id=0)
        assert not packed or pack(model, 0)
        return Learner(model, recipe, Seeds.all(5), precision, used_ids(tokens, 0) if few else None)
    return fast


def finished(learner: Learner, folder: Path) -> dict[str, torch.Tensor]:
    start = load_classifier(folder, TASK, learner.recipe, seed=5, pad_token_id=0)
    return {name: p.detach() for name, p in learner.finish(start).named_parameters()}


def test_weights_moments_and_averages_stay_fp32(fast: Callable[..., Learner], run: Run) -> None:
    learner = fast()
    run(learner, 3)
    looked_up = "bert.embeddings.word_embeddings.weight"  # of which a step looks up a few rows, and rounds these
    assert {name for name, p in learner.model.named_parameters() if p.dtype != torch.bfloat16} == {looked_up}
    assert {p.dtype for p in learner.trainable.values()} == {torch.float32}
    assert learner.average is not None and {p.dtype for p in learner.average.weights.values()} == {torch.float32}
    assert {v.dtype for state in learner.optimizer.state.values() for v in state.values()} == {torch.float32}
    for name, own in learner.model.named_parameters():
        assert torch.equal(own, learner.trainable[name].to(own.dtype)), name


def test_small_steps_are_not_lost(fast: Callable[..., Learner], run: Run) -> None:
    """Steps far below bf16's resolution add up, as they would not without fp32 weights."""
    learner = fast(learning_rate=1e-6, warmup_steps=0)
    before = {name: p.detach().clone() for name, p in learner.trainable.items()}
    run(learner, 3)
    moved = {name for name, p in learner.trainable.items() if not torch.equal(p, before[name])}
    assert moved == set(before)


def test_bf16_gradients_point_where_fp32_ones_do(fast: Callable[..., Learner], run: Run) -> None:
    found = []
    for precision in Precision:
        learner = fast(precision=precision, dropout=0.0, max_grad_norm=1e6)
        run(learner, 1)
        found.append(torch.cat([p.grad.flatten() for p in learner.trainable.values() if p.grad is not None]))
    assert torch.cosine_similarity(found[0], found[1], dim=0) > 0.99
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("changes", [{}, {"averaging": "none"}, {"l1": 1e-2}, {"frozen_layers": 1}, {"method": "bitfit"},
                                     {"method": "lora", "averaging": "none"}, {"unfreeze_every": 2}])
def test_the_compact_vocabulary_changes_nothing(fast: Callable[..., Learner], run: Run, tiny_model: Path,
                                                changes: dict[str, Any]) -> None:
    """Rows that no text uses do not move, so leaving them out gives the same model."""
    whole, few = (fast(packed=False, precision=Precision.FP32, few=part, **changes) for part in (False, True))
    losses = [[step.objective for step in run(learner, 4)] for learner in (whole, few)]
    np.testing.assert_allclose(losses[1], losses[0], atol=1e-6)
    for (name, one), other in zip(finished(few, tiny_model).items(), finished(whole, tiny_model).values(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0, msg=name)


def test_packing_changes_only_the_order_of_additions(fast: Callable[..., Learner], run: Run, tiny_model: Path) -> None:
    packed, padded = (fast(packed=on, precision=Precision.FP32, dropout=0.0, learning_rate=1e-4) for on in (True, False))
    losses = [[step.objective for step in run(learner, 4)] for learner in (packed, padded)]
    np.testing.assert_allclose(losses[1], losses[0], atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"frozen_layers": 1, "unfreeze_every": 2}, {"method": "lora"}, {"l2_sp": 1.0}])
def test_a_resumed_run_equals_the_uninterrupted_one(fast: Callable[..., Learner], run: Run, tmp_path: Path,
                                                    changes: dict[str, Any]) -> None:
    whole, first, second = (fast(**changes) for _ in range(3))
    losses = [step.objective for step in run(whole, 6)]
    begun = [step.objective for step in run(first, 3)]
    save_checkpoint(first, tmp_path / "c.safetensors")
    load_checkpoint(second, tmp_path / "c.safetensors", 3)
    assert begun + [step.objective for step in run(second, 6)] == losses


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("changes", [{}, {"averaging": "none"}, {"method": "lora"}, {"frozen_layers": 2}])
def test_the_finished_model_is_fp32_and_says_what_the_learner_says(
        fast: Callable[..., Learner], run: Run, tiny_model: Path, tokens: Tokens, precision: Precision,
        changes: dict[str, Any]) -> None:
    learner = fast(precision=precision, **changes)
    run(learner, 3)
    start = load_classifier(tiny_model, TASK, learner.recipe, seed=5, pad_token_id=0)
    names = [name for name, _ in start.named_parameters()]
    plain = learner.finish(start)
    assert [name for name, _ in plain.named_parameters()] == names, "a plain model of transformers' own class"
    ids, mask = torch.from_numpy(tokens.ids[:tokens.starts[1]]).long()[None], torch.ones(1, int(tokens.starts[1]), dtype=torch.long)
    with learner.evaluated_weights() as model, torch.no_grad():
        torch.testing.assert_close(plain(input_ids=ids, attention_mask=mask).logits,
                                   model(input_ids=ids, attention_mask=mask).logits.float(), rtol=0,
                                   atol=1e-5 if precision is Precision.FP32 else 0.05)


def test_evaluating_gives_back_the_weights(fast: Callable[..., Learner], run: Run) -> None:
    learner = fast()
    run(learner, 2)
    before = [p.detach().clone() for p in learner.model.parameters()]
    with learner.evaluated_weights() as model:
        assert any(not torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True)), "the average is shown"
    assert all(torch.equal(p, old) for p, old in zip(learner.model.parameters(), before, strict=True))


def test_a_batch_in_parts_has_the_gradient_of_the_whole(fast: Callable[..., Learner], run: Run,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients of parts are added up in fp32, so bf16 loses no more in parts than at once."""
    from luthier.training import parts

    found = []
    for most in (4096, 40):
        monkeypatch.setattr(parts, "MICRO_TOKENS", most)
        learner = fast(dropout=0.0, max_grad_norm=1e6)
        run(learner, 1)
        found.append(torch.cat([p.grad.flatten() for p in learner.trainable.values() if p.grad is not None]))
    assert torch.cosine_similarity(*found, dim=0) > 0.999 and not torch.equal(*found)


def test_a_model_that_does_not_bear_bf16_is_found_out(tiny_model: Path) -> None:
    model = load_classifier(tiny_model, TASK, Recipe(), seed=0, pad_token_id=0)
    assert bears(copy.deepcopy(model), Precision.BF16, 0)
    wide = copy.deepcopy(model)
    wide.get_submodule("bert.encoder.layer.0").register_forward_pre_hook(lambda _, inputs: (inputs[0].float(), *inputs[1:]))
    assert bears(wide, Precision.FP32, 0) and not bears(wide, Precision.BF16, 0)
    off = copy.deepcopy(model)
    off.get_submodule("classifier").register_forward_hook(
        lambda _, __, logits: logits * 2 if logits.dtype == torch.bfloat16 else logits)
    assert not bears(off, Precision.BF16, 0)


def test_lowering_leaves_buffers_alone() -> None:
    model = torch.nn.BatchNorm1d(3)
    lower(model, Precision.BF16)
    assert model.weight.dtype == torch.bfloat16 and model.running_mean is not None and model.running_mean.dtype == torch.float32


@pytest.mark.parametrize(("ratio", "chosen"), [(1.0, Precision.FP32), (1.4, Precision.FP32), (1.6, Precision.BF16)])
def test_bf16_is_taken_where_it_multiplies_clearly_faster(ratio: float, chosen: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.training import precision

    assert all(seconds > 0 for seconds in precision._seconds(torch.float32, torch.bfloat16))
    monkeypatch.setattr(precision, "_seconds", lambda *dtypes: [ratio if dtype is torch.float32 else 1.0 for dtype in dtypes])
    assert fastest("cpu") is chosen and fastest("mps") is Precision.FP32
