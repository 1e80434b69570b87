"""What can be wrong with labelled rows as a whole, in findings: what forbids their use, and what makes results worse.

The checks themselves stand in `luthier.data.checks`; this says which of them fit which kind of labels, and when they run:
`check_given` on the rows as they were given, `check_parts` when validation and test rows have been cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from luthier.data.checks import labels, leaks, numbers, spans, texts
from luthier.data.checks.common import Parts, every, finding
from luthier.data.columns import Columns
from luthier.data.findings import Finding, Severity, errors
from luthier.data.formats import Table
from luthier.data.near_duplicates import near_duplicates
from luthier.data.places import count, together
from luthier.data.row import Kind, Row, Split
from luthier.errors import DataError

RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def check_given(kind: Kind, given: Parts, tables: Mapping[Split, Table], columns: Columns) -> list[Finding]:
    """Everything that forbids to use the rows as given, before any are cut off."""
    found, train = no_rows(given, tables), given[Split.TRAIN]
    if not train:
        return found
    if kind is Kind.NUMBER:
        return [*found, *numbers.constant(given, columns)]
    if kind is Kind.SPANS:
        return [*found, *(spans.no_entities(train) or labels.unseen_labels(given))]
    free = labels.free_labels(train, tables[Split.TRAIN], columns) if kind is Kind.CLASS else []
    return [*found, *labels.one_label(kind, train, columns), *(free or labels.unseen_labels(given))]


def check_parts(kind: Kind, parts: Parts, tables: Mapping[Split, Table], columns: Columns) -> list[Finding]:
    """Everything to say about the rows with validation and test rows cut off, the worst first."""
    empty = empty_parts(parts)
    if empty:
        return empty
    train, rows = parts[Split.TRAIN], every(parts)
    groups = alike(rows)
    found = [*texts.few_rows(train), *_of_kind(kind, parts, columns), *texts.contradictions(kind, rows), *leaks.leaks(parts),
             *leaks.near_leaks(parts, rows, groups), *texts.duplicates(rows, groups), *_of_pairs(rows),
             *texts.group_columns(tables[Split.TRAIN], columns)]
    return by_severity(found)


def alike(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    """Groups of rows with equal or nearly equal texts, as indices; of pairs, both texts are."""
    groups = near_duplicates([row.text for row in rows])
    if all(row.pair is None for row in rows):
        return groups
    second = {index: number for number, group in enumerate(near_duplicates([row.pair or "" for row in rows])) for index in group}
    both: dict[tuple[int, int], list[int]] = {}
    for number, group in enumerate(groups):
        for index in group:
            if index in second:
                both.setdefault((number, second[index]), []).append(index)
    return sorted(tuple(members) for members in both.values() if len(members) > 1)


def by_severity(findings: Sequence[Finding]) -> list[Finding]:
    """Errors, then warnings, then notes; else in the order given."""
    return sorted(findings, key=lambda found: RANK[found.severity])


def no_rows(given: Parts, tables: Mapping[Split, Table]) -> list[Finding]:
    """Tables of which no row is left."""
    empty = [tables[split] for split, rows in given.items() if not rows]
    return [finding("no-rows", Severity.ERROR, f"{table.name}: none of its {count(len(table.records), 'row')} has both a text "
                    "and a label.", "Give rows that do.") if table.records else
            finding("no-rows", Severity.ERROR, f"{table.name}: it has no rows.", "Give rows with a text and a label.")
            for table in empty]


def empty_parts(parts: Parts) -> list[Finding]:
    """Parts into which no row fell when they were cut off."""
    total = sum(len(rows) for rows in parts.values())
    return [finding("empty-part", Severity.ERROR,
                    f"No row fell into the {split} rows: {count(total, 'row')} are too few, or too many of them belong "
                    "together (equal texts, one group).", f"Add rows, give a {split} file, or try another seed.")
            for split, rows in parts.items() if not rows]


def _of_kind(kind: Kind, parts: Parts, columns: Columns) -> list[Finding]:
    train = parts[Split.TRAIN]
    if kind is Kind.NUMBER:
        strays = numbers.strays(parts)
        return [*strays, *([] if strays else numbers.outliers(parts))]
    found = [*labels.missing_words(every(parts)), *labels.joined_labels(kind, train, columns),
             *labels.rare_labels(kind, train), *labels.unmeasured_labels(parts), *labels.alike_labels(every(parts)),
             *labels.imbalance(kind, train)]
    if kind is Kind.LABELS:
        found += labels.label_shares(train, columns)
    if kind is Kind.SPANS:
        found += [*spans.edges(parts), *spans.long_spans(parts), *spans.inconsistent(parts), *spans.inventory(parts)]
    return found


def _of_pairs(rows: Sequence[Row]) -> list[Finding]:
    return texts.pair_findings(rows) if any(row.pair is not None for row in rows) else []


class UnusableData(DataError):
    """The data has errors; `findings` are all that was found until then, the errors among them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(together(errors(findings)))
        self.findings = tuple(findings)


def refuse(findings: Sequence[Finding]) -> None:
    """Raise UnusableData when any of the findings is an error."""
    if errors(findings):
        raise UnusableData(findings)
