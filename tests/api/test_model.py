"""A saved model says in plain transformers what Luthier says of it, for every task."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.api import model as module
from luthier.api.finish import CONFIG_KEY, finish
from luthier.api.model import Model
from luthier.data.row import Row
from luthier.errors import ModelError
from luthier.models.classifier import last_linear, load_classifier, load_tokenizer
from luthier.recipes.recipe import Recipe
from luthier.tasks.base import Task
from luthier.tasks.classification import Classification
from luthier.tasks.entities import Entities
from luthier.tasks.multilabel import Multilabel
from luthier.tasks.regression import Regression

pytestmark = [pytest.mark.filterwarnings("ignore:Tokenizer does not support real words"),
              pytest.mark.usefixtures("one_thread")]
LABELS = ("amber", "blue", "cyan")
Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """A model with a random last layer whose outputs differ widely, finished as a run would finish it."""
    def save(base: Path, task: Task, temperature: float = 1.0, recipe: Recipe | None = None) -> Path:
        recipe, tokenizer = recipe or Recipe(), load_tokenizer(base)
        model: Any = load_classifier(base, task, recipe, seed=0, pad_token_id=tokenizer.pad_token_id)
        with torch.no_grad():
            linear, noise = last_linear(model), torch.Generator().manual_seed(1)
            linear.weight.normal_(0, 20 / linear.in_features ** 0.5, generator=noise)
            linear.bias.normal_(0, 0.3, generator=noise)
        model.save_pretrained(tmp_path / "trained")
        folder = finish(tmp_path / "trained", task, temperature, recipe, pairs=False)
        tokenizer.model_max_length = recipe.max_length
        tokenizer.save_pretrained(folder)
        return folder
    return save


def places() -> list[str]:
    lines = resources.files("luthier").joinpath("examples/places.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


@pytest.mark.parametrize("base", ["word_piece_model", "byte_level_model"])
def test_entities_are_those_of_the_pipeline_on_a_thousand_sentences(
        base: str, request: pytest.FixtureRequest, save: Save, odd_texts: list[str]) -> None:
    """Random weights: every tag occurs, also I- where nothing began."""
    sentences = [text for text in (*places(), *odd_texts) if text.strip()]
    assert len(sentences) >= 1000
    model = Model(save(request.getfixturevalue(base), Entities(LABELS), recipe=Recipe(max_length=250)))
    ours = [answer["entities"] for answer in model.predict(sentences)]
    plain = model.pipeline()
    assert sum(map(len, ours)) > 2000 and {one["label"] for row in ours for one in row} == set(LABELS)
    for text, found, served in zip(sentences, ours, plain(sentences, batch_size=32), strict=True):
        assert [(one["label"], one["start"], one["end"]) for one in found] == [
            (one["entity_group"], one["start"], one["end"]) for one in served], text
        np.testing.assert_allclose([one["score"] for one in found], [one["score"] for one in served], atol=1e-5)
        assert [one["text"] for one in found] == [text[one["start"]:one["end"]] for one in found]


@pytest.mark.parametrize(("task", "temperature"), [
    (Classification(LABELS), 1.0), (Classification(LABELS[:2]), 2.5), (Multilabel(LABELS, thresholds=(0.2, 0.5, 0.9)), 2.5),
    (Multilabel(LABELS[:1], thresholds=(0.4,)), 0.5), (Regression((), mean=0.4, deviation=0.125), 1.0)],
    ids=["three classes", "two classes", "labels", "one label", "number"])
@pytest.mark.parametrize("pairs", [False, True])
def test_pipeline_gives_the_scores_of_predict(
        word_piece_model: Path, save: Save, reviews: list[Row], task: Task, temperature: float, pairs: bool) -> None:
    model = Model(save(word_piece_model, task, temperature))
    texts: list[Any] = [row.text for row in reviews[:12]] + ["x"]
    if pairs:
        texts = list(zip(texts, reversed(texts), strict=True))
    asked = [{"text": one, "text_pair": two} for one, two in texts] if pairs else texts
    served = [{answer["label"]: answer["score"] for answer in answers}
              for answers in (model.pipeline()(one, truncation=True, top_k=None) for one in asked)]
    found = model.predict_proba(texts)
    np.testing.assert_allclose(found, [[row[name] for name in model.task.outputs] for row in served], atol=1e-5, rtol=1e-6)
    assert model.task.served().metric == task.metric and type(model.task) is type(task)
    answers = model.predict(texts)
    if isinstance(task, Multilabel):
        limits = dict(zip(task.labels, task.thresholds, strict=True))
        assert [set(answer["labels"]) for answer in answers] == [
            {name for name, score in row.items() if score >= limits[name]} for row in served]
    if isinstance(task, Classification):
        assert [answer["label"] for answer in answers] == [max(row, key=row.__getitem__) for row in served]


@pytest.mark.parametrize(("task", "apply"), [
    (Classification(LABELS), lambda logits: logits.softmax(-1)), (Multilabel(LABELS), lambda logits: logits.sigmoid())])
def test_temperature_is_in_the_last_layer(
        tiny_model: Path, save: Save, task: Task, apply: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """And in the config, where a reader finds it."""
    model = Model(save(tiny_model, task, 4.0))
    trained = load_classifier(tiny_model, task, Recipe(), seed=0, pad_token_id=0)
    trained.load_state_dict({name: value * (4.0 if name.startswith("classifier") else 1.0)
                             for name, value in model._model.state_dict().items()})
    inputs = model._tokenizer("a good tent", return_tensors="pt")
    with torch.no_grad():
        expected = apply(trained.eval()(**inputs).logits / 4).numpy()
    np.testing.assert_allclose(model.predict_proba(["a good tent"]), expected, atol=1e-6)
    assert getattr(model._model.config, CONFIG_KEY)["temperature"] == 4.0


def test_number_of_a_saved_model_is_in_the_unit_of_the_rows(tiny_model: Path, save: Save) -> None:
    """Plain logits are the answer: no scale is left to apply."""
    model = Model(save(tiny_model, Regression((), mean=40.0, deviation=12.5)))
    inputs = model._tokenizer("a good tent", return_tensors="pt")
    with torch.no_grad():
        logit = model._model(**inputs).logits.item()
    assert model.predict(["a good tent"]) == [{"score": pytest.approx(logit, abs=1e-4)}]
    assert model.task == Regression(()) and 0 < abs(logit - 40) < 100


def test_long_texts_in_entities_are_read_to_their_end(tiny_model: Path, save: Save, reviews: list[Row]) -> None:
    """The tokens of a window that is not cut by an edge near them say what they say in a text of their own."""
    model = Model(save(tiny_model, Entities(LABELS), recipe=Recipe(max_length=32)))
    text = " ".join(row.text for row in reviews[:12])
    assert len(model._tokenizer(text)["input_ids"]) > 5 * 32
    (answer,) = model.predict([text])
    starts = [one["start"] for one in answer["entities"]]
    assert starts == sorted(starts) and starts[-1] > 0.95 * len(text) and starts[0] < 0.05 * len(text)
    assert np.diff(starts).max() < len(text) / 5, "no stretch is left out"


def test_windows_of_a_long_text_give_the_mean_of_what_they_say(tiny_model: Path, save: Save, reviews: list[Row]) -> None:
    text = " ".join(row.text for row in reviews[:12])
    cut = Model(save(tiny_model, Classification(LABELS), recipe=Recipe(max_length=24)))
    limit = cut._tokenizer.decode(cut._tokenizer(text, truncation=True)["input_ids"], skip_special_tokens=True)
    np.testing.assert_allclose(cut.predict_proba([text]), cut.predict_proba([limit]), atol=1e-5)


def test_windows_of_a_long_text_are_pooled(tiny_model: Path, save: Save, reviews: list[Row]) -> None:
    text = " ".join(row.text for row in reviews[:12])
    recipe = Recipe.from_table({"max_length": 24, "long_texts": "windows"})
    model = Model(save(tiny_model, Classification(LABELS), recipe=recipe))
    ids = model._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    starts = [*range(0, len(ids) - 22, 17), len(ids) - 22]
    first, last = model._tokenizer("")["input_ids"]
    with torch.no_grad():
        logits = model._model(input_ids=torch.tensor([[first, *ids[low:low + 22], last] for low in starts])).logits
    np.testing.assert_allclose(model.predict_proba([text]), logits.mean(0, keepdim=True).softmax(-1).numpy(), atol=1e-5)


def test_empty_texts_and_empty_lists_have_answers(tiny_model: Path, save: Save) -> None:
    model = Model(save(tiny_model, Entities(LABELS)))
    assert model.predict([]) == [] and model.predict(["", "  "]) == [{"entities": []}, {"entities": []}]
    with pytest.raises(TypeError, match="use predict"):
        model.predict_proba(["a"])
    with pytest.raises(TypeError, match="give a list"):
        model.predict("a")


@pytest.mark.parametrize("texts", [[1, 2], [None, ""], [{"text": "hi"}], [("a",)], [("a", "b", "c")], {"text": ["hi"]}])
def test_what_is_no_list_of_texts_is_refused(tiny_model: Path, save: Save, texts: Any) -> None:
    import pandas

    model = Model(save(tiny_model, Entities(LABELS)))
    for given in (texts, pandas.DataFrame({"text": ["hi"]})):
        with pytest.raises(TypeError, match=r"^texts (holds|is a)"):
            model.predict(given)


def test_a_model_of_another_kind_is_refused(tiny_model: Path, save: Save) -> None:
    folder = save(tiny_model, Entities(LABELS))
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {number: f"tag {number}" for number in range(7)}
    config["label2id"] = {f"tag {number}": number for number in range(7)}
    del config[CONFIG_KEY]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="not O, B-label, I-label"):
        Model(folder)


TASKS = [Classification(("bad", "good")), Multilabel(("a", "b", "c"), thresholds=(0.4, 0.5, 0.6)), Regression((), mean=3.0),
         Entities(("PER", "LOC"))]


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def saved(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Model:
    task: Task = request.param
    tokenizer, recipe = load_tokenizer(tiny_model), Recipe(max_length=32)
    load_classifier(tiny_model, task, recipe, seed=0, pad_token_id=tokenizer.pad_token_id).save_pretrained(tmp_path / "trained")
    folder = finish(tmp_path / "trained", task, 1.0, recipe, pairs=False)
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
