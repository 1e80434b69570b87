"""A checkpoint is put back whole, or refused and the learner left as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from luthier.training.checkpoint import UnreadableCheckpointError, checkpoint_bytes, load_checkpoint, save_checkpoint
from luthier.training.learner import Learner
from luthier.training.loop import Step

Make, Run = Callable[..., Learner], Callable[..., list[Step]]


@pytest.mark.parametrize("averaging", ["none", "ema"])
def test_a_checkpoint_takes_the_bytes_that_were_foretold(make: Make, run: Run, tmp_path: Path, averaging: str) -> None:
    learner = make(averaging=averaging)
    run(learner, 1)
    save_checkpoint(learner, tmp_path / "c.safetensors")
    assert (tmp_path / "c.safetensors").stat().st_size == pytest.approx(checkpoint_bytes(learner), rel=0.01)
    assert [file.name for file in tmp_path.iterdir()] == ["c.safetensors"]


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _without_digest(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # not a mapping
    save_file(tensors, file, metadata={"step": "3"})


@pytest.mark.parametrize("harm", [
    Path.unlink, lambda file: file.write_bytes(b""), lambda file: file.write_text("nothing of the kind"), _cut, _flip,
    _without_digest, lambda file: (file.unlink(), file.mkdir())])
def test_a_damaged_checkpoint_is_refused_and_changes_nothing(
        make: Make, run: Run, tmp_path: Path, harm: Callable[[Path], object]) -> None:
    first, second, file = make(averaging="ema"), make(averaging="ema"), tmp_path / "c.safetensors"
    run(first, 3)
    save_checkpoint(first, file)
    harm(file)
    before = {name: weight.detach().clone() for name, weight in second.trainable.items()}
    with pytest.raises(UnreadableCheckpointError):
        load_checkpoint(second, file, 3)
    assert second.step == 0 and not second.optimizer.state
    assert all(torch.equal(before[name], weight) for name, weight in second.trainable.items())


@pytest.mark.parametrize(("step", "changes"), [(2, {}), (3, {"averaging": "ema"}), (3, {"method": "lora", "lora_rank": 2})])
def test_a_checkpoint_of_another_step_or_recipe_is_refused(
        make: Make, run: Run, tmp_path: Path, step: int, changes: dict[str, object]) -> None:
    first = make()
    run(first, 3)
    save_checkpoint(first, tmp_path / "c.safetensors")
    with pytest.raises(UnreadableCheckpointError):
        load_checkpoint(make(**changes), tmp_path / "c.safetensors", step)
