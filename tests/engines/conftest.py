"""What the tests of engines share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from luthier.data.row import Row
from luthier.data.tokens import tokenize
from luthier.engines.execute import Base, Setup
from luthier.models.classifier import load_tokenizer
from luthier.tasks.classification import Classification


@pytest.fixture(scope="session")
def setup(tiny_model: Path, reviews: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """Two hundred rows of example:reviews and the tiny model."""
    folder, task = tmp_path_factory.mktemp("engine"), Classification(("negative", "neutral", "positive"))
    tokenizer = load_tokenizer(tiny_model)
    for name, rows in (("train", reviews[:120]), ("validation", reviews[120:200])):
        task.encode(tokenize([row.text for row in rows], tokenizer, 64), rows).save(folder / "tokens" / name)
    return Setup(bases={"": Base(tiny_model, "tiny", folder / "tokens", pad_token_id=0, layers=2)}, task=task,
                 rung_rows=np.arange(0, 80, 2), cache=folder / "cache", device="cpu")
