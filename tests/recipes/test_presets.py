"""The presets that come with Luthier, at every size of data and model."""

from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.config import read_toml
from luthier.recipes.defaults import default_recipe
from luthier.recipes.presets import load_presets
from luthier.recipes.recipe import HELP, Method

DEFAULT = default_recipe(1000, 3, 22_000_000, 128)


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(1, 300_000), labels=st.integers(2, 300), parameters=st.integers(1, 10**9), layers=st.integers(1, 48))
def test_presets_are_valid_distinct_and_not_the_default(rows: int, labels: int, parameters: int, layers: int) -> None:
    default = default_recipe(rows, labels, parameters, 128)
    recipes = [preset.recipe for preset in load_presets(default, layers)]
    assert len({recipe.hash for recipe in [default, *recipes]}) == len(recipes) + 1
    assert all(recipe.frozen_layers <= layers for recipe in recipes)


def test_presets_come_in_the_order_of_their_files() -> None:
    assert [preset.name for preset in load_presets(DEFAULT, 6)] == ["top-third", "half-frozen", "top-half", "top-block"]


@pytest.mark.parametrize(("name", "rate"), [("top-third", 1.74), ("half-frozen", 3.83), ("top-half", 2.0)])
def test_presets_scale_the_rate_of_the_default(name: str, rate: float) -> None:
    default = DEFAULT.replace(learning_rate=3e-5, label_smoothing=0.2, epochs=7)
    (recipe,) = [preset.recipe for preset in load_presets(default, 6) if preset.name == name]
    assert recipe.learning_rate == pytest.approx(3e-5 * rate)
    assert (recipe.label_smoothing, recipe.epochs) == (0.2, 7)  # what a preset does not name stays


@pytest.mark.parametrize(("layers", "frozen"), [
    (1, [1, 0, 0]), (2, [1, 1, 1, 2]), (3, [2, 2, 2]), (6, [4, 3, 3, 5]), (12, [8, 6, 6, 10]), (22, [15, 11, 11, 18])])
def test_presets_freeze_a_share_of_the_blocks(layers: int, frozen: list[int]) -> None:
    """In models of few blocks some come to one another; the later are left out."""
    assert [preset.recipe.frozen_layers for preset in load_presets(DEFAULT, layers)] == frozen


def test_additions_leave_the_head_at_their_own_rate() -> None:
    lora = default_recipe(1000, 3, 22_000_000, 128, method=Method.LORA)
    assert {preset.recipe.head_lr_multiplier for preset in load_presets(lora, 6)} == {1.0}


def test_preset_files_hold_nothing_that_is_ignored() -> None:
    for entry in resources.files("luthier.recipes.presets").iterdir():
        if entry.name.endswith(".toml"):
            with resources.as_file(entry) as path:
                table = read_toml(path)
            assert set(table) <= {"times", "set", "frozen_share"}
            assert set(table.get("times", {})) | set(table.get("set", {})) <= set(HELP)


def test_presets_leave_what_is_held() -> None:
    held = DEFAULT.replace(dropout=0.4)
    assert {preset.recipe.dropout for preset in load_presets(held, 6, held={"dropout"})} == {0.4}
    assert len(load_presets(held, 6, held={"dropout"})) == 4
    alike = load_presets(DEFAULT, 6, held={"frozen_layers"})
    assert [preset.name for preset in alike] == ["top-third", "half-frozen", "top-half"], "the fourth is the first, but for that"
