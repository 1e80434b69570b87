"""`load`: from what the user names as data to a `Corpus`: rows in three parts, label names, and all there is to say."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.data import check, sources
from luthier.data.columns import Columns, describe, resolve
from luthier.data.formats import Table
from luthier.data.places import count, places, raise_together
from luthier.data.row import Row, Split
from luthier.data.rows import Reading, read_rows, read_texts
from luthier.data.split import split as cut
from luthier.errors import DataError, nearest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Labelled rows, checked and cut, ready to be encoded.

    `labels` are the names in the order of their numbers; `notes` are sentences for the user; `hash` is equal for equal
    texts, labels and parts in the same order, whatever file or format they come from.
    """

    name: str
    train: list[Row]
    validation: list[Row]
    test: list[Row]
    labels: tuple[str, ...]
    columns: Columns
    notes: tuple[str, ...]
    hash: str
    validation_given: bool
    test_given: bool

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows of each label each part has: counts()["spam"]["train"]."""
        parts = {Split.TRAIN: self.train, Split.VALIDATION: self.validation, Split.TEST: self.test}
        tallies = {part: Counter(row.target for row in rows) for part, rows in parts.items()}
        return {label: {part.value: tallies[part][label] for part in parts} for label in self.labels}


def load(data: Any, *, validation: Any = None, test: Any = None, text_columns: Sequence[str] = (),
         label_column: str | None = None, group_column: str | None = None, seed: int = 0) -> Corpus:
    """Read, check and cut labelled data; parts that are not given are cut off by `seed` (see `split`).

    `data`, `validation` and `test` are each a path, `example:NAME`, a DataFrame, a `datasets.Dataset` or a list of
    dicts; `data` may also be a folder or a DatasetDict that has the parts.

    Raises:
        DataError: all that keeps the data from being used, one problem on each line.
    """
    source = sources.find_with(data, {Split.VALIDATION: validation, Split.TEST: test})
    columns = resolve(source.tables[Split.TRAIN], text_columns=text_columns, label_column=label_column,
                      group_column=group_column)
    readings = _read(source.tables, columns)
    given = {part: reading.rows for part, reading in readings.items()}
    raise_together(check.problems(given, source.tables, columns))
    parts = _parts(given, seed)
    raise_together(check.empty_parts(parts))
    notes = [*source.notes, *describe(source.tables[Split.TRAIN], columns, text_given=bool(text_columns),
                                      label_given=label_column is not None),
             *(note for reading in readings.values() for note in reading.notes),
             *check.notes(parts, source.tables, columns)]
    return Corpus(source.name, parts[Split.TRAIN], parts[Split.VALIDATION], parts[Split.TEST],
                  label_order(parts[Split.TRAIN]), columns, tuple(notes), content_hash(parts),
                  validation_given=Split.VALIDATION in given, test_given=Split.TEST in given)


def load_texts(data: Any, *, text_columns: Sequence[str] = ()) -> tuple[Table, list[Row]]:
    """Texts to predict on: the table as it is, and one row for each of its records, in order; an empty text is "".

    Beside what `load` reads, a .txt file (one text on each line) or a list of strings will do.

    Raises:
        DataError: it cannot be read, or no column is the text.
    """
    table = sources.single_table(data)
    reading = read_texts(table, resolve(table, text_columns=text_columns, labelled=False))
    raise_together(reading.problems)
    return table, reading.rows


def load_labelled(data: Any, labels: Sequence[str], *, text_columns: Sequence[str] = (),
                  label_column: str | None = None) -> list[Row]:
    """Labelled rows on which to evaluate a model that knows `labels`; rows that cannot be used are logged.

    Raises:
        DataError: it cannot be read, has no usable row, or has labels that the model does not know.
    """
    table = sources.single_table(data)
    columns = resolve(table, text_columns=text_columns, label_column=label_column)
    reading = _read({Split.TEST: table}, columns)[Split.TEST]
    raise_together(check.no_rows({Split.TEST: reading.rows}, {Split.TEST: table}) or _unknown(reading.rows, labels))
    for note in reading.notes:
        logger.warning(note)
    return reading.rows


def label_order(rows: Iterable[Row]) -> tuple[str, ...]:
    """The label names in the order of their numbers: by value when all are integers, else by name."""
    names = sorted({row.target for row in rows if row.target is not None})
    if all(re.fullmatch(r"[+-]?[0-9]{1,18}", name) for name in names):
        names.sort(key=int)
    return tuple(names)


def content_hash(parts: Mapping[Split, Sequence[Row]]) -> str:
    """32 hex digits over texts, pairs, labels and parts, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in Split:
        for row in parts[part]:
            digest.update(json.dumps([part.value, row.text, row.pair, row.target]).encode() + b"\n")
    return digest.hexdigest()


def _read(tables: Mapping[Split, Table], columns: Columns) -> dict[Split, Reading]:
    """The rows of each table by the same columns; the group may be missing where nothing is cut off."""
    problems: list[str] = []
    readings = {}
    for part, table in tables.items():
        group = columns.group if columns.group in table.columns else None
        try:
            resolve(table, text_columns=columns.text, label_column=columns.label, group_column=group)
        except DataError as error:
            problems.append(str(error))
            continue
        readings[part] = read_rows(table, columns)
        problems += readings[part].problems
    raise_together(problems)
    return readings


def _parts(given: Mapping[Split, list[Row]], seed: int) -> dict[Split, list[Row]]:
    """The three parts: those given, and those cut off from the training rows."""
    wanted = {part: part not in given for part in (Split.VALIDATION, Split.TEST)}
    pieces = cut(given[Split.TRAIN], seed=seed, validation=wanted[Split.VALIDATION], test=wanted[Split.TEST])
    return {part: given[part] if part in given and part is not Split.TRAIN else piece
            for part, piece in zip(Split, pieces, strict=True)}


def _unknown(rows: Sequence[Row], labels: Sequence[str]) -> list[str]:
    strange: dict[str, list[Row]] = {}
    for row in rows:
        if row.target is not None and row.target not in labels:
            strange.setdefault(row.target, []).append(row)
    return [f"The model does not know the label '{label}': {count(len(found), 'row')}, first {places(found[:1])}. "
            f"It knows: {', '.join(labels)}.{nearest(label, labels)}" for label, found in strange.items()]
