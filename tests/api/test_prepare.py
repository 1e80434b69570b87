"""What --search, --search-also and --set make of the space, and what is refused before anything is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from luthier.api.prepare import check, prepare
from luthier.api.ready import find_trials
from luthier.api.settings import Given, Settings
from luthier.errors import ConfigError, ModelError
from luthier.recipes.space import Choice, Space, Switched


def _space(model: Path, data: Path, **asked: object) -> Space:
    return prepare(check(Settings(model=(str(model),), **asked), Given(str(data)))).space  # type: ignore[arg-type]


def test_search_replaces_the_default_space_and_search_also_adds_to_it(tiny_model: Path, small_data: Path) -> None:
    default = _space(tiny_model, small_data)
    assert list(_space(tiny_model, small_data, search={"l1": "off|0.1..1"}).dimensions) == ["l1"]
    more = _space(tiny_model, small_data, search_also={"l1": "off|0.1..1", "batch_size": "4,8"})
    assert list(more.dimensions) == [*default.dimensions, "l1"]
    assert isinstance(more.dimensions["l1"], Switched)
    assert more.dimensions["batch_size"] == Choice((4, 8))
    assert "batch_size" in default.notes and "batch_size" not in more.notes


def test_what_is_set_is_not_searched(tiny_model: Path, small_data: Path) -> None:
    space = _space(tiny_model, small_data, fixed={"dropout": "0.2", "method": "lora"}, search_also={"lora_rank": "4,8"})
    assert "dropout" not in space.dimensions and space.base.dropout == 0.2
    assert "lora_rank" in space.dimensions


@pytest.mark.parametrize(("asked", "message"), [
    ({"search": {"l1": "0..1"}, "search_also": {"l2_sp": "0..1"}}, "give only one of the two"),
    ({"search_also": {"dropout": "0..2"}}, "--search-also dropout=0..2: dropout = 2: must be"),
    ({"search_also": {"dropout": "0..0.2"}, "fixed": {"dropout": "0.1"}}, "dropout: both --set and --search-also"),
    ({"search_also": {"lora_rank": "4,8"}}, "means something only where method is lora; add --set method=lora"),
    ({"fixed": {"l2_sp": "10", "method": "lora"}}, "l2_sp = 10.0: means something only where method is full"),
    ({"fixed": {"lora_rank": "4"}}, "lora_rank = 4: means something only where method is lora"),
    ({"sampler": "grid"}, "--sampler grid needs values"),
    ({"repeats": 2, "init_seed": 1, "order_seed": 1, "dropout_seed": 1}, "every repeat would be the same"),
    ({"search_also": {"model": "a,b"}}, "name it with --model"),
])
def test_wrong_spaces_are_refused_before_data_are_read(asked: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(Settings(**asked), Given("nowhere.csv"))  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(("trials", "recipes"), [(None, 6), (4, 4), (99, 6)])
def test_a_grid_has_no_more_recipes_than_cells(
        trials: int | None, recipes: int, tiny_model: Path, small_data: Path) -> None:
    asked = Settings(model=(str(tiny_model),), sampler="grid", trials=trials, repeats=3,  # type: ignore[arg-type]
                     search={"dropout": "0,0.1,0.2", "batch_size": "8,16"})
    assert find_trials(prepare(check(asked, Given(str(small_data))))) == recipes


@pytest.mark.parametrize("kept", [0, 500])
def test_torn_weights_are_named(kept: int, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tiny_model, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model\.safetensors: the weights are damaged: .*anew"):
        _space(broken, small_data)
