"""All tasks by name, and what is known of a name that is none of them."""

from __future__ import annotations

import pytest

from luthier.data.row import Kind
from luthier.tasks.registry import TASKS, kind_named, of_tokens
from luthier.tasks.wording import ANY, BY_KIND, Wording, wording_of


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
