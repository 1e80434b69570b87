"""A compact embedding: the same numbers as the full one, in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.models.classifier import load_classifier
from luthier.models.vocabulary import compact, put_back
from luthier.recipes.recipe import Recipe
from luthier.tasks.classification import Classification

USED = np.array([0, 2, 3, 30, 40, 41])


def made(folder: Path) -> torch.nn.Module:
    return load_classifier(folder, Classification(("a", "b")), Recipe(), seed=0, pad_token_id=0).eval()


def embedding(model: torch.nn.Module) -> torch.nn.Parameter:
    return model.get_parameter("bert.embeddings.word_embeddings.weight")


def test_outputs_and_gradients_equal_those_of_the_full_embedding(tiny_model: Path) -> None:
    full, small = made(tiny_model), made(tiny_model)
    assert compact(small, USED) and len(embedding(small)) == len(USED)
    ids = torch.tensor([[2, 30, 40, 3], [2, 41, 3, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    outputs = [model(input_ids=ids, attention_mask=mask).logits for model in (full, small)]
    assert torch.equal(*outputs)
    for logits in outputs:
        logits.square().sum().backward()
    whole, part = embedding(full).grad, embedding(small).grad
    assert whole is not None and part is not None
    torch.testing.assert_close(part, whole[torch.from_numpy(USED)])
    others = np.setdiff1d(np.arange(len(whole)), USED)
    assert not whole[torch.from_numpy(others)].any(), "no other row has a gradient"


def test_other_ids_are_looked_up_as_ever_and_not_trained(tiny_model: Path) -> None:
    full, small = made(tiny_model), made(tiny_model)
    compact(small, USED)
    outputs = [model(input_ids=torch.tensor([[2, 31, 40, 3]])).logits for model in (full, small)]
    assert torch.equal(*outputs)
    for logits in outputs:
        logits.square().sum().backward()
    whole, part = embedding(full).grad, embedding(small).grad
    assert whole is not None and part is not None and whole[31].any()
    torch.testing.assert_close(part, whole[torch.from_numpy(USED)])


def test_each_step_has_its_own_gradient(tiny_model: Path) -> None:
    """The place of the gradient is used again; what another step has written there must be gone."""
    model = made(tiny_model)
    compact(model, USED)
    found = []
    for ids in ([[2, 30, 3]], [[2, 41, 3]], [[2, 30, 3]]):
        model.zero_grad()
        for _ in range(2):  # two parts of a batch add up
            model(input_ids=torch.tensor(ids)).logits.square().sum().backward()
        gradient = embedding(model).grad
        assert gradient is not None
        assert USED[gradient.any(1).numpy()].tolist() == ids[0][:1] + sorted(ids[0][1:]), ids
        found.append(gradient.clone())
    assert torch.equal(found[0], found[2]) and not torch.equal(found[0], found[1])


def test_rows_go_back_to_their_places(tiny_model: Path) -> None:
    full = embedding(made(tiny_model)).detach().clone()
    before = full.clone()
    put_back(full, torch.ones(len(USED), full.shape[1]), USED)
    changed = (full != before).any(1).nonzero().flatten()
    assert changed.tolist() == USED.tolist() and (full[torch.from_numpy(USED)] == 1).all()


def test_an_embedding_that_does_more_than_look_up_stays(tiny_model: Path) -> None:
    model = made(tiny_model)

    class Scaled(torch.nn.Embedding):
        pass

    model.set_input_embeddings(Scaled(100, 4))  # type: ignore[operator]
    assert not compact(model, USED)
    assert not compact(made(tiny_model), np.arange(10**6)), "nothing to leave out"


def test_a_model_without_a_known_embedding_stays(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = made(tiny_model)

    def unknown() -> None:
        raise NotImplementedError

    monkeypatch.setattr(model, "get_input_embeddings", unknown)
    assert not compact(model, USED)
