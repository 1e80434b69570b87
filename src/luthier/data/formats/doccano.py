"""Doccano: JSON lines with `label`, a list of names or of [start, end, name]; or `entities` with start_offset and end_offset.

An export does not say whether a text without labels was looked at; such texts are kept where that can be an answer
(spans, several labels), and counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.formats import annotated
from luthier.data.formats.annotated import Answer, Item, Left, Value
from luthier.data.formats.offsets import Stored
from luthier.data.formats.table import Record, Table, finding
from luthier.data.options import DataOptions
from luthier.data.places import unit
from luthier.errors import DataError

KEYS = ("label", "labels", "entities")
CONSUMED = (*KEYS, "relations", "Comments", "comments")


def fits(items: Sequence[Record]) -> bool:
    """Whether any record marks spans as Doccano does, or every one has a list of one name, or of none, as its `label`.

    Lists of several names are a plain column of lists, which needs no reader of its own.
    """
    if any(_has_spans(item.values) for item in items):
        return True
    labels = [item.values["label"] for item in items if item.values.get("label") is not None]
    return any(labels) and all(isinstance(label, list) and len(label) <= 1 and all(isinstance(part, str) for part in label)
                               for label in labels)


def read(name: str, items: Sequence[Record], options: DataOptions) -> Table:
    """The table of Doccano's examples.

    Raises:
        DataError: labels of another form, and what `annotated.table` raises.
    """
    marks = any(_has_spans(item.values) for item in items)
    field = annotated.text_field(({key: value for key, value in item.values.items() if key not in CONSUMED}
                                    for item in items), options)
    source, column = field or ("text", "text")
    made = []
    for item in items:
        values = {key: value for key, value in item.values.items() if key not in CONSUMED}
        made.append(Item(item.line, annotated.renamed(values, source, column), _answers(name, item, marks)))
    table = annotated.table(name, "Doccano examples", made, options, Left(), column)
    empty = [record.line for record in table.records if record.values.get("spans") == [] or record.values.get("labels") == []]
    if not empty:
        return table
    found = finding(name, "no-labels", "without any label, which Doccano writes for texts with none and for texts that nobody "
                    "has looked at: kept as having none", empty, advice="Remove those that were not annotated.")
    return dataclasses.replace(table, findings=(*table.findings, found))


def _has_spans(values: Mapping[str, Any]) -> bool:
    return any(_is_triple(part) or _is_entity(part) for key in KEYS if isinstance(values.get(key), list) for part in values[key])


def _is_triple(value: Any) -> bool:
    return (isinstance(value, list | tuple) and len(value) == 3 and isinstance(value[2], str)
            and not isinstance(value[0], str) and not isinstance(value[1], str))


def _is_entity(value: Any) -> bool:
    return isinstance(value, dict) and "start_offset" in value and "end_offset" in value


def _answers(name: str, item: Record, marks: bool) -> dict[str, list[Answer]]:
    where = f"{name} {unit(name)} {item.line}"
    names: list[str] = []
    spans: list[Stored] = []
    seen = False
    for key in KEYS:
        if (given := item.values.get(key)) is None:
            continue
        seen = True
        for part in given if isinstance(given, list) else [given]:
            if _is_triple(part):
                spans.append(annotated.spanned(where, *part))
            elif _is_entity(part):
                spans.append(annotated.stored(where, part, start="start_offset", end="end_offset"))
            elif isinstance(part, str | int | float) and not isinstance(part, bool):
                names.append(str(part))
            else:
                raise DataError(f"{where}: {str(part)[:40]!r} in '{key}' is neither a name nor [start, end, name]. Correct it.")
    answers: dict[str, Value] = {}
    if names or (seen and not marks):
        answers["label"] = annotated.names(where, names)
    if marks and seen and not (names and not spans):
        answers["spans"] = tuple(spans)
    return {question: [Answer("", value)] for question, value in answers.items()}
