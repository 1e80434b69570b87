"""All tasks by name. A new one is one file beside this and one line in TASKS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.row import Kind
from luthier.errors import ConfigError, nearest
from luthier.tasks.base import Head, Task
from luthier.tasks.classification import Classification
from luthier.tasks.entities import Entities
from luthier.tasks.multilabel import Multilabel
from luthier.tasks.regression import Regression

TASKS: dict[str, type[Task]] = {task.name: task for task in (Classification, Multilabel, Entities, Regression)}
ALIASES = {"ner": "entities", "multi-label": "multilabel", "binary": "classification", "multiclass": "classification"}
OPEN = ("sentiment", "pairs")
"""Names that people use for what can be classes or scores: the data tell which."""


def kind_of(name: str | None) -> Kind | None:
    """The kind of label of the task of this name; None where the data are to tell.

    Raises:
        ConfigError: there is no such task.
    """
    if name is None or name in OPEN:
        return None
    found = ALIASES.get(name, name)
    if found not in TASKS:
        raise ConfigError(f"--task {name}: there is no such task; there are {', '.join((*TASKS, *OPEN))}.{nearest(name, TASKS)}")
    return TASKS[found].kind


def task_for(kind: Kind) -> type[Task]:
    """The task whose labels are of this kind."""
    return next(task for task in TASKS.values() if task.kind is kind)


def kind_named(task: str) -> Kind | None:
    """The kind of label of the task of this name, as files have it; None where this version knows no such task."""
    return TASKS[task].kind if task in TASKS else None


def of_tokens(task: str) -> bool:
    """Whether the task of this name, as files have it, says something of tokens, and not of texts."""
    return task in TASKS and TASKS[task].head is Head.TOKENS


def task_of_model(outputs: Sequence[str], head: Head, problem_type: str | None, settings: Mapping[str, Any]) -> Task:
    """The task of a saved model, by what Luthier wrote in its config, or else by what transformers' own config says.

    Raises:
        ValueError: its outputs are not those of a task, or its config names a task that there is not.
    """
    name = settings.get("task")
    if name in TASKS:
        return TASKS[name].from_settings(outputs, settings)
    if name is not None:
        raise ValueError(f"its config names the task '{name}', and there are {', '.join(TASKS)}")
    if head is Head.TOKENS:
        return Entities.from_settings(outputs, {})
    kinds = {task.problem_type: task for task in (Classification, Multilabel, Regression)}
    return kinds.get(problem_type, Regression if len(outputs) == 1 else Classification).from_settings(outputs, {})
