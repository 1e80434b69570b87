"""The parts of many architectures, told apart by name: small random models of each family."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from luthier.errors import ModelError
from luthier.models.classifier import last_linear
from luthier.models.encoder import anatomy, freeze, train_mode

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
    layers = {name: parts.layer(name) for name, _ in model.named_parameters()}
    assert parts.count == 3
    assert set(layers.values()) >= {0, 1, 2, 3, None}, "every part is there"
    in_blocks = [name for name in layers if name.startswith(parts.blocks + ".")]
    for number in (1, 2, 3):
        mine = [name for name in in_blocks if layers[name] == number]
        assert mine and all(f".{number - 1}." in name for name in mine)
    assert all(layer in (0, 3, None) for name, layer in layers.items() if name not in in_blocks)
    assert any(p is last_linear(model).weight for n, p in model.named_parameters() if layers[n] is None)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("frozen", [0, 2, 3])
def test_frozen_part_is_a_function_of_the_row_alone(family: str, frozen: int) -> None:
    """What goes into the first trained block does not depend on dropout; what comes out at the top does."""
    model = make(family)
    parts = anatomy(model)
    freeze(model, parts, frozen)
    train_mode(model, parts, frozen)
    kept = {name for name, p in model.named_parameters() if not p.requires_grad}
    layers = {name: parts.layer(name) for name, _ in model.named_parameters()}
    below = {n for n, layer in layers.items() if layer is not None and (layer == 0 or n.startswith(parts.blocks))}
    assert kept == ({n for n in below if layers[n] <= frozen} if frozen else set())  # type: ignore[operator]
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


def test_shared_layers_are_one_clear_error() -> None:
    with pytest.raises(ModelError, match="cannot be told apart"):
        anatomy(make("albert", embedding_size=16, num_hidden_groups=1))


def test_freezing_more_blocks_than_there_are_is_an_error() -> None:
    model = make("bert")
    with pytest.raises(ModelError, match=r"frozen_layers = 4: this model has 3 blocks; use 0 to 3"):
        freeze(model, anatomy(model), 4)
