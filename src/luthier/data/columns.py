"""Which column holds the text, which the label: named by the user, or found by its usual name, never by its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.data.cells import is_missing
from luthier.data.formats import Table
from luthier.data.options import DataOptions
from luthier.data.row import Kind
from luthier.errors import DataError, nearest

TEXT_NAMES = ("text", "sentence", "review", "content", "message", "body", "comment", "utterance", "query", "question",
              "tweet", "document", "title", "tokens", "words")
SPAN_NAMES = ("spans", "entities", "tags", "ner_tags", "ner")
LABEL_NAMES = ("label", "labels", "class", "category", "intent", "sentiment", "target", "tag", "topic", "y", *SPAN_NAMES,
               "score", "rating", "similarity")
"""Names that are found without being given, regardless of case, the first in the list before the others."""
TOKEN_NAMES, TAG_NAMES = ("tokens", "words"), ("tags", "ner_tags", "ner", "labels")
PAIRS = (("text", "text_pair"), ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"),
         ("text1", "text2"), ("text_a", "text_b"))
"""The usual names of two texts that belong together."""
DOCUMENT = "document"
"""The column in which formats of sentences keep which document a sentence is from."""
ABOUT = (DOCUMENT, "title")
"""Usual names of texts that, beside tokens, only say what the tokens are from."""


@dataclass(frozen=True)
class Columns:
    """The columns that a table is read by: `label` is empty where no labels are wanted, and has several where each holds
    one label as 0 or 1."""

    text: tuple[str, ...]
    label: tuple[str, ...]
    pair: str | None = None
    group: str | None = None
    id: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is read."""
        return (*self.text, *self.label, *(name for name in (self.pair, self.group, self.id) if name is not None))


def resolve(table: Table, options: DataOptions, *, labelled: bool = True, kind: Kind | None = None) -> Columns:
    """The columns of `table` to read: those given, else those with a usual name for labels of this kind.

    Raises:
        DataError: a column is not there, none has a usual name, or one is wanted for two purposes (all at once).
    """
    if not table.columns:
        raise DataError(f"{table.name}: it has no rows. Give rows with a text{' and a label' * labelled}.")
    wanted = options.label_columns if labelled else ()
    others = (*wanted, options.group_column, options.id_column, options.pair_column)
    text, pair = options.text_columns, options.pair_column
    if not text:
        text, pair = _usual_texts(table, options, labelled, others)
    label = wanted or (_usual_label(table, text, pair, options, kind) if labelled else ())
    group = options.group_column or (DOCUMENT if DOCUMENT in table.columns and DOCUMENT not in (*text, *label) and text
                                     and text[0] in TOKEN_NAMES else None)
    found = Columns(text, label, pair, group, options.id_column)
    problems = _missing_columns(table, found)
    if not text or (labelled and not label):
        problems.append(_unknown(table, text, label, labelled) if text or pair not in table.columns else
                        f"{table.name}: --pair-column {pair} names the second text, and no other column has a usual name for the "
                        f"first. Found: {', '.join(table.columns)}. Name it with --text-column NAME, or leave out --pair-column.")
    problems += _shared(found)
    if problems:
        raise DataError("\n".join(problems))
    return found


def usual(table: Table, names: Sequence[str], without: Sequence[str | None] = ()) -> list[str]:
    """The columns that have one of the usual names, in the order of `names`."""
    return [column for name in names for column in table.columns if column.lower() == name and column not in without]


def describe(table: Table, columns: Columns, options: DataOptions) -> list[str]:
    """Sentences on which columns were taken, and which others could have been meant."""
    text = "column" if len(columns.text) == 1 else "columns"
    pair = f" and its pair from '{columns.pair}'" if columns.pair else ""
    label = "column" if len(columns.label) == 1 else "columns"
    sentences = [f"Text from {text} {_quoted(columns.text)}{pair}, labels from {label} {_quoted(columns.label[:10])}"
                 f"{', …' if len(columns.label) > 10 else ''}."]
    if columns.group == DOCUMENT and options.group_column is None:
        sentences.append(f"Sentences of one document stay together (column '{DOCUMENT}').")
    others = usual(table, TEXT_NAMES, without=columns.all)
    if others and not options.text_columns:
        sentences.append(f"Text is taken from '{columns.text[0]}', but {_stand(others)} there too: choose with "
                         "--text-column NAME (repeat it to join several).")
    others = usual(table, LABEL_NAMES, without=columns.all)
    if others and not options.label_columns:
        sentences.append(f"Labels are taken from '{columns.label[0]}', but {_stand(others)} there too: choose with "
                         "--label-column NAME.")
    return sentences


def _usual_texts(table: Table, options: DataOptions, labelled: bool,
                 others: Sequence[str | None]) -> tuple[tuple[str, ...], str | None]:
    """The text column, and the column of its pair, by their names."""
    if options.pair_column is None:
        for names in PAIRS:
            first, second = (usual(table, (name,), others) for name in names)
            if first and second:
                return (first[0],), second[0]
    tokens, tags = usual(table, TOKEN_NAMES, others), usual(table, TAG_NAMES)
    tagged = set(tags) & set(options.label_columns) if options.label_columns else tags and not usual(table, SPAN_NAMES[:2])
    listed = not labelled and bool(tokens) and _holds_lists(table, tokens[0])
    if tokens and tagged and (labelled or listed):
        return (tokens[0],), options.pair_column
    firsts = tuple(first for first, _ in PAIRS)
    usually = (*TEXT_NAMES, *firsts) if options.pair_column else TEXT_NAMES
    if listed:  # beside tokens these name the document that a sentence is from
        usually = (*(name for name in usually if name not in ABOUT), *ABOUT)
    return tuple(usual(table, usually, others)[:1]), options.pair_column


def _holds_lists(table: Table, column: str) -> bool:
    """Whether the first cell of a column that is not empty is a list, or one written as text."""
    first = next((value for record in table.records if not is_missing(value := record.values.get(column)) and value != ""), None)
    return isinstance(first, list | tuple) or (isinstance(first, str) and first.startswith("["))


def _usual_label(table: Table, text: Sequence[str], pair: str | None, options: DataOptions,
                 kind: Kind | None) -> tuple[str, ...]:
    names: Sequence[str] = LABEL_NAMES
    if kind is Kind.SPANS or (text and text[0] in TOKEN_NAMES):
        names = (*(TAG_NAMES[:3] if text and text[0] in TOKEN_NAMES else ()), *SPAN_NAMES, *LABEL_NAMES)
    taken = (*text, pair, options.id_column)
    found = usual(table, names, without=(*taken, options.group_column)) or usual(table, names, without=taken)
    return tuple(found[:1])


def _missing_columns(table: Table, columns: Columns) -> list[str]:
    given = (("--text-column", columns.text), ("--pair-column", (columns.pair,)), ("--label-column", columns.label),
             ("--group-column", (columns.group,)), ("--id-column", (columns.id,)))
    return [_missing(table, name, option, columns.all) for option, names in given for name in names
            if name is not None and name not in table.columns]


def _missing(table: Table, name: str, option: str, taken: Sequence[str]) -> str:
    free = [column for column in table.columns if column not in taken]
    by_lower = {column.lower(): column for column in free}
    hint = nearest(name.lower(), by_lower)
    close = by_lower.get(hint.split("'")[1]) if hint else None
    suggestion = close or (free[0] if len(free) == 1 else None)
    return (f"{table.name}: No column '{name}'. Found: {', '.join(table.columns)}. "
            f"Use {option} {suggestion or 'NAME with one of these'}{'?' if suggestion else '.'}")


def _unknown(table: Table, text: Sequence[str], label: Sequence[str], labelled: bool) -> str:
    """What to say when a column was neither given nor found; names the exact options to use."""
    free = [column for column in table.columns if column not in (*text, *label)]
    wanted = ["text"] * (not text) + ["label"] * (labelled and not label)
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


def _shared(columns: Columns) -> list[str]:
    problems = []
    for name in dict.fromkeys(columns.label):
        if name in columns.text or name == columns.pair:
            problems.append(f"Column '{name}' is given both as text and as label: the model would read its answer. Use "
                            "another --text-column or --label-column.")
        if name == columns.group:
            problems.append(f"Column '{name}' is given both as label and as group: each label would stand on one side of "
                            "the split only. Use another --group-column.")
    if columns.pair in columns.text:
        problems.append(f"Column '{columns.pair}' is given both as text and as its pair. Use another --pair-column.")
    for option, names in (("text", columns.text), ("label", columns.label)):
        if len(set(names)) < len(names):
            problems.append(f"A {option} column is given twice: {_quoted(names)}. Give each --{option}-column once.")
    return problems


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _stand(names: Sequence[str]) -> str:
    return f"{_quoted(names)} {'stands' if len(names) == 1 else 'stand'}"


def _shell(name: str) -> str:
    return f"'{name}'" if set(name) & set(" '\"$&|;()<>*?!`\\") else name
