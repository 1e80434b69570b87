"""A recipe that a model cannot carry out is refused, with what it can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from luthier.models.classifier import load_classifier
from luthier.models.pretrained import Pretrained
from luthier.models.suits import unsuited
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.tasks.classification import Classification
from luthier.training.learner import Learner


def model(**config: Any) -> Pretrained:
    return Pretrained("mine", Path("nowhere"), "made up", {"model_type": "bert", "num_hidden_layers": 6,
                                                            "max_position_embeddings": 128} | config, None, "0")


PLAIN = Recipe(layer_decay=1.0)
ALBERT = {"model_type": "albert", "num_hidden_layers": 12, "num_hidden_groups": 1, "max_position_embeddings": 512}


@pytest.mark.parametrize(("changes", "words"), [
    ({"frozen_layers": 7}, ["frozen_layers = 7", "6 blocks", "0 to 6"]), ({"reinit_layers": 7}, ["reinit_layers = 7"]),
    ({"layer_lr": {"0-5": 1, "3-6": 0.5, "9": 0}}, ["layer_lr: 3-6, 9:", "6 blocks", "0 to 5"]),
    ({"max_length": 129}, ["max_length = 129", "128"]), ({"pooling": "mean"}, ["pooling = mean", "bert", "modernbert"])])
def test_values_beyond_the_model_are_named_with_their_limit(changes: dict[str, Any], words: list[str]) -> None:
    (problem,) = unsuited(PLAIN.replace(**changes), model())
    assert all(word in problem for word in words)


@pytest.mark.parametrize("changes", [{"frozen_layers": 6}, {"frozen_layers": "75%"}, {"reinit_layers": 6}, {"max_length": 128},
                                     {"layer_lr": {"0-5": 1, "5": 0.5, "head": 2}}])
def test_values_within_the_model_are_fine(changes: dict[str, Any]) -> None:
    assert unsuited(PLAIN.replace(**changes), model()) == []


@pytest.mark.parametrize("changes", [
    {"frozen_layers": 3}, {"frozen_layers": "half"}, {"layer_decay": 0.9}, {"unfreeze_every": 5}, {"reinit_layers": 1},
    {"layer_lr": {"0-5": 0.1}}])
def test_shared_layers_have_no_lower_and_upper_ones(changes: dict[str, Any]) -> None:
    (problem,) = unsuited(PLAIN.replace(**changes), model(**ALBERT))
    assert "share their weights" in problem and problem.startswith(next(iter(changes)))


@pytest.mark.parametrize("changes", [{}, {"frozen_layers": 0}, {"frozen_layers": 12}, {"frozen_layers": "all"},
                                     {"frozen_layers": "embeddings"}, {"layer_lr": {"embeddings": 0.5}}, {"l1": 1.0}])
def test_shared_layers_allow_what_is_about_the_whole_model(changes: dict[str, Any]) -> None:
    assert unsuited(PLAIN.replace(**changes), model(**ALBERT)) == []


def saved(tmp_path: Path, family: str, **changes: Any) -> Path:
    """A small random model of an architecture, as a folder."""
    from transformers import AutoModel

    config = AutoConfig.for_model(family, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=64,
                                  vocab_size=50, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1,
                                  sep_token_id=2, **changes)
    AutoModel.from_config(config).save_pretrained(tmp_path / family)
    return tmp_path / family


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_pooling_is_written_into_the_config_of_a_model_that_has_the_choice(tmp_path: Path, pooling: str) -> None:
    folder = saved(tmp_path, "modernbert")
    made = load_classifier(folder, Classification(("a", "b")), Recipe(pooling=pooling), seed=0, pad_token_id=0)  # type: ignore[arg-type]
    config: Any = made.config
    assert config.classifier_pooling == pooling
    made.eval()
    with torch.no_grad():
        one, other = (made(input_ids=torch.tensor([[1, 5, last, 2]])).logits for last in (6, 7))
        hidden = made.get_submodule("model")(input_ids=torch.tensor([[1, 5, 6, 2]])).last_hidden_state
        pooled = hidden[:, 0] if pooling == "cls" else hidden.mean(1)
        expected = made.get_submodule("classifier")(made.get_submodule("head")(pooled))
    assert not torch.equal(one, other)
    torch.testing.assert_close(one, expected)


@pytest.mark.parametrize("frozen", [0, "all", "embeddings"])
def test_a_model_with_shared_layers_trains(tmp_path: Path, frozen: object) -> None:
    folder = saved(tmp_path, "albert", embedding_size=16, num_hidden_groups=1)
    recipe = PLAIN.replace(frozen_layers=frozen)
    learner = Learner(load_classifier(folder, Classification(("a", "b")), recipe, seed=0, pad_token_id=0), recipe, Seeds.all(0))
    learner.begin_step()
    live = {learner.parts.place(name) for name, p in learner.model.named_parameters() if p.requires_grad}
    above = {learner.parts.above, learner.parts.head}
    assert live == {0: {0, 1} | above, "all": above, "embeddings": {1} | above}[frozen]
