"""Argilla 2: records with `QUESTION.responses`, their status and users; or, not flattened, `fields` and `responses`.

Only submitted responses are labels; drafts and discarded ones are left out, and so are suggestions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.formats import annotated
from luthier.data.formats.annotated import Answer, Item, Left, Value
from luthier.data.formats.table import Record, Table
from luthier.data.options import DataOptions
from luthier.data.places import raise_together, unit
from luthier.errors import DataError

RESPONSES = ".responses"
SUBMITTED = "submitted"
OWN = ("id", "_server_id", "status", "inserted_at", "updated_at")


def fits(items: Sequence[Record]) -> bool:
    """Whether any record has the responses of Argilla, flattened or not."""
    return any(any(key.endswith(RESPONSES) for key in item.values) or _is_nested(item.values) for item in items)


def read(name: str, items: Sequence[Record], options: DataOptions) -> Table:
    """The table of Argilla's records.

    Raises:
        DataError: responses, statuses and users that do not match, and what `annotated.table` raises.
    """
    flat = [(item.line, *(_nested(item.values) if _is_nested(item.values) else _flat(item.values))) for item in items]
    field = annotated.text_field((fields for _, fields, _ in flat), options, OWN)
    source, column = field or ("text", "text")
    left = Left()
    made = []
    raise_together([problem for line, _, responses in flat for question, given in responses.items()
                  if (problem := _mismatch(f"{name} {unit(name)} {line}", question, given))])
    for line, fields, responses in flat:
        answers: dict[str, list[Answer]] = defaultdict(list)
        pending = False
        for question, (values, statuses, users) in responses.items():
            for value, status, user in zip(values, statuses, users, strict=True):
                if value is None:
                    continue
                if status != SUBMITTED:
                    pending = True
                    continue
                answers[question].append(Answer(user, _value(f"{name} {unit(name)} {line}", value)))
        if pending and not answers and options.annotators != annotated.NOBODY:
            left.lines["without a submitted response (drafts and discarded ones)"].append(line)
            continue
        several = frozenset(question for question, (values, _, _) in responses.items()
                            if any(isinstance(value, list) for value in values))
        made.append(Item(line, annotated.renamed(fields, source, column), answers, several))
    return annotated.table(name, "Argilla records", made, options, left, column)


Given = tuple[list[Any], list[str], list[str]]
"""Values, statuses and users of the responses to a question."""


def _is_nested(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("fields"), dict) and isinstance(values.get("responses"), dict)


def _flat(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Given]]:
    """The fields and the responses by question, of a flattened record."""
    questions = [key.removesuffix(RESPONSES) for key in values if key.endswith(RESPONSES)]
    about = tuple(f"{question}{end}" for question in questions for end in (RESPONSES, ".suggestion"))
    responses = {}
    for question in questions:
        given = _listed(values[f"{question}{RESPONSES}"])
        statuses, users = (_listed(values.get(f"{question}{RESPONSES}.{part}")) for part in ("status", "users"))
        responses[question] = (given, [str(status) for status in statuses] if statuses else [SUBMITTED] * len(given),
                               [str(user or "") for user in users] if users else [""] * len(given))
    return {key: value for key, value in values.items() if not key.startswith(about)}, responses


def _nested(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Given]]:
    responses = {}
    for question, given in values["responses"].items():
        parts = [part if isinstance(part, dict) else {"value": part} for part in _listed(given)]
        responses[str(question)] = ([part.get("value") for part in parts], [str(part.get("status") or SUBMITTED) for part in parts],
                                    [str(part.get("user_id") or "") for part in parts])
    metadata = values.get("metadata")
    own = {key: values[key] for key in OWN if key in values}
    return values["fields"] | (metadata if isinstance(metadata, dict) else {}) | own, responses


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _mismatch(where: str, question: str, given: Given) -> str:
    values, statuses, users = given
    if len(values) == len(statuses) == len(users):
        return ""
    return (f"{where}: '{question}' has {len(values)} responses, {len(statuses)} statuses and {len(users)} users; each response "
            "needs one of both. Export the records again.")


def _value(where: str, value: Any) -> Value:
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return tuple(annotated.stored(where, part) for part in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, dict):
        raise DataError(f"{where}: {str(value)[:40]!r} is a response of a kind that is not read: labels, ratings and spans are.")
    return annotated.names(where, value)
