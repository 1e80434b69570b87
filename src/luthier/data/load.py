"""`load`: from what the user names as data to a `Corpus`: rows in three parts, label names, and all there is to say."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier.data import check, sources
from luthier.data.columns import Columns, describe, resolve
from luthier.data.findings import Finding, Severity, errors
from luthier.data.formats import Table
from luthier.data.label_map import relabel
from luthier.data.options import DataOptions
from luthier.data.places import count, places, raise_together, some
from luthier.data.row import Kind, Row, Split, Target, names_in
from luthier.data.rows import Reading, find_scheme, read_rows, read_texts
from luthier.data.split import folds as assign_folds
from luthier.data.split import split as cut
from luthier.data.targets import detect
from luthier.errors import ConfigError, DataError, nearest

logger = logging.getLogger(__name__)
FOLDS = 5
"""Parts in which training rows are held out in turn, where there are no test rows (Kohavi 1995: five to ten)."""


@dataclass(frozen=True)
class Corpus:
    """Labelled rows, checked and cut, ready to be encoded.

    `labels` are the names in the order of their numbers, none where labels are numbers; `findings` are what there is to say
    about the data; `hash` is equal for equal texts, labels and parts in the same order, whatever file or format they come
    from. Where training rows are held out in turn, `folds` are these, and they are the test rows, fold by fold.
    """

    name: str
    kind: Kind
    train: list[Row]
    validation: list[Row]
    test: list[Row]
    labels: tuple[str, ...]
    columns: Columns
    findings: tuple[Finding, ...]
    hash: str
    validation_given: bool
    test_given: bool
    folds: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @property
    def parts(self) -> dict[Split, list[Row]]:
        """The rows of each part."""
        return {Split.TRAIN: self.train, Split.VALIDATION: self.validation, Split.TEST: self.test}

    @property
    def apart(self) -> dict[Split, list[Row]]:
        """The parts that share no row: without test rows where these are training rows, held out in turn."""
        return {part: rows for part, rows in self.parts.items() if part is not Split.TEST or not self.folds}

    @property
    def pairs(self) -> bool:
        """Whether rows are pairs of texts."""
        return self.columns.pair is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(str(finding) for finding in self.findings)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows of each label (entities: how many mentions) each part has: counts()["spam"]["train"]."""
        tallies = {part: Counter(name for row in rows for name in names_in(row.target)) for part, rows in self.parts.items()}
        return {label: {part.value: tallies[part][label] for part in self.parts} for label in self.labels}

    def totals(self) -> dict[str, int]:
        """How many rows of each label (entities: how many mentions) there are in all parts together."""
        return {label: sum(own[part.value] for part in self.apart) for label, own in self.counts().items()}


def load(data: Any, options: DataOptions | None = None, *, kind: Kind | None = None, validation: Any = None, test: Any = None,
         seed: int = 0, max_train_rows: int | None = None, in_turn: bool = False) -> Corpus:
    """Read, check and cut labelled data; parts that are not given are cut off by `seed` (see `split`).

    `data`, `validation` and `test` are each a path, `example:NAME`, a DataFrame, a `datasets.Dataset` or a list of
    dicts; `data` may also be a folder or a DatasetDict that has the parts.

    Args:
        kind: what labels are; found out from the cells when not given.
        max_train_rows: the most training rows to keep, drawn by `seed`.
        in_turn: whether no test rows are cut off: all training rows are held out in turn.

    Raises:
        DataError: all that keeps the data from being used, one problem on each line.
    """
    options = options or DataOptions()
    if kind is not None and kind is not Kind.LABELS and options.label_separator is not None:
        raise ConfigError(f"--label-separator {options.label_separator}: is for several labels a row (--task multilabel), not for "
                          "the --task that is given; leave one out")
    source = sources.find_with(data, {Split.VALIDATION: validation, Split.TEST: test}, options)
    main = source.tables[Split.TRAIN]
    columns = resolve(main, options, kind=kind)
    kind = kind or detect(main, columns, options)
    readings = _read(source.tables, columns, kind, options)
    given = {part: reading.rows for part, reading in readings.items()}
    found = [finding for reading in readings.values() for finding in reading.findings]
    given, changes = relabel(given, kind, options.labels) if options.labels is not None else (given, [])
    problems = check.check_given(kind, given, source.tables, columns)
    check.refuse([*found, *changes, *problems])
    parts = _parts(given, seed, in_turn)
    if max_train_rows is not None and len(parts[Split.TRAIN]) > max_train_rows:
        found.append(_note(f"{max_train_rows:,} of {count(len(parts[Split.TRAIN]), 'training row')} are used "
                           "(--max-train-rows)."))
        parts[Split.TRAIN] = _some(parts[Split.TRAIN], max_train_rows, seed)
    shown = [*_unused_separator(source.tables, columns, options), *check.check_parts(kind, parts, source.tables, columns)]
    check.refuse([*found, *changes, *problems, *shown])
    folds = _folds(parts[Split.TRAIN], seed) if in_turn else {}
    if in_turn:
        parts[Split.TEST] = [parts[Split.TRAIN][row] for rows in folds.values() for row in rows]
    notes = [_note(text) for text in (*source.notes, *describe(main, columns, options))]
    labels = label_order(parts[Split.TRAIN])
    return Corpus(source.name, kind, parts[Split.TRAIN], parts[Split.VALIDATION], parts[Split.TEST], labels, columns,
                  (*notes, *found, *changes, *problems, *shown), content_hash(parts),
                  validation_given=Split.VALIDATION in given, test_given=Split.TEST in given, folds=folds)


def read_file(data: Any, options: DataOptions | None = None, kind: Kind | None = None) -> tuple[Kind, list[Row], list[Finding]]:
    """All labelled rows of one table, uncut, with what kind their labels are and what there is to say about the others.

    Raises:
        DataError: it cannot be read, or has rows that cannot be used.
    """
    options = options or DataOptions()
    table = sources.single_table(data, options)
    columns = resolve(table, options, kind=kind)
    kind = kind or detect(table, columns, options)
    reading = _read({Split.TRAIN: table}, columns, kind, options)[Split.TRAIN]
    rows, changes = _changed(reading.rows, kind, options)
    return kind, rows, [*reading.findings, *changes]


def load_texts(data: Any, options: DataOptions | None = None) -> tuple[Table, list[Row]]:
    """Texts to predict on: the table as it is, and one row for each of its records, in order; an empty text is "".

    Beside what `load` reads, a .txt file (one text on each line) or a list of strings will do.

    Raises:
        DataError: it cannot be read, or no column is the text.
    """
    options = options or DataOptions()
    table = sources.text_table(data, options)
    reading = read_texts(table, resolve(table, options, labelled=False))
    raise_together(errors(reading.findings))
    for finding in reading.findings[len(table.findings):]:
        logger.warning(str(finding))
    return table, reading.rows


def load_labelled(data: Any, kind: Kind, labels: Sequence[str], options: DataOptions | None = None) -> list[Row]:
    """Labelled rows on which to evaluate a model that knows `labels`; rows that cannot be used, and labels changed, are logged.

    Raises:
        DataError: it cannot be read, has no usable row, or has labels that the model does not know.
    """
    options = options or DataOptions()
    table = sources.single_table(data, options)
    columns = resolve(table, options, kind=kind)
    reading = _read({Split.TEST: table}, columns, kind, options)[Split.TEST]
    raise_together(errors(check.no_rows({Split.TEST: reading.rows}, {Split.TEST: table})))
    rows, changes = _changed(reading.rows, kind, options)
    raise_together(_unknown(rows, labels))
    for finding in (*reading.findings, *changes):
        logger.warning(str(finding))
    return rows


def label_order(rows: Iterable[Row]) -> tuple[str, ...]:
    """The label names in the order of their numbers: by value when all are integers, else by name."""
    names = sorted({name for row in rows for name in names_in(row.target)})
    if all(re.fullmatch(r"[+-]?[0-9]{1,18}", name) for name in names):
        names.sort(key=int)
    return tuple(names)


def content_hash(parts: Mapping[Split, Sequence[Row]]) -> str:
    """32 hex digits over texts, pairs, labels and parts, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in Split:
        for row in parts[part]:
            digest.update(json.dumps([part.value, row.text, row.pair, _plain(row.target)]).encode() + b"\n")
    return digest.hexdigest()


def rows_hash(rows: Iterable[Row]) -> str:
    """32 hex digits over texts, pairs and labels of some rows, in any order. One row more or less makes another hash."""
    each = sorted(hashlib.blake2b(json.dumps([row.text, row.pair, _plain(row.target)]).encode(), digest_size=16).digest()
                  for row in rows)
    return hashlib.blake2b(b"".join(each), digest_size=16).hexdigest()


def _plain(target: Target | None) -> Any:
    if isinstance(target, tuple):
        return [part if isinstance(part, str) else dataclasses.astuple(part) for part in target]
    return target


def _note(text: str) -> Finding:
    return Finding("note", Severity.NOTE, text)


def _read(tables: Mapping[Split, Table], columns: Columns, kind: Kind, options: DataOptions) -> dict[Split, Reading]:
    """The rows of each table by the same columns; the group may be missing where nothing is cut off."""
    problems: list[Finding] = []
    readings = {}
    try:
        scheme = find_scheme(list(tables.values()), columns, kind)
    except ValueError as error:
        raise DataError(f"{', '.join(table.name for table in tables.values())}: {error}") from None
    named = dataclasses.replace(options, text_columns=columns.text, label_columns=columns.label, pair_column=columns.pair)
    for part, table in tables.items():
        group, own = (name if name in table.columns else None for name in (columns.group, columns.id))
        try:
            found = resolve(table, dataclasses.replace(named, group_column=group, id_column=own))
        except DataError as error:
            problems.append(Finding("columns", Severity.ERROR, str(error)))
            continue
        readings[part] = read_rows(table, found, kind, options, scheme)
        problems += readings[part].findings
    check.refuse(problems)
    return readings


def _changed(rows: list[Row], kind: Kind, options: DataOptions) -> tuple[list[Row], list[Finding]]:
    """Rows of one table with their labels changed as the file of --labels says, of which they may have some alone."""
    if options.labels is None or not rows:
        return rows, []
    changed, findings = relabel({Split.TEST: rows}, kind, options.labels, all_labels=False)
    return changed[Split.TEST], findings


def _unused_separator(tables: Mapping[Split, Table], columns: Columns, options: DataOptions) -> list[Finding]:
    """A warning where no cell of the labels holds what is to part them."""
    sign = options.label_separator
    if sign is None or any(sign in str(record.values.get(name)) for table in tables.values() for record in table.records
                           for name in columns.label):
        return []
    return [Finding("separator", Severity.WARNING, f"No cell of the labels holds '{sign}' (--label-separator): each is one label.",
                    "Correct --label-separator, or leave it out where each row has one label.")]


def _parts(given: Mapping[Split, list[Row]], seed: int, in_turn: bool) -> dict[Split, list[Row]]:
    """The parts: those given, and those cut off from the training rows; no test rows where these are held out in turn.

    Raises:
        DataError: test rows were given, and others are to be held out in turn.
    """
    if in_turn and Split.TEST in given:
        raise DataError("--test cv holds the training rows out in turn, but there are test rows. Leave them away, or leave out "
                        "--test cv.")
    wanted = {part: part not in given for part in (Split.VALIDATION, Split.TEST)}
    pieces = cut(given[Split.TRAIN], seed=seed, validation=wanted[Split.VALIDATION], test=wanted[Split.TEST] and not in_turn)
    return {part: given[part] if part in given and part is not Split.TRAIN else piece
            for part, piece in zip(Split, pieces, strict=True) if part is not Split.TEST or not in_turn}


def _folds(train: list[Row], seed: int) -> dict[int, list[int]]:
    """The training rows that each fold holds out, by their numbers.

    Raises:
        DataError: a fold holds out none.
    """
    held = assign_folds(train, FOLDS, 1 / FOLDS, seed=seed)
    folds = {fold: [row for row, own in enumerate(held) if own == fold] for fold in range(1, FOLDS + 1)}
    empty = [str(fold) for fold, rows in folds.items() if not rows]
    if empty:
        raise DataError(f"--test cv: no row falls into fold {', '.join(empty)} of {FOLDS}: {count(len(train), 'training row')} are "
                        "too few, or too many of them belong together (equal texts, one group, a label's only rows). Add rows, or "
                        "give test rows.")
    return folds


def _some(rows: list[Row], number: int, seed: int) -> list[Row]:
    """`number` of the rows, in their order; the first rows of the draw hold each label.

    Raises:
        DataError: that takes more rows.
    """
    order = np.random.default_rng([seed, 2]).permutation(len(rows)).tolist()
    seen: set[str] = set()
    new: list[int] = []
    old: list[int] = []
    for index in order:
        names = set(names_in(rows[index].target))
        (new if names - seen else old).append(index)
        seen |= names
    if number < len(new):
        left = seen - {name for index in new[:number] for name in names_in(rows[index].target)}
        raise DataError(f"--max-train-rows {number}: so few rows cannot hold all {count(len(seen), 'label')}: none is left with "
                        f"{some(map(repr, sorted(left)))}. Give at least {len(new):,}.")
    return [rows[index] for index in sorted([*new, *old][:number])]


def _unknown(rows: Sequence[Row], labels: Sequence[str]) -> list[str]:
    strange: dict[str, list[Row]] = {}
    for row in rows:
        for name in dict.fromkeys(names_in(row.target)):
            if name not in labels:
                strange.setdefault(name, []).append(row)
    return [f"The model does not know the label '{label}': {count(len(found), 'row')}, first {places(found[:1])}. "
            f"It knows: {', '.join(labels)}.{nearest(label, labels)}" for label, found in strange.items()]
