"""Label Studio: JSON (tasks with their annotations) and JSON-MIN (one flat object an annotation).

`annotations: []` is a task that nobody has annotated; `result: []` is one annotated as having none. `was_cancelled` is a
skipped task. Older versions write `completions` for `annotations`. Tasks are written with one annotation each.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.data.findings import Finding, Severity
from luthier.data.formats import annotated
from luthier.data.formats.annotated import Answer, Item, Left, Value
from luthier.data.formats.jsonl_rows import extras
from luthier.data.formats.offsets import Stored
from luthier.data.formats.table import Record, Table, finding
from luthier.data.options import DataOptions
from luthier.data.places import raise_together, unit
from luthier.data.row import Guess, Kind, Row, Span, Target
from luthier.errors import DataError
from luthier.files import whole_file

IMPORTED = frozenset(("id", "data", "meta", "predictions"))
"""The keys of a task that has not been annotated yet."""
SKIPPED = "skipped by the annotator (was_cancelled)"
AFTER = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
"""The columns that JSON-MIN puts after the answers."""


def fits(items: Sequence[Record]) -> bool:
    """Whether any record is a task with annotations, or an annotation of JSON-MIN."""
    return any(_is_task(item.values) for item in items) or fits_min(items)


def fits_min(items: Sequence[Record]) -> bool:
    """Whether any record is an annotation of JSON-MIN."""
    return any("annotation_id" in item.values and "annotator" in item.values for item in items)


def read(name: str, items: Sequence[Record], options: DataOptions) -> Table:
    """The table of Label Studio's export, in either form.

    Raises:
        DataError: objects of another form, results that hold no answer, and what `annotated.table` raises.
    """
    if any(_is_task(item.values) for item in items):
        return _tasks(name, items, options)
    return _flat(name, items, options)


def _is_task(values: Mapping[str, Any]) -> bool:
    """Whether an object is a task: annotated or not, or as it is imported, with nothing but its data."""
    if not isinstance(values.get("data"), dict):
        return False
    return isinstance(values.get("annotations", values.get("completions")), list) or values.keys() <= IMPORTED


def _tasks(name: str, items: Sequence[Record], options: DataOptions) -> Table:
    raise_together([f"{name} {unit(name)} {item.line}: no task of Label Studio: it needs an object 'data' and a list "
                  "'annotations'. Export the project again as JSON." for item in items if not _is_task(item.values)])
    left, unread = Left(), dict[str, list[int]]()
    found: list[tuple[Record, list[tuple[str, dict[str, Value]]]]] = []
    for item in items:
        given = item.values.get("annotations", item.values.get("completions")) or []
        live = [annotation for annotation in given if not _cancelled(_an_object(name, item, annotation))]
        if given and not live and options.annotators != annotated.NOBODY:
            left.lines[SKIPPED].append(item.line)
            continue
        found.append((item, [(_person(annotation.get("completed_by")), _answers(name, item, annotation, unread))
                             for annotation in live]))
    questions = {question: value for _, given in found for _, answers in given for question, value in answers.items()}
    field = annotated.text_field((item.values["data"] for item in items), options)
    source, column = field or ("text", "text")
    made = []
    for item, given in found:
        answers: dict[str, list[Answer]] = defaultdict(list)
        for person, own in given:
            for question, example in questions.items():
                if question in own or not isinstance(example, float):
                    answers[question].append(Answer(person, own.get(question, ())))
        meta = item.values.get("meta")
        several = frozenset(answers) if isinstance(meta, dict) and meta.get("choice") == "multiple" else frozenset[str]()
        values = annotated.renamed(item.values["data"], source, column)
        made.append(Item(item.line, values | ({"id": item.values["id"]} if "id" in item.values and "id" not in values else {}),
                         answers, several))
    if unread and not questions:
        raise DataError(f"{name}: its results are of types that are not read: {', '.join(unread)}. Read are choices, taxonomy, "
                        "labels of plain text, rating and number.")
    table = annotated.table(name, "Label Studio tasks", made, options, left, column)
    return Table(table.name, table.columns, table.records, (*table.findings, *_said(name, unread, field)))


def _said(name: str, unread: Mapping[str, list[int]], field: tuple[str, str] | None) -> list[Any]:
    said = [finding(name, "unread-results", f"with results of the type '{kind}', which is not read: these results are left out",
                    lines, severity=Severity.WARNING) for kind, lines in unread.items()]
    if field and field[0] != field[1]:
        said.append(finding(name, "text-field", f"the text is taken from 'data.{field[0]}'",
                            advice="Choose another with --text-column NAME."))
    return said


def _an_object(name: str, item: Record, annotation: Any) -> dict[str, Any]:
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result", []), list):
        raise DataError(f"{name} {unit(name)} {item.line}: an annotation must be an object with a list 'result', not "
                        f"{str(annotation)[:40]!r}. Export the project again as JSON.")
    return annotation


def _cancelled(annotation: Mapping[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def _person(who: Any) -> str:
    if isinstance(who, dict):
        who = who.get("email") or who.get("username") or who.get("id")
    return "" if who is None else str(who)


def _answers(name: str, item: Record, annotation: Mapping[str, Any], unread: dict[str, list[int]]) -> dict[str, Value]:
    """The answers of one annotation by question, as far as they are of types that are read."""
    where = f"{name} {unit(name)} {item.line}"
    chosen: dict[str, list[str]] = {}
    numbers: dict[str, float] = {}
    spans: dict[str, list[Stored]] = {}
    for result in annotation.get("result", []):
        if not isinstance(result, dict):
            raise DataError(f"{where}: a result must be an object, not {str(result)[:40]!r}. Export the project again as JSON.")
        kind, value = str(result.get("type", "")), result.get("value")
        question = str(result.get("from_name") or "label")
        if not isinstance(value, dict):
            _note(unread, kind or "without a type", item.line)
        elif kind == "choices" and "start" not in value:
            chosen.setdefault(question, []).extend(annotated.names(where, value.get("choices") or []))
        elif kind == "taxonomy" and "start" not in value:
            chosen.setdefault(question, []).extend(_paths(where, value.get("taxonomy") or []))
        elif kind == "labels" and ("start" in value or "end" in value):
            spans.setdefault(question, []).extend(_spans(where, value))
        elif kind in ("rating", "number") and "start" not in value:
            numbers[question] = _number(where, value.get(kind))
        else:
            _note(unread, kind or "without a type", item.line)
    names = {question: tuple(dict.fromkeys(listed)) for question, listed in chosen.items()}
    return {**names, **numbers, **{question: tuple(listed) for question, listed in spans.items()}}


def _note(unread: dict[str, list[int]], kind: str, line: int) -> None:
    if line not in (lines := unread.setdefault(kind, []))[-1:]:
        lines.append(line)


def _paths(where: str, value: Any) -> list[str]:
    """The names of a taxonomy's choices, each a path from its root: "animal / dog"."""
    if not isinstance(value, list):
        raise DataError(f"{where}: a taxonomy must be a list of paths, not {str(value)[:40]!r}. Export the project again.")
    return [" / ".join(annotated.names(where, path)) for path in value]


def _spans(where: str, value: Mapping[str, Any]) -> list[Stored]:
    labels = annotated.names(where, value.get("labels") or [])
    if not labels:
        raise DataError(f"{where}: the span [{value.get('start')}, {value.get('end')}] has no label. Give it one, or remove it.")
    return [annotated.spanned(where, value.get("start"), value.get("end"), label, value.get("text")) for label in labels]


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{where}: {str(value)[:40]!r} is no number. Correct it, or remove the result.")
    return float(value)


# JSON-MIN

def _flat(name: str, items: Sequence[Record], options: DataOptions) -> Table:
    raise_together([f"{name} {unit(name)} {item.line}: no annotation of Label Studio's JSON-MIN: it has no 'annotator'. Export "
                  "the project again." for item in items if "annotator" not in item.values])
    questions = [question for question in dict.fromkeys(key for item in items for key in _between(item.values))
                 if any(_flat_value(name, item, question) is not None for item in items)]
    several = {question for question in questions if any(isinstance(item.values.get(question), dict) for item in items)}
    by_task: dict[Any, Item] = {}
    left = Left()
    field = annotated.text_field(({key: value for key, value in item.values.items() if key not in questions}
                                    for item in items), options, AFTER)
    source, column = field or ("text", "text")
    examples = {question: value for item in items for question in questions
                if (value := _flat_value(name, item, question)) is not None}
    for item in items:
        task = item.values.get("id", ("line", item.line))
        person = _person(item.values["annotator"])
        key = str(task)
        if key not in by_task:
            kept = {key: value for key, value in item.values.items() if key not in questions}
            by_task[key] = Item(item.line, annotated.renamed(kept, source, column), defaultdict(list), frozenset(several))
        elif by_task[key].values.get(column) != item.values.get(source):
            raise DataError(f"{name} {unit(name)} {item.line}: it has the id {task!r} of row {by_task[key].line}, but another "
                            "text. Export the project again, so that each task has an id of its own.")
        else:
            left.lines["further answers to a text above, settled with the first"].append(item.line)
        for question, example in examples.items():
            value = _flat_value(name, item, question)
            if value is not None or not isinstance(example, float):
                by_task[key].answers[question].append(Answer(person, () if value is None else value))  # type: ignore[attr-defined]
    if not questions:
        raise DataError(f"{name}: read as Label Studio JSON-MIN, and no column holds answers. Export the project as JSON instead.")
    table = annotated.table(name, "Label Studio JSON-MIN", list(by_task.values()), options, left, column)
    return Table(table.name, table.columns, table.records, (*table.findings, *_said(name, {}, field)))


def _between(values: Mapping[str, Any]) -> list[str]:
    """The columns that can hold answers: those between the task's id and the annotator, and all that hold no plain value."""
    keys = list(values)
    first, last = (keys.index("id") if "id" in keys else len(keys)), keys.index("annotator")
    return [key for place, key in enumerate(keys) if key not in AFTER and key != "id" and (
        first < place < last or isinstance(values[key], dict | list))]


def _flat_value(name: str, item: Record, question: str) -> Value | None:
    """The answer in a cell: a name, {"choices": [names]}, a list of spans, of ratings or numbers; None for all others."""
    value, where = item.values.get(question), f"{name} {unit(name)} {item.line}"
    if isinstance(value, str) and question in _between(item.values):
        return (value.strip(),) if value.strip() else None
    if isinstance(value, dict) and "choices" in value:
        return annotated.names(where, value["choices"])
    if not isinstance(value, list) or not value or not all(isinstance(part, dict) for part in value):
        return None
    if all("labels" in part and "start" in part for part in value):
        return tuple(span for part in value for span in _spans(where, part))
    if len(value) == 1 and (key := next((key for key in ("rating", "number") if key in value[0]), None)):
        return _number(where, value[0][key])
    if all("taxonomy" in part for part in value):
        return tuple(path for part in value for path in _paths(where, part["taxonomy"]))
    return None


# Writing

def write(path: Path, rows: Sequence[Row], kind: Kind) -> list[Finding]:
    """Write tasks with one annotation each, for Label Studio 1.5 and later (which counts characters, as here)."""
    tasks = [task(number, row, kind) | {"annotations": [{"result": results(row.text, row.target, kind), "was_cancelled": False}]}
             for number, row in enumerate(rows, 1)]
    with whole_file(path) as stream:
        json.dump(tasks, stream, ensure_ascii=False, indent=1)
    return []


def task(number: int, row: Row, kind: Kind) -> dict[str, Any]:
    """A task of Label Studio without annotations or predictions; `meta` says where several choices are allowed."""
    found: dict[str, Any] = {"id": number, "data": {"text": row.text} | extras(row)}
    return found | ({"meta": {"choice": "multiple"}} if kind is Kind.LABELS else {})


def results(text: str, target: Target | None, kind: Kind, scores: Sequence[float] = ()) -> list[dict[str, Any]]:
    """What an annotation or a prediction says of a text, to the controls `label` and `text` of a labelling interface.

    `scores` are the confidences of the spans in their order.
    """
    about = {"from_name": "label", "to_name": "text"}
    if kind is Kind.SPANS:
        spans = [part for part in target if isinstance(part, Span)] if isinstance(target, tuple) else []
        found = [about | {"id": str(number), "type": "labels", "value": {
            "start": span.start, "end": span.end, "text": text[span.start:span.end], "labels": [span.label]}}
            for number, span in enumerate(spans, 1)]
        return [result | {"score": score} for result, score in zip(found, scores, strict=True)] if scores else found
    if kind is Kind.NUMBER:
        return [about | {"type": "number", "value": {"number": target}}] if target is not None else []
    names = [target] if isinstance(target, str) else [str(name) for name in target] if isinstance(target, tuple) else []
    return [about | {"type": "choices", "value": {"choices": names}}] if names else []


def write_guesses(path: Path, guesses: Sequence[Guess], kind: Kind) -> None:
    """Write tasks with the predictions of a model, for an annotator to accept or correct, in the order given."""
    tasks = [task(number, guess.row, kind) | {"predictions": [{
        "model_version": "luthier", "score": guess.confidence,
        "result": results(guess.row.text, guess.row.target, kind, guess.scores)}]} for number, guess in enumerate(guesses, 1)]
    with whole_file(path) as stream:
        json.dump(tasks, stream, ensure_ascii=False, indent=1)
