"""Every task from rows to a folder that plain transformers serves: short runs of a small model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.data.row import Row

pytestmark = pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
Rows = list[dict[str, Any]]
QUICK = {"epochs": 2, "max_length": 32, "threads": 1, "learning_rate": 1e-3, "warmup_steps": 2}


def label_sets(reviews: list[Row]) -> Rows:
    """Which of three words a text has; many have none."""
    return [{"text": row.text, "labels": [word for word in ("good", "not", "very") if f" {word} " in row.text]}
            for row in reviews[:240]]


def numbers(reviews: list[Row]) -> Rows:
    return [{"text": row.text, "score": 40 + len(row.text) / 7} for row in reviews[:240]]


def places(_: list[Row]) -> Rows:
    lines = resources.files("luthier").joinpath("examples/places.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:240]]


def pairs(reviews: list[Row]) -> Rows:
    """A text and its own beginning, or another's."""
    return [{"text": row.text, "text_pair": reviews[place + place % 2].text[:40], "label": ("same", "other")[place % 2]}
            for place, row in enumerate(reviews[:240])]


def scored_pairs(reviews: list[Row]) -> Rows:
    return [{"sentence1": row["text"], "sentence2": row["text_pair"], "score": 0.37 * len(row["text_pair"]) / len(row["text"])}
            for row in pairs(reviews)]


TASKS: dict[str, tuple[str, Callable[[list[Row]], Rows]]] = {
    "labels": ("multilabel", label_sets), "numbers": ("regression", numbers), "entities": ("entities", places),
    "pairs": ("classification", pairs), "scored pairs": ("regression", scored_pairs)}


@pytest.fixture(scope="module", params=TASKS)
def run(request: pytest.FixtureRequest, word_piece_model: Path, reviews: list[Row],
        tmp_path_factory: pytest.TempPathFactory) -> luthier.Run:
    task, rows = TASKS[request.param]
    made = luthier.train(rows(reviews), model=str(word_piece_model), output=tmp_path_factory.mktemp("tasks") / "run", **QUICK)
    assert made.results["task"] == task, "told by the data"
    return made


def test_run_has_its_figures_and_controls_that_fit_the_task(run: luthier.Run) -> None:
    results = run.results
    assert sum(results["rows"].values()) == 240
    expected = {"lexicon", "probe"} if results["task"] == "entities" else {"majority", "tfidf", "probe"}
    assert set(results["controls"]) == expected
    assert results["metric"] in results["test_metrics"]
    assert results["test"]["low"] <= results["test"]["value"] <= results["test"]["high"]
    assert bool(results["calibration"]) == (results["task"] in ("classification", "multilabel")), "none is claimed for the others"
    assert (run.path / "report.html").stat().st_size > 10_000
    assert f'pipeline("{results["head"]}"' in (run.path / "model" / "README.md").read_text(encoding="utf-8")


def test_test_rows_are_answered_by_the_saved_model_as_they_were_scored(run: luthier.Run) -> None:
    rows = run.predictions("test")
    assert len(rows) == run.results["rows"]["test"]
    if run.results["task"] != "entities":
        second = next((name for name in ("text_pair", "pair", "sentence2") if name in rows), None)
        texts = list(rows["text"]) if second is None else list(zip(rows["text"], rows[second], strict=True))
        scores = run.model.predict_proba(texts)
        assert len(scores) == len(rows) and np.isfinite(scores).all()


def test_model_in_its_pipeline_equals_predict(run: luthier.Run, reviews: list[Row]) -> None:
    model, plain = run.model, run.model.pipeline()
    texts: list[Any] = [row.text[:90] for row in reviews[240:280]]
    if run.results["task"] == "entities":
        for found, served in zip(model.predict(texts), plain(texts), strict=True):
            assert [(one["label"], one["start"], one["end"]) for one in found["entities"]] == [
                (one["entity_group"], one["start"], one["end"]) for one in served]
            np.testing.assert_allclose([one["score"] for one in found["entities"]], [one["score"] for one in served], atol=1e-5)
        return
    asked: list[Any] = texts
    if run.results["pairs"]:
        texts = list(itertools.pairwise(texts))
        asked = [{"text": one, "text_pair": two} for one, two in texts]
    served = [{answer["label"]: answer["score"] for answer in plain(one, truncation=True, top_k=None)} for one in asked]
    expected = np.array([[row[name] for name in model.task.outputs] for row in served])
    np.testing.assert_allclose(model.predict_proba(texts), expected, atol=1e-5, rtol=1e-6)


def test_evaluate_gives_the_metrics_of_the_task(run: luthier.Run, reviews: list[Row]) -> None:
    rows = next(make(reviews) for task, make in TASKS.values() if task == run.results["task"]
                and (make in (pairs, scored_pairs)) == run.results["pairs"])
    found = run.model.evaluate(rows[:60])
    assert found.rows == 60 and found.metric == run.results["metric"] and set(found.metrics) == set(run.results["test_metrics"])


def test_an_entity_at_the_end_of_a_long_text_is_found(tiny_model: Path, tmp_path: Path, reviews: list[Row]) -> None:
    """It stands behind five times as many tokens as the model reads at once, in training and afterwards."""
    words = [word for row in reviews[:60] for word in row.text.split() if word.isalpha() and word.lower() != "amazon"]
    rows = []
    for place in range(24):
        text = " ".join(words[place:place + 12 + place % 5]) + " near amazon today"
        start = text.index("amazon")
        rows.append({"text": text, "spans": [{"start": start, "end": start + 6, "label": "place"}]})
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    run = luthier.train(str(file), model=str(tiny_model), validation=str(file), test=str(file), output=tmp_path / "run",
                        threads=1, epochs=10, learning_rate=1e-3, max_length=16, batch_size=8)
    assert run.metrics["test"].value > 0.9
    text = " ".join(words[100:220]) + " near amazon today"
    assert len(run.model._tokenizer(text)["input_ids"]) > 5 * 16
    (answer,) = run.model.predict([text])
    assert (len(text) - 12, len(text) - 6, "place") in [
        (one["start"], one["end"], one["label"]) for one in answer["entities"]]
