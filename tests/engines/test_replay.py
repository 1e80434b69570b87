"""Stages that replay what no checkpoint holds come to the same points, training figures and weights, bit for bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from luthier.engines.execute import Setup, run_stage
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Point, Progress, Stage, StageResult, Trial
from luthier.search.finals import decayed_total
from luthier.sharing.quota import Quota

pytestmark = pytest.mark.usefixtures("one_thread")
RECIPE = Recipe(batch_size=8, max_length=24, warmup_steps=4, learning_rate=5e-4, dropout=0.2, schedule="constant", epochs=4)
PAUSE, NEXT, END = 6, 9, 12


def _run(stage: Stage, setup: Setup, cancelled: Callable[[], bool] = lambda: False) -> StageResult:
    result = list(run_stage(stage, setup, cancelled))[-1]
    assert isinstance(result, StageResult)
    return result


def _stage(recipe: Recipe, until: int, **changes: Any) -> Stage:
    stage = Stage(Trial(0, recipe, 1, "made up", Seeds.all(1)), start=0, until=until, total_steps=recipe.total_steps(120))
    return dataclasses.replace(stage, **changes)


def _seen(points: tuple[Point, ...]) -> list[Point]:
    return [dataclasses.replace(point, seconds=0.0) for point in points]


@pytest.mark.parametrize("changes", [
    {}, {"averaging": "none"}, {"frozen_layers": 1}, {"unfreeze_every": 4}, {"long_texts": "windows"},
    *(pytest.param(changes, marks=pytest.mark.slow) for changes in (
        {"averaging": "swa", "swa_share": 0.9}, {"method": "lora", "lora_rank": 2}, {"l2_sp": 1.0, "l1": 1e-3},
        {"reinit_layers": 1, "r_drop": 1.0}, {"schedule": "linear"}, {"decay_share": 0.5}))])
def test_a_replay_equals_going_on_from_the_checkpoint(changes: dict[str, Any], setup: Setup, tmp_path: Path) -> None:
    """A trial that goes on, and the final that branches off it with a schedule of its own."""
    recipe, file = RECIPE.replace(**changes), tmp_path / "c.safetensors"
    trunk = 1 if "frozen_layers" in changes else 0
    first = _run(_stage(recipe, PAUSE, evaluate_at=(3,), save=file, trunk=trunk), setup)
    assert first.checkpoint == file, first.failure
    final, end = recipe, END
    if recipe.horizon_free:
        end = decayed_total(PAUSE, recipe.decay_share)
        final = recipe.replace(schedule="warmup-stable-decay", epochs=end / 15)
        assert final.total_steps(120) == end > PAUSE
    for of, until, deliver in ((recipe, END, False), (final, end, True)):
        files = [tmp_path / "on.safetensors", tmp_path / "again.safetensors"]
        on, again = (_run(_stage(
            of, until, start=start, reached=PAUSE, checkpoint=checkpoint, trunk=trunk, evaluate_at=(NEXT,) if until > NEXT else (),
            save=None if deliver else left, deliver=left.with_suffix("") if deliver else None), setup)
            for left, start, checkpoint in zip(files, (PAUSE, 0), (file, None), strict=True))
        assert on.failure is None and _seen(again.points) == _seen(on.points)
        assert all(point.train and point.step > PAUSE for point in again.points if point.rows == "rung")
        assert (on.costs.replayed_steps, again.costs.replayed_steps) == (0, PAUSE) and again.costs.replay_seconds > 0
        ours, theirs = (load_file(left.with_suffix("") / "model.safetensors" if deliver else left) for left in files)
        assert ours.keys() == theirs.keys() and all(torch.equal(weight, theirs[name]) for name, weight in ours.items())


def test_a_replay_by_other_seeds_would_be_noticed(setup: Setup, tmp_path: Path) -> None:
    """The test above can fail."""
    found = [_run(_stage(RECIPE, END, reached=PAUSE, trial=Trial(0, RECIPE, 1, "made up", Seeds(1, 1, dropout))), setup)
             for dropout in (1, 2)]
    assert _seen(found[0].points) != _seen(found[1].points)


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:-9])])
def test_a_checkpoint_that_turns_out_unreadable_is_replayed(
        setup: Setup, tmp_path: Path, harm: Callable[[Path], object]) -> None:
    file = tmp_path / "c.safetensors"
    _run(_stage(RECIPE, PAUSE, save=file), setup)
    stage = _stage(RECIPE, END, start=PAUSE, reached=PAUSE, checkpoint=file)
    whole = _run(stage, setup)
    harm(file)
    again = _run(stage, setup)
    assert again.failure is None and _seen(again.points) == _seen(whole.points)
    assert again.costs.replayed_steps == PAUSE


@pytest.mark.parametrize("deliver", [True, False])
def test_a_replay_ended_on_its_way_changes_nothing(setup: Setup, tmp_path: Path, deliver: bool) -> None:
    stage = _stage(RECIPE, END, reached=PAUSE, **({"deliver": tmp_path / "m"} if deliver else {"save": tmp_path / "c.safetensors"}))
    events = list(run_stage(stage, setup, lambda: True))
    result = events[-1]
    assert isinstance(events[0], Progress) and isinstance(result, StageResult)
    assert (result.step, result.points, result.checkpoint) == (PAUSE, (), None)
    assert (result.failure is not None) == deliver and not list(tmp_path.iterdir())


def test_a_checkpoint_that_exceeds_the_quota_is_not_written(setup: Setup, tmp_path: Path) -> None:
    stage = _stage(RECIPE, 2, save=tmp_path / "c.safetensors")
    result = _run(stage, dataclasses.replace(setup, quota=Quota(10**6)))
    assert (result.failure, result.checkpoint, result.step, list(tmp_path.iterdir())) == (None, None, 2, [])


def test_a_disk_that_cannot_be_written_to_costs_the_checkpoint_and_not_the_trial(setup: Setup, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    result = _run(_stage(RECIPE, 2, save=tmp_path / "file" / "c.safetensors"), setup)
    assert (result.failure, result.checkpoint, len(result.points)) == (None, None, 1)
