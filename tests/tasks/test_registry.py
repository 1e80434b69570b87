"""Tasks by their names, as people and saved models give them."""

from __future__ import annotations

import pytest

from luthier.data.row import Kind
from luthier.errors import ConfigError
from luthier.tasks.base import Head
from luthier.tasks.registry import TASKS, kind_of, task_of_model


def test_names_and_aliases_are_kinds_and_others_are_refused() -> None:
    assert (kind_of(None), kind_of("sentiment"), kind_of("ner"), kind_of("regression")) == (None, None, Kind.SPANS, Kind.NUMBER)
    with pytest.raises(ConfigError, match=r"--task regresion: .*Did you mean 'regression'"):
        kind_of("regresion")


def test_a_saved_model_of_an_unknown_task_is_refused_and_one_of_none_is_told_by_its_config() -> None:
    assert isinstance(task_of_model(("a", "b"), Head.TEXT, None, {}), TASKS["classification"])
    with pytest.raises(ValueError, match="names the task 'ranking', and there are classification"):
        task_of_model(("a", "b"), Head.TEXT, None, {"task": "ranking"})
