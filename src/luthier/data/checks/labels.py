"""Checks of label names: those of classes, of several labels a row, and of entities."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence

from luthier.data.checks.common import Parts, finding, having, label_counts, listed
from luthier.data.columns import Columns
from luthier.data.findings import Finding, Severity
from luthier.data.formats import Table
from luthier.data.places import count, percent, places, some
from luthier.data.row import Kind, Row, Split, names_in, text_key
from luthier.data.targets import are_scores

RARE_LABEL = 5
FEW_OF_LABEL = 50
"""spaCy warns below the same number."""
FREE_TEXT_ROWS = 20
"""From this many rows on, a label column of mostly different values is taken for a mistake."""
NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+(e[+-]?[0-9]+)?")
IMBALANCED = 10
"""From this many rows of the most frequent label for each of the rarest, imbalance is worth a word."""
MOSTLY_EMPTY = 0.5
SEPARATORS = (";", "|", ",")
"""What commonly parts several labels in one cell."""
FEWEST_JOINED, MOSTLY_KNOWN = 3, 0.5
"""So many different cells of several names, and this share of the names alone in other cells, are no accident."""
MISSING = {"nan", "na", "n/a", "#n/a", "null", "none", "<na>"}
MERGE = "--write-labels labels.toml proposes what to merge or drop"


def one_label(kind: Kind, train: Sequence[Row], columns: Columns) -> list[Finding]:
    """All rows with the same label, or none with any: there is nothing to learn."""
    names = {names_in(row.target) for row in train}
    if len(names) != 1:
        return []
    if kind is Kind.CLASS:
        return [finding("one-label", Severity.ERROR,
                        f"All {count(len(train), 'row')} have the label '{train[0].target}' ({_columns(columns)}).",
                        "At least two labels are needed: add rows of another one, or use another --label-column.")]
    (only,) = names
    what = f"the labels {some(only)}" if only else "no label"
    return [finding("one-label", Severity.ERROR, f"All {count(len(train), 'row')} have {what} ({_columns(columns)}).",
                    "There is nothing to tell apart: add rows with other labels, or use another --label-column.")]


def free_labels(train: Sequence[Row], table: Table, columns: Columns) -> list[Finding]:
    """A column of classes that looks like numbers or free text."""
    labels = list(dict.fromkeys(str(row.target) for row in train))
    scores = are_scores(labels)
    if not scores and (len(train) < FREE_TEXT_ROWS or 2 * len(labels) <= len(train)):
        return []
    examples = ", ".join(repr(label if len(label) <= 40 else f"{label[:40]}…") for label in labels[:3])
    others = [column for column in table.columns if column not in columns.all]
    numbers = sum(bool(NUMBER.fullmatch(label)) for label in labels)
    advice = ["If they are scores: --task regression."] if scores or 2 * numbers > len(labels) else []
    if sign := next((sign for sign in SEPARATORS if sum(sign in label for label in labels) > len(labels) / 2), None):
        advice.append(f"If they are several labels a row: --label-separator '{sign}'.")
    advice.append(f"Did you mean another --label-column ({some(others)})?" if others else "Or give classes that repeat."
                  if advice else "Give classes that repeat.")
    return [finding("free-labels", Severity.ERROR,
                    f"{_columns(columns).capitalize()} has {len(labels):,} different labels in {count(len(train), 'row')}, "
                    f"such as {examples}: it looks like numbers or free text, not classes.", " ".join(advice))]


def missing_words(rows: Sequence[Row]) -> list[Finding]:
    """Labels that are what tools write for a missing value."""
    counts = [(label, number) for label, number in label_counts(rows) if label.lower() in MISSING]
    if not counts:
        return []
    return [finding("missing-word", Severity.WARNING, f"{count(len(counts), 'label')} that read like a missing value: "
                    f"{listed(counts)}.", "If they are none, empty these cells: rows without a label are left out.",
                    having(rows, [label for label, _ in counts]))]


def joined_labels(kind: Kind, train: Sequence[Row], columns: Columns) -> list[Finding]:
    """Classes that are several other classes with a sign between them, such as 'gratitude;love'."""
    if kind is not Kind.CLASS:
        return []
    known = {label for label, _ in label_counts(train)}
    for sign in SEPARATORS:
        joined = {label: parts for label in known if len(parts := [part.strip() for part in label.split(sign)]) > 1}
        names = [part for parts in joined.values() for part in parts]
        if len(joined) >= FEWEST_JOINED and sum(name in known for name in names) >= MOSTLY_KNOWN * len(names):
            rows = having(train, joined)
            return [finding("joined-labels", Severity.WARNING,
                            f"{count(len(rows), 'training row')} with several labels in one cell of {_columns(columns)}, taken for "
                            f"one class each: {some(map(repr, sorted(joined)), 3)} ({places(rows)}).",
                            f"If they are several labels a row: --label-separator '{sign}'.", rows)]
    return []


def unseen_labels(given: Parts) -> list[Finding]:
    """Labels of the validation or test rows that no training row has, so that no model could learn them."""
    known = {name for row in given[Split.TRAIN] for name in names_in(row.target)}
    found = []
    for split, rows in given.items():
        strangers: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            for name in dict.fromkeys(names_in(row.target)):
                if name not in known:
                    strangers[name].append(row)
        found += [finding("unseen-label", Severity.ERROR,
                          f"Label '{label}' stands only in the {split} rows: {count(len(own), 'row')} ({places(own)}).",
                          "Add training rows that have it, or correct or remove these.", own)
                  for label, own in strangers.items()]
    return found if known else []


def rare_labels(kind: Kind, train: Sequence[Row]) -> list[Finding]:
    """Labels with hardly any training row, and those with few."""
    counts = label_counts(train)
    or_fewer = "mentions or fewer in the training rows" if kind is Kind.SPANS else "training rows or fewer"
    rare = [(label, number) for label, number in counts if number <= RARE_LABEL]
    few = [(label, number) for label, number in counts if RARE_LABEL < number <= FEW_OF_LABEL]
    found = []
    if rare:
        found.append(finding(
            "rare-label", Severity.WARNING,
            f"{count(len(rare), 'label')} with {RARE_LABEL} {or_fewer}: {listed(rare)}.",
            f"Label more, or merge or drop them ({MERGE}). Kept as they are, they are hardly learnt.",
            having(train, [label for label, _ in rare])))
    if few:
        found.append(finding(
            "few-of-label", Severity.WARNING,
            f"{count(len(few), 'label')} with {FEW_OF_LABEL} {or_fewer}: {listed(few)}.",
            f"More labelled rows{' of these' * (len(few) < len(counts))} will help most.",
            having(train, [label for label, _ in few])))
    return found


def unmeasured_labels(parts: Parts) -> list[Finding]:
    """Labels that no test row has, or all of whose rows are in training: a model learns them, but how well is not measured.

    None where there is no part of test rows: training rows, which have every label, are then held out in turn.
    """
    if Split.TEST not in parts:
        return []
    outside = {name for split, rows in parts.items() if split is not Split.TRAIN for row in rows for name in names_in(row.target)}
    only = [(label, number) for label, number in label_counts(parts[Split.TRAIN]) if label not in outside]
    found = [] if not only else [
        finding("unmeasured-label", Severity.WARNING,
                f"{count(len(only), 'label')} with all rows in training, so that nothing measures them: {listed(only)}.",
                rows=having(parts[Split.TRAIN], [label for label, _ in only]))]
    tested = {name for row in parts[Split.TEST] for name in names_in(row.target)}
    untested = [(label, number) for label, number in label_counts(parts[Split.TRAIN]) if label in outside - tested]
    if untested and parts[Split.TEST]:
        found.append(finding(
            "untested-label", Severity.WARNING,
            f"{count(len(untested), 'label')} without a test row, so the test figure says nothing of them: {listed(untested)}.",
            "Label more rows, or give test rows of your own with --test.",
            having(parts[Split.TRAIN], [label for label, _ in untested])))
    return found


def alike_labels(rows: Sequence[Row]) -> list[Finding]:
    """Labels that differ by case, spaces and punctuation only."""
    by_core: dict[Hashable, list[tuple[str, int]]] = defaultdict(list)
    for label, number in label_counts(rows):
        by_core[label_core(label)].append((label, number))
    return [finding("alike-labels", Severity.WARNING,
                    " and ".join(f"'{label}' ({number:,})" for label, number in same) + " look alike: are they one label?",
                    "If so, --write-labels labels.toml proposes to merge them.",
                    having(rows, [label for label, _ in same[:-1]]))
            for same in by_core.values() if len(same) > 1]


def label_core(label: str) -> Hashable:
    """What alike labels share; numbers and labels of signs only, such as +1, -1, + and -, are alike to nothing."""
    letters = "".join(sign for sign in text_key(label) if sign.isalnum())
    return letters if any(sign.isalpha() for sign in letters) else ("as it is", label)


def imbalance(kind: Kind, train: Sequence[Row]) -> list[Finding]:
    """One label with many times the rows of another."""
    counts = label_counts(train)
    if len(counts) < 2 or counts[-1][1] < IMBALANCED * counts[0][1]:
        return []
    (least, few), (most, many) = counts[0], counts[-1]
    unit = "mentions in the training rows" if kind is Kind.SPANS else "training rows"
    guess = (f"; always answering '{most}' is right on {percent(many / len(train))} of the training rows"
             if kind is Kind.CLASS else "")
    advice = ("Judge by macro-F1, in which all labels count the same; --set class_weighting=auto gives rare labels more weight."
              if kind is not Kind.SPANS else "Look at the figures of each label, not at the total alone.")
    return [finding("imbalance", Severity.NOTE, f"Imbalance: '{most}' has {many:,} {unit}, '{least}' {few:,} "
                    f"({many / few:,.0f} to 1){guess}.", advice)]


def label_shares(train: Sequence[Row], columns: Columns) -> list[Finding]:
    """Rows with several labels: how many have none, and which labels are always on or, as a column, never."""
    found, counts = [], label_counts(train)
    empty = [row for row in train if not row.target]
    if empty and len(empty) < len(train):
        share = len(empty) / len(train)
        found.append(finding(
            "no-labels", Severity.WARNING if share > MOSTLY_EMPTY else Severity.NOTE,
            f"{count(len(empty), 'training row')} of {len(train):,} ({percent(share)}) have no label ({places(empty)}).",
            "That is a valid answer. If they are only not labelled yet, remove them.", empty))
    always = [label for label, number in counts if number == len(train)]
    if always and len(counts) > len(always):
        found.append(finding("always-on", Severity.WARNING,
                             f"{count(len(always), 'label')} on every training row: {some(map(repr, always))}.",
                             "There is nothing to learn about them, and they raise every figure: drop them."))
    never = [name for name in columns.label if name not in {label for label, _ in counts}] if len(columns.label) > 1 else []
    if never:
        found.append(finding("never-on", Severity.WARNING,
                             f"{count(len(never), 'label column')} without a 1 in the training rows: {some(map(repr, never))}.",
                             "No model can learn them: add rows that have them, or leave out these columns."))
    return found


def _columns(columns: Columns) -> str:
    names = [f"'{name}'" for name in columns.label]
    return f"column{'s' * (len(names) != 1)} {some(names, 5)}"
