"""spaCy's training tuples as JSON: ["text", {"entities": [[0, 5, "ORG"]], "cats": {"POS": 1.0}}]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.formats import annotated
from luthier.data.formats.annotated import Answer, Item, Left, Value
from luthier.data.formats.table import Table
from luthier.data.options import DataOptions
from luthier.data.places import raise_together, unit
from luthier.errors import DataError

ACCEPTED = 0.5
"""The score from which a category counts as given."""


def fits(items: Sequence[tuple[int, Any]]) -> bool:
    """Whether any item is a text with an object of entities or categories."""
    return any(_is_pair(value) for _, value in items)


def read(name: str, items: Sequence[tuple[int, Any]], options: DataOptions) -> Table:
    """The table of spaCy's tuples, each with its line: `spans`, and `label` or `labels`.

    Raises:
        DataError: items of another form, and what `annotated.table` raises.
    """
    raise_together([f"{name} {unit(name)} {line}: no pair of a text and an object such as [\"text\", {{\"entities\": [[0, 5, "
                  f"\"ORG\"]]}}], but {str(value)[:40]!r}. Correct it." for line, value in items if not _is_pair(value)])
    made = []
    for line, (text, given) in items:
        where = f"{name} {unit(name)} {line}"
        answers: dict[str, list[Answer]] = {}
        if given.get("entities") is not None:
            answers["entities"] = [Answer("", _entities(where, given["entities"]))]
        if given.get("cats"):
            answers["cats"] = [Answer("", categories(where, given["cats"]))]
        made.append(Item(line, {"text": text}, answers))
    return annotated.table(name, "spaCy training tuples", made, options, Left())


def categories(where: str, scores: Any) -> tuple[str, ...]:
    """The categories of a doc that are given with a score of 0.5 or more.

    Raises:
        DataError: it is no object of numbers.
    """
    if not isinstance(scores, Mapping) or not all(isinstance(score, int | float) for score in scores.values()):
        raise DataError(f"{where}: 'cats' must give each category a number, as in {{\"POS\": 1.0, \"NEG\": 0.0}}, not "
                        f"{str(scores)[:40]!r}. Correct it.")
    return tuple(str(name) for name, score in scores.items() if score >= ACCEPTED)


def _is_pair(value: Any) -> bool:
    return (isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)
            and ("entities" in value[1] or "cats" in value[1]))


def _entities(where: str, entities: Any) -> Value:
    if not isinstance(entities, list | tuple) or not all(isinstance(part, list | tuple) and len(part) >= 3 for part in entities):
        raise DataError(f"{where}: 'entities' must be a list of [start, end, label], not {str(entities)[:40]!r}. Correct it.")
    return tuple(annotated.spanned(where, *part[:3]) for part in entities)
