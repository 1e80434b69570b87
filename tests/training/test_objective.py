"""The objective against float64 NumPy and scikit-learn, and its independence of how a batch is cut up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.utils.class_weight import compute_class_weight

import luthier.training.parts as parts
from luthier.data.sequences import Cut, sequences
from luthier.data.tokens import Tokens
from luthier.recipes.recipe import Recipe
from luthier.tasks.classification import Classification
from luthier.training.batches import collate
from luthier.training.learner import Learner
from luthier.training.objective import Objective

pytestmark = pytest.mark.usefixtures("one_thread")
TASK = Classification(("negative", "neutral", "positive"))
CPU = torch.device("cpu")


def evaluated(learner: Learner, tokens: Tokens, **changes: object) -> tuple[float, np.ndarray, np.ndarray]:
    """The objective on 12 rows without dropout, their logits and targets."""
    learner.model.eval()
    batch = collate(sequences(tokens, Cut(64)), range(12), 0)
    with torch.no_grad():
        value, logits, targets = Objective(TASK, learner.recipe.replace(**changes), tokens, CPU)(learner.model, batch)
    return value.item(), logits.numpy().astype(np.float64), targets.numpy()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_spreads_its_share_over_all_labels(make: Callable[..., Learner], tokens: Tokens, smoothing: float) -> None:
    value, logits, targets = evaluated(make(), tokens, label_smoothing=smoothing)
    wanted = np.full(logits.shape, smoothing / 3)
    wanted[np.arange(12), targets] += 1 - smoothing
    assert value == pytest.approx(-(wanted * log_softmax(logits, axis=1)).sum(), rel=1e-5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, "auto"])
def test_class_weights_are_a_power_of_the_rows_of_mean_one(make: Callable[..., Learner], tokens: Tokens, power: object) -> None:
    value, logits, targets = evaluated(make(), tokens, class_weighting=power)
    counts = np.bincount(tokens.targets, minlength=3).astype(float)
    tau = 0.0 if power == "auto" else float(power)  # type: ignore[arg-type]
    weights = counts**-tau / np.mean((counts**-tau)[tokens.targets])
    losses = -log_softmax(logits, axis=1)[np.arange(12), targets]
    assert value == pytest.approx((weights[targets] * losses).sum(), rel=1e-5)


def test_full_class_weights_are_scikit_learns_balanced_ones() -> None:
    targets = np.repeat([0, 1, 2], [10, 60, 30])
    ours = TASK.label_weights(targets, 1.0)
    np.testing.assert_allclose(ours, compute_class_weight("balanced", classes=np.arange(3), y=targets))


def test_automatic_weights_are_a_root_where_labels_are_clearly_out_of_balance() -> None:
    targets = np.repeat([0, 1, 2], (10, 51, 30))
    root = TASK.label_weights(targets, 0.5)
    assert root is not None
    np.testing.assert_array_equal(TASK.label_weights(targets, "auto"), root)


@pytest.mark.parametrize("counts", [(10, 50, 30), (0, 10, 30)])
def test_automatic_weights_are_none_where_labels_are_not_out_of_balance(counts: tuple[int, ...]) -> None:
    targets = np.repeat([0, 1, 2], counts)
    assert TASK.label_weights(targets, "auto") is None and TASK.label_weights(targets, 0.0) is None


def test_r_drop_is_the_mean_loss_of_two_passes_and_their_divergence(make: Callable[..., Learner], tokens: Tokens) -> None:
    learner = make(dropout=0.3, r_drop=2.0)
    learner.begin_step()
    batch = collate(sequences(tokens, Cut(64)), range(12), 0)
    torch.manual_seed(1)
    value, _, _ = Objective(TASK, learner.recipe, tokens, CPU)(learner.model, batch)
    torch.manual_seed(1)
    with torch.no_grad():
        one, other = (learner.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits.double().numpy()
                      for _ in range(2))
    at = (np.arange(12), batch.targets.numpy())
    loss = -(log_softmax(one, axis=1)[at] + log_softmax(other, axis=1)[at]) / 2
    p, q = softmax(one, axis=1), softmax(other, axis=1)
    divergence = (rel_entr(p, q) + rel_entr(q, p)).sum(1) / 2
    assert value.item() == pytest.approx((loss + 2 * divergence).sum(), rel=1e-5)
    assert divergence.min() > 1e-6, "the passes differ by their dropout"


def test_r_drop_without_dropout_changes_nothing(make: Callable[..., Learner], tokens: Tokens) -> None:
    assert evaluated(make(), tokens)[0] == pytest.approx(evaluated(make(), tokens, r_drop=5.0)[0], rel=1e-6)


@pytest.mark.parametrize("changes", [{}, {"class_weighting": 1.0}, {"label_smoothing": 0.2}])
def test_objective_does_not_depend_on_how_a_batch_is_cut_up(
        make: Callable[..., Learner], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]) -> None:
    values = []
    for size in (3, 8, 16):
        monkeypatch.setattr(parts, "MICRO_BATCH", size)
        values.append([step.objective for step in run(make(batch_size=16, **changes), 3)])
    np.testing.assert_allclose(values[0], values[2], rtol=1e-4)
    np.testing.assert_allclose(values[1], values[2], rtol=1e-4)


def test_chance_loss_is_the_entropy_of_the_labels() -> None:
    assert TASK.chance_loss(np.repeat([0, 1, 2], 20)) == pytest.approx(np.log(3))
    assert TASK.chance_loss(np.repeat([0, 1], [30, 10])) == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))


def test_rows_of_one_label_weigh_alike_whatever_the_recipe_calls_them() -> None:
    assert TASK.label_weights(np.repeat([0, 1, 2], 7), Recipe(class_weighting=1).class_weighting) == pytest.approx(1.0)
