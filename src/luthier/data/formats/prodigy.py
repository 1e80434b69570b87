"""Prodigy: one answered task a line. Only accepted answers are labels: `accept` of `options`, a binary `label`, or `spans`.

Rows are written as accepted tasks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.data.findings import Finding
from luthier.data.formats import annotated
from luthier.data.formats.annotated import Answer, Item, Left, Value
from luthier.data.formats.jsonl_rows import extras, span_dicts, write_lines
from luthier.data.formats.table import Record, Table
from luthier.data.options import DataOptions
from luthier.data.places import raise_together, unit
from luthier.data.row import Guess, Kind, Row, names_in
from luthier.errors import ConfigError, DataError

ANSWERS = ("accept", "reject", "ignore")
SHAPES = ("spans", "accept", "options", "label", "_input_hash", "_task_hash", "_view_id")
CONSUMED = ("spans", "tokens", "options", "accept", "answer", "label", "config", "style", "html", "_input_hash", "_task_hash",
            "_view_id", "_is_binary", "_session_id", "_annotator_id")


def fits(items: Sequence[Record]) -> bool:
    """Whether any record has an answer of Prodigy and one of the forms that it asks in."""
    return any(item.values.get("answer") in ANSWERS and any(key in item.values for key in SHAPES) for item in items
               if isinstance(item.values.get("answer"), str))


def read(name: str, items: Sequence[Record], options: DataOptions) -> Table:
    """The table of Prodigy's tasks. Answers of several annotators to one text (by `_input_hash`) are one row.

    Raises:
        DataError: an answer that Prodigy does not write, and what `annotated.table` raises.
    """
    if options.annotators == annotated.NOBODY:
        texts = [Item(item.line, {key: value for key, value in item.values.items() if key not in CONSUMED}, {}) for item in items]
        return annotated.table(name, "Prodigy tasks", texts, options, Left())
    raise_together([f"{name} {unit(name)} {item.line}: the answer {str(item.values['answer'])[:40]!r} is none of "
                  f"{', '.join(ANSWERS)}. Correct it." for item in items
                  if item.values.get("answer") is not None and item.values["answer"] not in ANSWERS])
    left = Left()
    accepted = []
    for item in items:
        answer = item.values.get("answer")
        if answer == "accept":
            accepted.append(item)
        else:
            left.lines[f"answered '{answer}'" if answer else "without an answer"].append(item.line)
    questions = {question for item in accepted for question in _answers(name, item)}
    made: dict[str, Item] = {}
    for item in accepted:
        given = _answers(name, item)
        if "spans" in questions and "spans" not in given and "label" not in given:
            given["spans"] = ()
        key, person = _key(item), _person(item)
        if key in made and not _is_binary(item.values) and any(
                answer.annotator == person for known in made[key].answers.values() for answer in known):
            key = f"line {item.line}"  # the same person was asked twice
        if key not in made:
            made[key] = Item(item.line, {key: value for key, value in item.values.items() if key not in CONSUMED},
                             defaultdict(list), frozenset({"label"} if _is_multiple(item) else ()))
        else:
            left.lines["further answers to a text above, settled with the first"].append(item.line)
        for question, value in given.items():
            _add(made[key].answers[question], person, value)  # type: ignore[arg-type]
    field = annotated.text_field([{"text": item.values.get("text")} for item in accepted], options)
    if accepted and field is None:
        raise DataError(f"{name}: read as Prodigy tasks, and none has a 'text'. Only tasks on texts are read.")
    return annotated.table(name, "Prodigy tasks", list(made.values()), options, left)


def _add(answers: list[Answer], person: str, value: Value) -> None:
    """Join an accepted binary label to those that the same person accepted for the same text."""
    for place, known in enumerate(answers):
        if known.annotator == person and isinstance(known.value, tuple) and isinstance(value, tuple):
            answers[place] = Answer(person, tuple(dict.fromkeys((*known.value, *value))))
            return
    answers.append(Answer(person, value))


def _key(item: Record) -> str:
    """What tasks on the same text share, where Prodigy says who answered or asks one label at a time; else the line."""
    values = item.values
    if not _person(item) and not _is_binary(values):
        return f"line {item.line}"
    return f"hash {values['_input_hash']}" if "_input_hash" in values else f"text {values.get('text')}"


def _is_binary(values: Mapping[str, Any]) -> bool:
    return "label" in values and "options" not in values and "accept" not in values


def _is_multiple(item: Record) -> bool:
    config = item.values.get("config")
    return isinstance(config, dict) and config.get("choice_style") == "multiple"


def _person(item: Record) -> str:
    who = item.values.get("_annotator_id") or item.values.get("_session_id")
    return "" if who is None else str(who)


def _answers(name: str, item: Record) -> dict[str, Value]:
    where, values = f"{name} {unit(name)} {item.line}", item.values
    given: dict[str, Value] = {}
    if "accept" in values or "options" in values:
        chosen = values.get("accept")
        given["label"] = annotated.names(where, [] if chosen is None else chosen)
    elif "label" in values and values["label"] is not None:
        given["label"] = annotated.names(where, values["label"])
    if isinstance(spans := values.get("spans"), list):
        given["spans"] = tuple(annotated.stored(where, span) for span in spans)
    elif spans is not None:
        raise DataError(f"{where}: 'spans' must be a list, not {str(spans)[:40]!r}. Correct it.")
    return given


# Writing

def write(path: Path, rows: Sequence[Row], kind: Kind) -> list[Finding]:
    """Write accepted tasks: choices among all labels of the rows, or spans.

    Raises:
        ConfigError: labels are numbers, which Prodigy has no task for.
    """
    if kind is Kind.NUMBER:
        raise ConfigError(f"{path}: Prodigy has no task whose answer is a number. Write .jsonl, or --format label-studio.")
    names = sorted({name for row in rows for name in names_in(row.target)})
    write_lines(path, (task(row, kind, names) | {"answer": "accept"} for row in rows))
    return []


def task(row: Row, kind: Kind, names: Iterable[str]) -> dict[str, Any]:
    """A task of Prodigy with the row's label as its answer, not yet accepted; `names` are the choices."""
    found: dict[str, Any] = {"text": row.text} | extras(row)
    if kind is Kind.SPANS:
        return found | {"spans": span_dicts(row)}
    choices = {"options": [{"id": name, "text": name} for name in names], "accept": list(names_in(row.target))}
    return found | choices | ({"config": {"choice_style": "multiple"}} if kind is Kind.LABELS else {})


def write_guesses(path: Path, guesses: Sequence[Guess], kind: Kind, names: Sequence[str]) -> None:
    """Write tasks that a model has answered, for an annotator to accept or correct, in the order given.

    Args:
        names: all labels of the model, among which an annotator may choose.

    Raises:
        ConfigError: labels are numbers, which Prodigy has no task for.
    """
    if kind is Kind.NUMBER:
        raise ConfigError(f"{path}: Prodigy has no task whose answer is a number. Write .csv, or --format label-studio.")
    write_lines(path, (task(guess.row, kind, names) | {"meta": {"confidence": round(guess.confidence, 4)}} for guess in guesses))
