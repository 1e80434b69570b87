"""Building classifiers: the head is new and seeded, dropout is what the recipe says, broken folders are one error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from luthier.errors import ModelError
from luthier.models.classifier import last_linear, load_classifier, load_tokenizer, load_trained
from luthier.recipes.recipe import Recipe
from luthier.tasks.classification import Classification


def load(path: Path, seed: int = 0, labels: tuple[str, ...] = ("a", "b"), dropout: float = 0.1) -> torch.nn.Module:
    return load_classifier(path, Classification(labels), Recipe(dropout=dropout), seed=seed, pad_token_id=0)


def test_head_depends_on_the_seed_and_the_body_does_not(tiny_model: Path) -> None:
    one, same, other = load(tiny_model, 1), load(tiny_model, 1), load(tiny_model, 2)
    assert torch.equal(last_linear(one).weight, last_linear(same).weight)
    assert not torch.equal(last_linear(one).weight, last_linear(other).weight)
    assert torch.equal(one.get_submodule("bert.embeddings.word_embeddings").weight,
                       other.get_submodule("bert.embeddings.word_embeddings").weight)


def test_head_of_a_finished_model_is_not_taken_over(tiny_model: Path, tmp_path: Path) -> None:
    """Even where the number of labels is the same."""
    trained = load(tiny_model, 1)
    with torch.no_grad():
        last_linear(trained).weight.fill_(7.0)
    trained.save_pretrained(tmp_path / "trained")  # type: ignore[operator]
    assert last_linear(load(tmp_path / "trained", 1)).weight.abs().max() < 1.0
    assert last_linear(load_trained(tmp_path / "trained")).weight.min() == 7.0


def test_labels_and_dropout_are_in_the_config(tiny_model: Path) -> None:
    model = load(tiny_model, labels=("yes", "no", "maybe"), dropout=0.25)
    assert model.config.id2label == {0: "yes", 1: "no", 2: "maybe"}  # type: ignore[union-attr]
    assert {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {0.25}


def test_weights_are_fp32_whatever_the_file_holds(tiny_model: Path, tmp_path: Path) -> None:
    load(tiny_model).half().save_pretrained(tmp_path / "half")  # type: ignore[operator]
    assert {p.dtype for p in load(tmp_path / "half").parameters()} == {torch.float32}


def test_encoder_without_a_head_is_not_a_finished_model(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="not a finished classifier"):
        load_trained(tiny_model)


def test_cut_off_weights_are_one_error(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "cut")
    file = tmp_path / "cut" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100_000])
    with pytest.raises(ModelError, match="cannot be loaded for text-classification"):
        load(tmp_path / "cut")


def test_architecture_without_a_classifier_is_one_error(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "odd")
    file = tmp_path / "odd" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "clip"}))
    with pytest.raises(ModelError, match="cannot be loaded for text-classification"):
        load(tmp_path / "odd")


def test_tokenizer_without_padding_pads_with_another_token(shared: Path) -> None:
    tokenizer = load_tokenizer(shared / "models/stories260k")
    assert tokenizer.pad_token is not None
