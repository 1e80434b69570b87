"""Which column holds the text, which the label: named by the user, or found by its usual name, never by its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.data.formats import Table
from luthier.errors import DataError, nearest

TEXT_NAMES = ("text", "sentence", "review", "content", "message", "body", "comment", "utterance", "query", "question",
              "tweet", "document", "title")
LABEL_NAMES = ("label", "labels", "class", "category", "intent", "sentiment", "target", "tag", "topic", "y")
"""Names that are found without being given, regardless of case, the first in the list before the others."""


@dataclass(frozen=True)
class Columns:
    """The columns that a table is read by; `label` is None where no labels are wanted."""

    text: tuple[str, ...]
    label: str | None
    group: str | None = None


def resolve(table: Table, *, text_columns: Sequence[str] = (), label_column: str | None = None,
            group_column: str | None = None, labelled: bool = True) -> Columns:
    """The columns of `table` to read: those given, else those with a usual name.

    Raises:
        DataError: a column is not there, none has a usual name, or one is wanted for two purposes (all at once).
    """
    if not table.columns:
        raise DataError(f"{table.name}: it has no rows. Give rows with a text{' and a label' * labelled}.")
    chosen = (text_columns,) if isinstance(text_columns, str) else tuple(text_columns)
    wanted_label = label_column if labelled else None
    text = chosen or tuple(usual(table, TEXT_NAMES, without=(wanted_label, group_column))[:1])
    found = usual(table, LABEL_NAMES, without=(*text, group_column)) or usual(table, LABEL_NAMES, without=text)
    label = wanted_label or (found[0] if labelled and found else None)
    taken = {*text, label, group_column}
    problems = [_missing(table, name, option, taken) for option, names in (
        ("--text-column", text), ("--label-column", (label,)), ("--group-column", (group_column,)))
        for name in names if name is not None and name not in table.columns]
    if not text or (labelled and label is None):
        problems.append(_unknown(table, text, label, labelled))
    problems += _shared(text, label, group_column)
    if problems:
        raise DataError("\n".join(problems))
    return Columns(text, label, group_column)


def usual(table: Table, names: Sequence[str], without: Sequence[str | None] = ()) -> list[str]:
    """The columns that have one of the usual names, in the order of `names`."""
    return [column for name in names for column in table.columns if column.lower() == name and column not in without]


def describe(table: Table, columns: Columns, *, text_given: bool, label_given: bool) -> list[str]:
    """Sentences on which columns were taken, and which others could have been meant."""
    text = "column" if len(columns.text) == 1 else "columns"
    sentences = [f"Text from {text} {_quoted(columns.text)}, labels from column '{columns.label}'."]
    others = usual(table, TEXT_NAMES, without=(*columns.text, columns.label, columns.group))
    if others and not text_given:
        sentences.append(f"Text is taken from '{columns.text[0]}', but {_stand(others)} there too: choose with "
                         "--text-column NAME (repeat it to join several).")
    others = usual(table, LABEL_NAMES, without=(*columns.text, columns.label, columns.group))
    if others and not label_given:
        sentences.append(f"Labels are taken from '{columns.label}', but {_stand(others)} there too: choose with "
                         "--label-column NAME.")
    return sentences


def _missing(table: Table, name: str, option: str, taken: set[str | None]) -> str:
    free = [column for column in table.columns if column not in taken]
    by_lower = {column.lower(): column for column in free}
    hint = nearest(name.lower(), by_lower)
    close = by_lower.get(hint.split("'")[1]) if hint else None
    suggestion = close or (free[0] if len(free) == 1 else None)
    return (f"{table.name}: No column '{name}'. Found: {', '.join(table.columns)}. "
            f"Use {option} {suggestion or 'NAME with one of these'}{'?' if suggestion else '.'}")


def _unknown(table: Table, text: Sequence[str], label: str | None, labelled: bool) -> str:
    """What to say when a column was neither given nor found; names the exact options to use."""
    free = [column for column in table.columns if column not in (*text, label)]
    wanted = ["text"] * (not text) + ["label"] * (labelled and label is None)
    options = [f"--{kind}-column NAME" for kind in wanted]
    if len(free) == 1 and len(wanted) == 1:
        options = [f"--{wanted[0]}-column {_shell(free[0])}"]
    elif len(free) == 2 and len(wanted) == 2:
        first, second = (_shell(column) for column in free)
        options = [f"--text-column {first} --label-column {second} (or the other way round)"]
    elif len(table.columns) < 2 and labelled:
        return (f"{table.name}: No column for the {' and the '.join(wanted)}. Found: {', '.join(table.columns)}. "
                "Labelled data needs a column of texts and one of labels.")
    return (f"{table.name}: No column has a usual name for the {' or the '.join(wanted)}. "
            f"Found: {', '.join(table.columns)}. Use {' '.join(options)}")


def _shared(text: Sequence[str], label: str | None, group: str | None) -> list[str]:
    problems = []
    if label is not None and label in text:
        problems.append(f"Column '{label}' is given both as text and as label: the model would read its answer. Use "
                        "another --text-column or --label-column.")
    if group is not None and group == label:
        problems.append(f"Column '{group}' is given both as label and as group: each label would stand on one side of "
                        "the split only. Use another --group-column.")
    if len(set(text)) < len(text):
        problems.append(f"A text column is given twice: {_quoted(text)}. Give each --text-column once.")
    return problems


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _stand(names: Sequence[str]) -> str:
    return f"{_quoted(names)} {'stands' if len(names) == 1 else 'stand'}"


def _shell(name: str) -> str:
    return f"'{name}'" if set(name) & set(" '\"$&|;()<>*?!`\\") else name
