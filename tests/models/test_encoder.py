"""The parts of many architectures, told apart by name: small random models of each family."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from luthier.errors import ModelError
from luthier.models.classifier import last_linear
from luthier.models.encoder import anatomy, reinitialise
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.training.learner import Learner

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 50,
         "num_labels": 3, "pad_token_id": 0}
FAMILIES = {
    "bert": {}, "roberta": {}, "electra": {"embedding_size": 16}, "mpnet": {}, "deberta-v2": {},
    "distilbert": {"dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 64}, "modernbert": {}, "llama": {}, "gpt2": {
        "n_embd": 32, "n_layer": 3, "n_head": 2},
}


def make(family: str, **changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    special = {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    own = FAMILIES.get(family, {})
    known = AutoConfig.for_model(family).to_dict()
    common = {name: value for name, value in (SMALL | special).items() if name in known or name in ("num_labels", "vocab_size")}
    if family in ("distilbert", "gpt2"):
        common = {"vocab_size": 50, "num_labels": 3, "pad_token_id": 0, **special}
    model: torch.nn.Module = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(
        family, **(common | own | changes)))
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_anatomy_tells_embeddings_blocks_top_and_head_apart(family: str) -> None:
    model = make(family)
    parts = anatomy(model)
    layers = {name: parts.place(name) for name, _ in model.named_parameters()}
    assert parts.count == 3
    assert set(layers.values()) >= {0, 1, 2, 3, parts.head}, "every part is there"
    in_blocks = [name for name in layers if name.startswith(parts.blocks + ".")]
    for number in (1, 2, 3):
        mine = [name for name in in_blocks if layers[name] == number]
        assert mine and all(f".{number - 1}." in name for name in mine)
    assert all(layer in (0, parts.above, parts.head) for name, layer in layers.items() if name not in in_blocks)
    assert any(p is last_linear(model).weight for n, p in model.named_parameters() if layers[n] == parts.head)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("frozen", [0, 2, 3])
def test_frozen_part_is_a_function_of_the_row_alone(family: str, frozen: int) -> None:
    """What goes into the first trained block does not depend on dropout; what comes out at the top does."""
    model = make(family)
    learner = Learner(model, Recipe(frozen_layers=frozen), Seeds.all(0))
    learner.begin_step()
    parts = learner.parts
    kept = {name for name, p in model.named_parameters() if not p.requires_grad}
    layers = {name: parts.place(name) for name, _ in model.named_parameters()}
    assert kept == ({n for n, layer in layers.items() if layer <= frozen} if frozen else set())
    if not frozen:
        return
    block = model.get_submodule(f"{parts.blocks}.{frozen - 1}")
    seen: list[torch.Tensor] = []
    hook = block.register_forward_hook(lambda _, __, out: seen.append(out[0] if isinstance(out, tuple) else out))
    ids = torch.tensor([[1, 5, 6, 7, 2]])
    with torch.no_grad():
        for seed in (1, 2):
            torch.manual_seed(seed)
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
    hook.remove()
    torch.testing.assert_close(seen[0], seen[1], rtol=0, atol=0)


def test_shared_layers_are_one_block() -> None:
    parts = anatomy(make("albert", embedding_size=16, num_hidden_groups=1))
    assert (parts.count, parts.shared) == (1, True)
    assert parts.place("albert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight") == 1
    assert parts.place("albert.encoder.embedding_hidden_mapping_in.weight") == parts.place("albert.embeddings.x") == 0
    assert parts.place("albert.pooler.weight") == parts.above


def test_a_model_without_blocks_is_one_clear_error() -> None:
    model = make("bert")
    model.config.num_hidden_layers = 7  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="7 layers cannot be told apart"):
        anatomy(model)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layers", [0, 1, 3])
def test_reinitialised_blocks_and_they_alone_are_new(family: str, layers: int) -> None:
    model, other = make(family), make(family)
    with torch.no_grad():
        for parameter in (*model.parameters(), *other.parameters()):
            parameter.fill_(0.5)  # as no initialiser leaves a whole tensor
    parts = anatomy(model)
    reinitialise(model, parts, layers, seed=3)
    reinitialise(other, parts, layers, seed=3)
    changed = {name for name, p in model.named_parameters() if not bool((p == 0.5).all())}
    assert changed == {name for name, _ in model.named_parameters() if 3 - layers < parts.place(name) <= 3}
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True)), "seeded"
