"""Checks of texts: too few, given twice, with different labels, pairs that are none, and rows that belong together."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from luthier.data.cells import name_of
from luthier.data.checks.common import finding, key_of, repeated, shown
from luthier.data.columns import Columns
from luthier.data.findings import Finding, Severity
from luthier.data.formats import Table
from luthier.data.places import count, places, some
from luthier.data.row import Kind, Row, Span

FEW_ROWS = 100
"""Below this many training rows, which of two recipes is better is mostly chance (spaCy warns at the same number)."""
SAME_NUMBER = 0.1
"""Equal texts whose numbers differ by more than this share of the range contradict one another."""
EXAMPLES = 3
GROUP_NAME = re.compile(r"_id$|user|author|customer|client|account|patient|speaker|thread|conversation|dialog|session|"
                        r"document|group", re.IGNORECASE)
CAMEL_ID = re.compile(r"[a-z]Id$")


def few_rows(train: Sequence[Row]) -> list[Finding]:
    """The loud warning that there is little to learn from."""
    if len(train) >= FEW_ROWS:
        return []
    return [finding("few-rows", Severity.WARNING, f"Only {count(len(train), 'training row')}. Below {FEW_ROWS}, "
                    "results vary so much by chance that recipes can hardly be told apart.",
                    "More labelled rows will help more than any search.")]


def duplicates(rows: Sequence[Row], groups: Sequence[Sequence[int]]) -> list[Finding]:
    """Texts that stand in several rows: exactly, up to case and spaces, or nearly (by `groups` of row indices)."""
    found_rows: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    kinds = [0, 0, 0]
    for group in groups:
        members = [rows[index] for index in group]
        texts, keys = {(row.text, row.pair) for row in members}, {key_of(row) for row in members}
        degree = 0 if len(texts) == 1 else 1 if len(keys) == 1 else 2
        kinds[degree] += 1
        found_rows[degree].extend(members)
    found, (exact, normalised, near) = [], found_rows
    for code, members, number, how in (("duplicate", exact, kinds[0], "the same as another row's"),
                                       ("duplicate-but-for-case", normalised, kinds[1], "the same but for case and spaces"),
                                       ("near-duplicate", near, kinds[2], "nearly the same as another row's")):
        if members:
            found.append(finding(
                code, Severity.NOTE, f"{count(len(members), 'row')} with a text {how}, in {count(number, 'group')} "
                f"({places(members)}), such as {' / '.join(shown(row.text) for row in members[:2])}.",
                "Keep one of each, unless such texts are as frequent where the model will be used." if code != "near-duplicate"
                else "Such texts may stand on both sides of a split, and then the figures are too good: keep one of each group.",
                members))
    return found


def contradictions(kind: Kind, rows: Sequence[Row]) -> list[Finding]:
    """Equal texts with different labels, numbers or entities."""
    numbers = [row.target for row in rows if isinstance(row.target, float)]
    tolerance = SAME_NUMBER * (max(numbers) - min(numbers)) if numbers else 0.0
    differing = [same for same in repeated(rows) if _differ(same, tolerance)]
    if not differing:
        return []
    found = [row for same in differing for row in same]
    what = {Kind.CLASS: "label", Kind.LABELS: "set of labels", Kind.NUMBER: "number", Kind.SPANS: "set of entities"}[kind]
    return [finding("contradiction", Severity.WARNING, f"{count(len(differing), 'text')} with more than one {what}, in "
                    f"{count(len(found), 'row')} ({places(found)}), such as {_example(differing[0])}.",
                    "No model can be right on all of them.", found)]


def _differ(same: Sequence[Row], tolerance: float) -> bool:
    numbers = [row.target for row in same if isinstance(row.target, float)]
    if numbers:
        return max(numbers) - min(numbers) > tolerance
    return len({_meaning(row) for row in same}) > 1


def _meaning(row: Row) -> Hashable:
    """A target that does not depend on the spaces of its text."""
    if not isinstance(row.target, tuple):
        return row.target
    return tuple((" ".join(row.text[part.start:part.end].split()).casefold(), part.label) if isinstance(part, Span) else part
                 for part in row.target)


def _example(same: Sequence[Row]) -> str:
    targets = list(dict.fromkeys(_named(row) for row in same))
    return f"{shown(same[0].text)}: {some(targets, EXAMPLES)}"


def _named(row: Row) -> str:
    if isinstance(row.target, tuple):
        names = [f"{shown(row.text[part.start:part.end], 30)} {part.label}" if isinstance(part, Span) else part
                 for part in row.target]
        return f"[{', '.join(names)}]"
    return f"{row.target:g}" if isinstance(row.target, float) else f"'{row.target}'"


def pair_findings(rows: Sequence[Row]) -> list[Finding]:
    """Pairs of one text twice, and pairs that another row has the other way round."""
    same = [row for row in rows if row.pair is not None and len(set(key_of(row))) == 1]
    keys = {key_of(row) for row in rows}
    swapped = [row for row in rows if len(set(key_of(row))) > 1 and key_of(row)[::-1] in keys]
    found = []
    if same:
        found.append(finding("pair-of-one", Severity.NOTE, f"{count(len(same), 'row')} whose two texts are the same "
                             f"({places(same)}).", "Remove them if a column was copied by mistake.", same))
    if swapped:
        found.append(finding("swapped-pair", Severity.NOTE,
                             f"{count(len(swapped), 'row')} with a pair that another row has the other way round "
                             f"({places(swapped)}).", "They may stand on both sides of a split: where the order of the two "
                             "does not matter, keep one of each.", swapped))
    return found


def group_columns(table: Table, columns: Columns) -> list[Finding]:
    """Unused columns that say which rows belong together, by their name and by values that repeat."""
    if columns.group is not None:
        return []
    unused = [column for column in table.columns if column not in columns.all]
    return [finding("group-column", Severity.WARNING,
                    f"Column '{column}' looks like a group: rows that share its value would stand in training and test.",
                    f"If they belong together: --group-column {column}")
            for column in unused if _names_group(column) and _repeats(table, column, columns)]


def _names_group(column: str) -> bool:
    return bool(GROUP_NAME.search(column) or CAMEL_ID.search(column))


def _repeats(table: Table, column: str, columns: Columns) -> bool:
    """Whether values stand in two rows or more on average, and are not just the label by another name."""
    label = columns.label[0] if len(columns.label) == 1 else ""
    pairs = [(value, _name(record.values.get(label))) for record in table.records
             if (value := _name(record.values.get(column))) is not None]
    distinct = len({value for value, _ in pairs})
    is_label = len(set(pairs)) == distinct == len({name for _, name in pairs})
    return distinct > 1 and 2 * distinct <= len(pairs) and not is_label


def _name(value: object) -> str | None:
    try:
        return name_of(value)
    except TypeError:
        return None  # lists and objects identify no group


