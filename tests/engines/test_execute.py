"""What a stage finds in the study's cache, and does about it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from luthier.engines.execute import Setup, head_file, start_model
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Stage, Trial

pytestmark = pytest.mark.usefixtures("one_thread")
RECIPE = Recipe(max_length=24, head_init="probe")


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-40], lambda whole: whole[:200] + b"\0" * 99, None],
                         ids=["empty", "cut off", "overwritten", "gone"])
def test_a_head_that_cannot_be_read_is_fitted_again(setup: Setup, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    setup = dataclasses.replace(setup, cache=tmp_path)
    stage = Stage(Trial(0, RECIPE, 1, "made up", Seeds.all(1)), start=0, until=1, total_steps=1)
    tokens, file = setup.base(RECIPE).split("train"), head_file(setup, RECIPE, 1)
    first, whole = start_model(stage, setup, tokens), file.read_bytes()
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(whole))
    again = start_model(stage, setup, tokens)
    assert all(torch.equal(one, other) for one, other in zip(first.parameters(), again.parameters(), strict=True))
    assert file.read_bytes() == whole and [path.name for path in tmp_path.iterdir()] == [file.name]
