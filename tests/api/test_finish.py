"""What is delivered: that it is written whole, or that its run can be gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.api.finish import finish
from luthier.api.folder import resumable
from luthier.errors import RunError
from luthier.models.classifier import load_classifier
from luthier.recipes.recipe import Recipe
from luthier.tasks.classification import Classification

resource = pytest.importorskip("resource", reason="this system has no limits on the size of files")
TASK = Classification(("negative", "positive"))


def test_a_disk_that_is_full_leaves_a_run_to_go_on_with(tiny_model: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for it."""
    folder = tmp_path / "run" / "checkpoints" / "model-3"
    load_classifier(tiny_model, TASK, Recipe(), seed=0, pad_token_id=0).save_pretrained(folder)  # type: ignore[operator]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RunError, match=rf"run: cannot be written \(.*File too large.*luthier resume {tmp_path / 'run'}$"), \
                resumable(tmp_path / "run"):
            finish(folder, TASK, 1.0, Recipe(), pairs=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert finish(folder, TASK, 1.0, Recipe(), pairs=False).joinpath("model.safetensors").exists()
