"""`Model`: many texts are answered in chunks, as they would be at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from luthier.api import model as module
from luthier.api.finish import finish
from luthier.api.model import Model
from luthier.models.classifier import load_classifier, load_tokenizer
from luthier.recipes.recipe import Recipe
from luthier.tasks.base import Task
from luthier.tasks.classification import Classification
from luthier.tasks.entities import Entities
from luthier.tasks.multilabel import Multilabel
from luthier.tasks.regression import Regression

TASKS = [Classification(("bad", "good")), Multilabel(("a", "b", "c"), thresholds=(0.4, 0.5, 0.6)), Regression((), mean=3.0),
         Entities(("PER", "LOC"))]


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def saved(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Model:
    task: Task = request.param
    tokenizer, recipe = load_tokenizer(tiny_model), Recipe(max_length=32)
    load_classifier(tiny_model, task, recipe, seed=0, pad_token_id=tokenizer.pad_token_id).save_pretrained(tmp_path / "trained")
    folder = finish(tmp_path / "trained", task, 1.0, recipe)
    tokenizer.save_pretrained(folder)
    return Model(folder)


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in _numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in _numbers(part)]
    return [float(value)] if isinstance(value, float) else []


def test_chunks_change_nothing(saved: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str | tuple[str, str]] = [f"The tent number {n} {'of Oslo ' * (n % 5)}stood well" for n in range(11)]
    if saved.task.name != "entities":
        texts[3] = ("one", "two")
    whole, sure = saved.predict_with_confidence(texts)
    monkeypatch.setattr(module, "CHUNK", 2)
    read = []
    monkeypatch.setattr(Model, "_tokens", lambda self, rows, plain=Model._tokens: read.append(len(rows)) or plain(self, rows))
    answers, confidence = saved.predict_with_confidence(texts)
    assert read == [2, 2, 2, 2, 2, 1]
    assert [saved.task.said(answer) for answer in answers] == [saved.task.said(answer) for answer in whole]
    assert _numbers(answers) == pytest.approx(_numbers(whole), abs=1e-6) and confidence == pytest.approx(sure, abs=1e-6)
    if saved.task.name != "entities":
        assert saved.predict_proba(texts).shape == (11, len(saved.task.outputs))


def test_no_texts_give_no_answers(saved: Model) -> None:
    answers, sure = saved.predict_with_confidence([])
    assert answers == [] and sure.shape == (0,)
    if saved.task.name != "entities":
        assert np.shape(saved.predict_proba([])) == (0, len(saved.task.outputs))
