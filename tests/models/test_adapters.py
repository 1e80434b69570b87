"""LoRA: where the additions go, and what is said where they cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from luthier.errors import ConfigError
from luthier.models.adapters import add_lora
from luthier.models.classifier import load_classifier
from luthier.models.encoder import anatomy
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.tasks.classification import Classification
from luthier.training.learner import Learner

TASK = Classification(("a", "b"))


def adapted(path: Path, **changes: object) -> tuple[torch.nn.Module, object]:
    recipe = Recipe.from_table({"method": "lora"} | changes)
    model = load_classifier(path, TASK, recipe, seed=0, pad_token_id=0)
    return model, add_lora(model, anatomy(model), recipe, seed=1)


def places(model: torch.nn.Module) -> set[str]:
    return {name.partition(".lora_A")[0] for name, _ in model.named_parameters() if ".lora_A" in name}


def ends(names: Iterable[str]) -> set[str]:
    return {name.rpartition(".")[2] for name in names}


def test_additions_are_beside_all_linear_layers_but_the_head(tiny_model: Path) -> None:
    model, _ = adapted(tiny_model)
    linear = {name.removesuffix(".base_layer") for name, m in model.named_modules()
              if isinstance(m, torch.nn.Linear) and ".lora_" not in name}
    assert places(model) == linear - {"classifier"} and len(linear) == 2 * 6 + 2


def test_chosen_and_unfrozen_layers_alone_get_them(tiny_model: Path) -> None:
    assert ends(places(adapted(tiny_model, lora_targets=["query", "value"])[0])) == {"query", "value"}
    assert all("layer.1." in name or "pooler" in name for name in places(adapted(tiny_model, frozen_layers=1)[0]))


def test_fresh_additions_change_nothing(tiny_model: Path) -> None:
    model, tuner = adapted(tiny_model, lora_rank=3, lora_alpha=7)
    plain = load_classifier(tiny_model, TASK, Recipe(), seed=0, pad_token_id=0).eval()
    ids = torch.tensor([[2, 30, 40, 3]])
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(input_ids=ids).logits, plain(input_ids=ids).logits)
    assert all(torch.equal(a, b) for a, b in zip(tuner.merge_and_unload().parameters(), plain.parameters(), strict=True))


def test_merged_weights_are_base_plus_scaled_product(tiny_model: Path) -> None:
    model, tuner = adapted(tiny_model, lora_rank=3, lora_alpha=7)
    layer = model.get_submodule("bert.encoder.layer.1.attention.self.query")
    low, high = layer.lora_A["default"].weight, layer.lora_B["default"].weight  # type: ignore[index]
    with torch.no_grad():
        high.normal_()
    expected = layer.base_layer.weight + 7 / 3 * high @ low  # type: ignore[union-attr]
    found = tuner.merge_and_unload().get_submodule("bert.encoder.layer.1.attention.self.query").weight
    torch.testing.assert_close(found, expected)


def test_additions_are_seeded(tiny_model: Path) -> None:
    one, other = adapted(tiny_model)[0], adapted(tiny_model)[0]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_unknown_targets_name_those_there_are(tiny_model: Path) -> None:
    message = r"lora_targets: 'qury' is no linear layer.*has dense, key, query, value.*Did you mean 'query'"
    with pytest.raises(ConfigError, match=message):
        adapted(tiny_model, lora_targets=["qury"])


def test_without_peft_the_error_says_how_to_install_it(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match=r"pip install 'luthier\[lora\]'"):
        adapted(tiny_model)


def test_where_all_is_frozen_there_is_nothing_to_add_to(tiny_model: Path) -> None:
    recipe = Recipe(method="lora", frozen_layers="all", lora_targets=("query",))  # type: ignore[arg-type]
    model = load_classifier(tiny_model, TASK, recipe, seed=0, pad_token_id=0)
    assert add_lora(model, anatomy(model), recipe, seed=1) is None
    learner = Learner(model, recipe, Seeds.all(0))
    assert set(learner.trainable) == {"classifier.weight", "classifier.bias"}
