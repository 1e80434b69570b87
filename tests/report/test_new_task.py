"""A task is one file and one line in TASKS: nothing else asks for its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from luthier.data.row import Kind
from luthier.explain.controls import majority
from luthier.explain.curves import Curve, Reading
from luthier.explain.facts import Facts, facts_of
from luthier.explain.verdicts import judge
from luthier.report import card, html
from luthier.report.controls import control_meaning, control_title
from luthier.report.snippets import snippet, snippet_notes
from luthier.tasks.base import Head, Task
from luthier.tasks.classification import Classification
from luthier.tasks.entities import Entities
from luthier.tasks.registry import TASKS, of_tokens
from luthier.tasks.wording import ANY, BY_KIND, Wording, wording_of

LABELS = ("minor", "major")


class Mood(Classification):
    """A toy task with words of its own."""

    name: ClassVar[str] = "mood"
    wording: ClassVar[Wording] = Wording(
        guess="the usual mood", same="always humming the usual mood", guessing="humming along", limit="It hums at every text.",
        metrics={"macro_f1": ("mood score", "how well it hums")}, idle=("label_smoothing",))


class Gestures(Entities):
    """A toy task of tokens without words of its own."""

    name: ClassVar[str] = "gestures"


@pytest.fixture(params=[Mood, Gestures])
def toy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Task]:
    task: type[Task] = request.param
    monkeypatch.setitem(TASKS, task.name, task)
    return task


@pytest.fixture
def results(toy: type[Task], make_results: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    alike = "entities" if toy.head is Head.TOKENS else "classification"
    found = make_results(LABELS, task=alike)
    return found | {"task": toy.name, "control_titles": {}, "head": toy.head.value}


def test_page_and_card_of_a_new_task_speak_its_words(
        toy: type[Task], results: dict[str, Any], make_trials: Callable[..., tuple[list[Any], list[Any]]]) -> None:
    page, text = html.render(results, *make_trials()), card.render(results)
    words = wording_of(toy.name)
    assert words.limit in text and words is (Mood.wording if toy is Mood else BY_KIND[Kind.SPANS])
    assert snippet(results).startswith("from transformers import pipeline") and snippet_notes(results)
    if toy is Mood:
        assert "mood score" in page and "how well it hums" in text and "| the usual mood |" in text
        assert "label_smoothing" not in text and "label_smoothing" not in page
        assert "logistic regression on what" not in page
    else:
        assert "training entities" in text and "token-classification" in snippet(results) and "each token" in page


def test_verdicts_on_a_new_task_speak_its_words(toy: type[Task], results: dict[str, Any]) -> None:
    facts = facts_of(results)
    assert facts.task == toy.name and facts.guessing == wording_of(toy.name).guessing
    scores = [Reading(step, float(step), 1.0, {"f1": 0.1}) for step in (1, 2, 3)]
    said = judge(Curve((), tuple(scores)), Facts("f1", 100, majority_score=0.2, task=toy.name)).evidence
    assert wording_of(toy.name).same in said


def test_controls_of_a_new_task_have_its_titles(toy: type[Task], results: dict[str, Any]) -> None:
    words = wording_of(toy.name)
    assert control_title(results, "majority") == words.guess and control_meaning(results, "majority") == words.guess_meaning
    assert words.probe in control_meaning(results, "probe")
    task = toy.make(LABELS)
    assert majority(task, np.array([0, 1, 1]), words.guess).title == words.guess


def test_a_task_that_this_version_does_not_know_has_words_that_fit_any(
        make_results: Callable[..., dict[str, Any]], make_trials: Callable[..., tuple[list[Any], list[Any]]]) -> None:
    assert wording_of("singing") is ANY and not of_tokens("singing")
    unknown = make_results(LABELS) | {"task": "singing"}
    assert ANY.limit in card.render(unknown) and html.render(unknown, *make_trials())
