"""Mappings of labels: what `--write-labels` proposes and `--labels` applies. The user's data are never edited.

    [labels]
    "Spam " = "spam"      # another name: renamed, or merged with the label of that name
    "typo" = false        # dropped: of classes with their rows, else the label alone
    "ham" = "ham"         # the same name, or no line: kept
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from luthier.config import read_toml
from luthier.data.checks.common import finding, label_counts
from luthier.data.checks.labels import RARE_LABEL, label_core
from luthier.data.findings import Finding, Severity
from luthier.data.places import count, places
from luthier.data.row import Kind, Row, Span, Split, Target, names_in
from luthier.errors import ConfigError, DataError, nearest
from luthier.files import whole_file

HEAD = """\
# What becomes of each label. Change what stands on the right, then: luthier tune DATA --labels {file}
#   "name" = "name"     keeps the label
#   "name" = "other"    renames it, or merges it with the label of that name
#   "name" = false      drops it{dropping}
# The data file itself is never changed.

[labels]
"""


@dataclass(frozen=True)
class LabelMap:
    """What becomes of labels: a new name, or None for those that are dropped. Labels that are not named are kept."""

    changes: Mapping[str, str | None]
    source: str = "labels"

    @classmethod
    def read(cls, path: str | Path) -> LabelMap:
        """The mapping that a file holds.

        Raises:
            ConfigError: there is no such file, or it is no TOML.
            DataError: it has no [labels], a value is neither a name nor false, or a label is merged into one that is itself
                renamed or dropped (all at once).
        """
        tables = read_toml(Path(path))
        table = tables.get("labels")
        if not isinstance(table, Mapping) or len(tables) > 1:
            raise DataError(f'{path}: a file of labels has one table, [labels], of lines "name" = "new name" or "name" = false.')
        problems, changes = [], {}
        for name, value in table.items():
            if value is False or (isinstance(value, str) and value.strip()):
                changes[name] = value.strip() if isinstance(value, str) else None
            else:
                problems.append(f"{path}: '{name}' = {json.dumps(value, default=str)}: give a name in quotes, or false to drop it.")
        problems += _chains(path, changes)
        if problems:
            raise DataError("\n".join(problems))
        return cls(changes, str(path))

    def apply(self, rows: Sequence[Row], kind: Kind, *, all_labels: bool = True) -> tuple[list[Row], list[Finding]]:
        """The rows with their labels changed, and a finding for each change that counts it.

        Args:
            all_labels: whether the rows are to have every label that the file names; of the rows of one part, some may have none.

        Raises:
            DataError: the file names a label that no row has (with `all_labels`), labels are numbers, or no row is left.
        """
        if kind is Kind.NUMBER:
            raise DataError(f"{self.source}: the labels of these data are numbers; leave out --labels.")
        known = [label for label, _ in label_counts(rows)]
        strange = [f"{self.source}: no row has the label '{name}'. Remove the line, or correct it.{nearest(name, known)}"
                   for name in self.changes if name not in set(known)]
        if strange and all_labels:
            raise DataError("\n".join(strange))
        touched: dict[str, list[Row]] = defaultdict(list)
        kept = []
        for row in rows:
            for name in dict.fromkeys(names_in(row.target)):
                if self.changes.get(name, name) != name:
                    touched[name].append(row)
            target = self._changed(row.target)
            if target is not None:
                kept.append(row if target == row.target else dataclasses.replace(row, target=target))
        if rows and not kept:
            raise DataError(f"{self.source}: drops every label, so that no row is left. Keep at least two.")
        return kept, [self._finding(name, own, kind, known) for name, own in sorted(touched.items())]

    def _changed(self, target: Target | None) -> Target | None:
        """The target under its new names; None for a class that is dropped."""
        if isinstance(target, str):
            return self.changes.get(target, target)
        if not isinstance(target, tuple):
            return target
        spans = tuple(dataclasses.replace(part, label=new) for part in target if isinstance(part, Span)
                      and (new := self.changes.get(part.label, part.label)) is not None)
        if spans or any(isinstance(part, Span) for part in target):
            return spans
        return tuple(sorted({new for part in target if isinstance(part, str)
                             and (new := self.changes.get(part, part)) is not None}))

    def _finding(self, name: str, rows: list[Row], kind: Kind, known: Sequence[str]) -> Finding:
        new, where = self.changes[name], f"({places(rows)})"
        number = sum(names_in(row.target).count(name) for row in rows)
        amount = f"{count(number, 'mention')} in {count(len(rows), 'row')}" if kind is Kind.SPANS else count(len(rows), "row")
        if new is None:
            what = f"dropped with its {amount}" if kind is Kind.CLASS else f"dropped from {amount}; the rows are kept"
            return finding("label-dropped", Severity.NOTE, f"Label '{name}' {what} {where}, as {self.source} says.", rows=rows)
        merged = new in known or sum(other == new for other in self.changes.values()) > 1
        return finding("label-merged" if merged else "label-renamed", Severity.NOTE,
                       f"Label '{name}' {'merged into' if merged else 'renamed to'} '{new}': {amount} {where}, as {self.source} "
                       "says.", rows=rows)


def relabel(given: Mapping[Split, Sequence[Row]], kind: Kind, file: str | Path, *,
            all_labels: bool = True) -> tuple[dict[Split, list[Row]], list[Finding]]:
    """The rows of all parts with their labels changed as a file says; see `LabelMap.apply`."""
    rows = [row for part in given.values() for row in part]
    changed, findings = LabelMap.read(file).apply(rows, kind, all_labels=all_labels)
    by_place = {(row.file, row.line): row for row in changed}
    return {split: [by_place[row.file, row.line] for row in part if (row.file, row.line) in by_place]
            for split, part in given.items()}, findings


def propose(kind: Kind, rows: Sequence[Row], file: str = "labels.toml") -> str:
    """A mapping for the user to edit, as TOML: spelling variants merged into the most frequent, rare labels marked.

    Raises:
        DataError: labels are numbers.
    """
    if kind is Kind.NUMBER:
        raise DataError("The labels of these data are numbers: there is nothing to rename. Leave out --write-labels.")
    counts = label_counts(rows)[::-1]
    variants: dict[Hashable, list[str]] = defaultdict(list)
    for label, _ in counts:
        variants[label_core(label)].append(label)
    chosen = {label: same[0] for same in variants.values() for label in same}
    tally = Counter(dict(counts))
    totals: Counter[str] = Counter()
    for label, number in counts:
        totals[chosen[label]] += number
    lines = [_line(label, chosen[label], tally, totals, kind) for label, _ in counts]
    dropping = " and its rows" if kind is Kind.CLASS else " from its rows, which are kept"
    return HEAD.format(file=file, dropping=dropping) + "".join(lines)


def _line(label: str, target: str, tally: Counter[str], totals: Counter[str], kind: Kind) -> str:
    unit = "mention" if kind is Kind.SPANS else "row"
    remark = count(tally[label], unit)
    if target != label:
        remark += f"; spelled almost like {_quoted(target)} ({tally[target]:,})"
    elif totals[label] <= RARE_LABEL:
        remark += f'; rare: keep it as it is, merge it ({_quoted(label)} = "another label"), or drop it ({_quoted(label)} = false)'
    return f"{_quoted(label)} = {_quoted(target)}  # {remark}\n"


def write_proposal(path: str | Path, kind: Kind, rows: Sequence[Row]) -> None:
    """Write what `propose` says to a new file.

    Raises:
        ConfigError: the file is there already, or its folder is not.
        DataError: labels are numbers.
    """
    target = Path(path)
    text = propose(kind, rows, str(path))
    if not target.parent.is_dir():
        raise ConfigError(f"--write-labels {path}: there is no folder {target.parent}")
    try:
        with whole_file(target) as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(f"--write-labels {path}: is there already; give a new name, so that nothing is overwritten") from None


def _quoted(label: str) -> str:
    """A TOML string; TOML knows JSON's escapes, but for DEL, which it wants escaped."""
    return json.dumps(label, ensure_ascii=False).replace("\x7f", "\\u007f")


def _chains(path: str | Path, changes: Mapping[str, str | None]) -> list[str]:
    problems = []
    for name, new in changes.items():
        if new is None or new == name or new not in changes or changes[new] == new:
            continue
        then = f"renamed to '{changes[new]}'" if changes[new] is not None else "dropped"
        problems.append(f"{path}: '{name}' = '{new}', but '{new}' is itself {then}. Say what becomes of '{name}' in the end.")
    return problems
