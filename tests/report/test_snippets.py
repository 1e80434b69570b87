"""The snippet of each task runs as it stands, on a saved model, and gives what Luthier gives."""

from __future__ import annotations

import ast

import pytest

from luthier.api.finish import finish
from luthier.api.model import Model
from luthier.models.classifier import load_classifier, load_tokenizer
from luthier.recipes.recipe import Recipe
from luthier.report.snippets import parts, snippet, snippet_notes
from luthier.tasks.classification import Classification
from luthier.tasks.entities import Entities
from luthier.tasks.multilabel import Multilabel
from luthier.tasks.regression import Regression

TEXT, PAIR = "A text to read", "Another text"
TASKS = {"classification": Classification(("bad", "good", "so so")),
         "multilabel": Multilabel(("a", "b", "c"), thresholds=(0.01, 0.99, 0.02)),
         "regression": Regression((), mean=3.0, deviation=2.0), "entities": Entities(("PER", "LOC"))}


KINDS = [*((task, False) for task in TASKS), *((task, True) for task in TASKS if task != "entities")]


@pytest.fixture(scope="module", params=KINDS, ids=lambda param: f"{param[0]}{'-pairs' * param[1]}")
def saved(request, tiny_model, tmp_path_factory):
    """(task, whether pairs, folder of a finished model of random head)."""
    name, pairs = request.param
    tokenizer, recipe = load_tokenizer(tiny_model), Recipe(max_length=32)
    folder = tmp_path_factory.mktemp("snippet") / "trained"
    model = load_classifier(tiny_model, TASKS[name], recipe, seed=0, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    finished = finish(folder, TASKS[name], 1.5, recipe, pairs)
    tokenizer.model_max_length = 32
    tokenizer.save_pretrained(finished)
    return name, pairs, finished


def run(code):
    """The value of the last line of some Python."""
    *lines, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(lines, []), "snippet", "exec"), names)
    return eval(compile(ast.Expression(last.value), "snippet", "eval"), names)


def test_snippet_runs_and_agrees_with_luthier(saved):
    name, pairs, folder = saved
    value = run(snippet({"task": name, "pairs": pairs, "model": str(folder)}))
    answer = Model(folder).predict([(TEXT, PAIR) if pairs else TEXT])[0]
    if name == "multilabel":
        assert value == answer["labels"] and value
        return
    if name == "entities":
        assert [(one["entity_group"], one["start"], one["end"]) for one in value] == [
            (one["label"], one["start"], one["end"]) for one in answer["entities"]]
        return
    found = value[0] if isinstance(value, list) else value
    assert found["score"] == pytest.approx(answer["score"], abs=1e-5)
    assert name == "regression" or found["label"] == answer["label"]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("windows", [False, True])
def test_notes_say_what_becomes_of_long_texts(make_results, task, windows):
    said = " ".join(snippet_notes(make_results(task=task, long_texts="windows" if windows else "cut")))
    assert "64 tokens" in said and said.count("`") % 2 == 0
    assert ("windows" in said) is (windows or task == "entities")
    assert ("truncation=True" in said) is (task != "entities")


def test_notes_of_pairs_name_the_parts(make_results):
    assert "`text_pair`" in " ".join(snippet_notes(make_results(pairs=True)))


@pytest.mark.parametrize("task", TASKS)
def test_snippet_is_python_for_any_folder(make_results, hostile, task):
    for folder in (*hostile, "C:\\models\\new", "'''", '"""', "\u2028"):
        ast.parse(snippet(make_results(task=task, model=folder)))


def test_parts_tell_code_from_words():
    assert parts("Add `x=1` here.") == [("Add ", False), ("x=1", True), (" here.", False)]
    assert parts("`x`: y") == [("x", True), (": y", False)]
