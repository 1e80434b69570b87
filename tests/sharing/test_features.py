"""What a pre-trained model says of rows: the same, whether its blocks are packed or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from luthier.data.row import Row
from luthier.data.sequences import Cut
from luthier.data.tokens import tokenize
from luthier.models.classifier import load_classifier, load_tokenizer
from luthier.models.packing import pack, packing_of
from luthier.recipes.recipe import Recipe
from luthier.sharing.features import extract
from luthier.tasks.classification import Classification

pytestmark = pytest.mark.usefixtures("one_thread")
TASK = Classification(("negative", "neutral", "positive"))


def test_a_packed_model_has_the_features_of_a_padded_one(tiny_model: Path, reviews: list[Row]) -> None:
    tokens = TASK.encode(tokenize([row.text for row in reviews[:40]], load_tokenizer(tiny_model), 64), reviews[:40])
    found = []
    for packed in (False, True):
        model = load_classifier(tiny_model, TASK, Recipe(), seed=0, pad_token_id=0)
        assert not packed or (pack(model, 0) and packing_of(model).firsts_only)  # type: ignore[union-attr]
        found.append(extract(model, tokens, np.arange(len(tokens)), Cut(24), 0))
    np.testing.assert_allclose(found[1].pooled, found[0].pooled, atol=1e-5)
    np.testing.assert_allclose(found[1].head, found[0].head, atol=1e-5)
    assert np.abs(found[0].pooled).mean() > 0.01
