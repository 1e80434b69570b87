"""Which task is meant, and which one a saved model is of."""

from __future__ import annotations

import pytest

from luthier.data.row import Kind
from luthier.errors import ConfigError
from luthier.tasks.base import Head
from luthier.tasks.classification import Classification
from luthier.tasks.entities import Entities
from luthier.tasks.multilabel import Multilabel
from luthier.tasks.registry import OPEN, TASKS, kind_named, kind_of, of_tokens, task_for, task_of_model
from luthier.tasks.regression import Regression
from luthier.tasks.wording import ANY, BY_KIND, Wording, wording_of


@pytest.mark.parametrize(("name", "kind"), [
    ("classification", Kind.CLASS), ("binary", Kind.CLASS), ("ner", Kind.SPANS), ("multi-label", Kind.LABELS),
    ("regression", Kind.NUMBER), (None, None), *((name, None) for name in OPEN)])
def test_names_of_tasks_say_the_kind_of_labels(name: str | None, kind: Kind | None) -> None:
    assert kind_of(name) is kind


def test_a_wrong_name_lists_the_right_ones() -> None:
    with pytest.raises(ConfigError, match=r"--task regresion.*classification, multilabel.*Did you mean 'regression'"):
        kind_of("regresion")


def test_every_kind_has_one_task_with_a_usual_headline() -> None:
    assert {task_for(kind) for kind in Kind} == set(TASKS.values())
    assert all(task.make(("a", "b")).metric == next(iter(task.headlines)) for task in TASKS.values())


@pytest.mark.parametrize("task", [
    Classification(("a", "b"), "accuracy"), Classification(("a", "b"), "f1", 1),
    Multilabel(("a", "b"), "macro_f1", (0.2, 0.7)), Entities(("a", "b"), "f1_strict"),
    Regression((), "spearman")])
def test_a_saved_model_is_of_its_task(task: Classification | Multilabel | Entities | Regression) -> None:
    assert task_of_model(task.outputs, task.head, task.problem_type, task.settings()) == task


@pytest.mark.parametrize(("outputs", "head", "problem", "task"), [
    (("a", "b"), Head.TEXT, None, Classification(("a", "b"))), (("score",), Head.TEXT, None, Regression(())),
    (("a", "b"), Head.TEXT, "multi_label_classification", Multilabel(("a", "b"), thresholds=(0.5, 0.5))),
    (("O", "B-a", "I-a"), Head.TOKENS, None, Entities(("a",))),
    (("a", "b"), Head.TEXT, "single_label_classification", Classification(("a", "b")))])
def test_a_model_of_others_is_told_by_its_config(outputs: tuple[str, ...], head: Head, problem: str | None, task: object) -> None:
    assert task_of_model(outputs, head, problem, {}) == task


@pytest.mark.parametrize("task", list(TASKS.values()))
def test_metrics_are_named_with_hyphens_too_and_wrong_ones_refused(task: type[Classification]) -> None:
    name = next(iter(task.headlines))
    assert task.headline(name.replace("_", "-").upper()) == name
    with pytest.raises(ConfigError, match=r"--metric nonsense: .* is chosen by one of"):
        task.headline("nonsense")


def test_names_are_looked_up_without_complaint() -> None:
    assert [kind_named(name) for name in ("classification", "regression", "singing")] == [Kind.CLASS, Kind.NUMBER, None]
    assert [name for name in (*TASKS, "singing") if of_tokens(name)] == ["entities"]
    assert wording_of("singing") is ANY and wording_of("multilabel") is BY_KIND[Kind.LABELS]


def test_a_task_can_have_words_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Wording(guess="the usual mood")
    monkeypatch.setattr(TASKS["classification"], "wording", own, raising=False)
    assert wording_of("classification") is own


def test_every_task_has_words_and_a_meaning_for_each_headline() -> None:
    for task in TASKS.values():
        assert task.kind in BY_KIND and set(task.headlines) <= set(wording_of(task.name).metrics)


def test_names_and_aliases_are_kinds_and_others_are_refused() -> None:
    assert (kind_of(None), kind_of("sentiment"), kind_of("ner"), kind_of("regression")) == (None, None, Kind.SPANS, Kind.NUMBER)
    with pytest.raises(ConfigError, match=r"--task regresion: .*Did you mean 'regression'"):
        kind_of("regresion")


def test_a_saved_model_of_an_unknown_task_is_refused_and_one_of_none_is_told_by_its_config() -> None:
    assert isinstance(task_of_model(("a", "b"), Head.TEXT, None, {}), TASKS["classification"])
    with pytest.raises(ValueError, match="names the task 'ranking', and there are classification"):
        task_of_model(("a", "b"), Head.TEXT, None, {"task": "ranking"})
