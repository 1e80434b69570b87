"""What can be wrong with labelled rows as a whole: problems, with which nothing is started, and notes to show.

Each function looks for one thing and returns sentences, none when all is well. `problems` and `notes` gather them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence

from luthier.data.columns import Columns
from luthier.data.formats import Table
from luthier.data.places import SHOWN, count, places, some
from luthier.data.cells import name_of
from luthier.data.findings import Finding, Severity
from luthier.data.row import Kind, Row, Split, text_key

FEW_ROWS = 100
"""Below this many training rows, which of two recipes is better is mostly chance (spaCy warns at the same number)."""
RARE_LABEL = 5
FREE_TEXT_ROWS = 20
"""From this many rows on, a label column of mostly different values is taken for a mistake."""
FRACTION = re.compile(r"[+-]?[0-9]*\.[0-9]+(e[+-]?[0-9]+)?")
MOST_SCORES = 20
"""More different numbers with a fraction than this are scores; half stars from 0 to 5 are still classes."""
GROUP_NAME = re.compile(r"_id$|user|author|customer|client|account|patient|speaker|thread|conversation|dialog|session|"
                        r"document|group", re.IGNORECASE)
CAMEL_ID = re.compile(r"[a-z]Id$")

Parts = Mapping[Split, Sequence[Row]]


def check_given(kind: Kind, given: Parts, tables: Mapping[Split, Table], columns: Columns) -> list[Finding]:
    return [Finding("problem", Severity.ERROR, text) for text in problems(kind, given, tables, columns)]


def check_parts(kind: Kind, parts: Parts, tables: Mapping[Split, Table], columns: Columns) -> list[Finding]:
    return [Finding("problem", Severity.ERROR, text) for text in empty_parts(parts)] + [
        Finding("note", Severity.NOTE, text) for text in notes(kind, parts, tables, columns)]


def problems(kind: Kind, given: Parts, tables: Mapping[Split, Table], columns: Columns) -> list[str]:
    """Everything that forbids to use the rows as given, before any are cut off."""
    if kind is not Kind.CLASS:
        return [str(f) for f in no_rows(given, tables)]
    train = given[Split.TRAIN]
    free = free_labels(train, tables[Split.TRAIN], columns)
    return [*map(str, no_rows(given, tables)), *one_label(train, columns), *(free or unseen_labels(given))]


def notes(kind: Kind, parts: Parts, tables: Mapping[Split, Table], columns: Columns) -> list[str]:
    """Everything worth showing about the rows, with validation and test rows cut off."""
    every = [row for rows in parts.values() for row in rows]
    if kind is not Kind.CLASS:
        return [*few_rows(parts[Split.TRAIN]), *leaks(parts), *group_columns(tables[Split.TRAIN], columns)]
    return [*few_rows(parts[Split.TRAIN]), *rare_labels(parts[Split.TRAIN]), *unmeasured_labels(parts),
            *alike_labels(every), *contradictions(every), *leaks(parts), *group_columns(tables[Split.TRAIN], columns)]


def no_rows(given: Parts, tables: Mapping[Split, Table]) -> list[Finding]:
    """Tables of which no row is left."""
    empty = [tables[split] for split, rows in given.items() if not rows]
    return [Finding("no-rows", Severity.ERROR, text) for text in [f"{table.name}: none of its {count(len(table.records), 'row')} has both a text and a label. Give rows that "
            "do." if table.records else f"{table.name}: it has no rows. Give rows with a text and a label."
            for table in empty]]


def one_label(train: Sequence[Row], columns: Columns) -> list[str]:
    """All rows with the same label: there is nothing to learn."""
    labels = {row.target for row in train}
    if len(labels) != 1:
        return []
    return [f"All {count(len(train), 'row')} have the label '{train[0].target}' (column '{columns.label[0]}'). At least "
            "two labels are needed: add rows of another one, or use another --label-column."]


def free_labels(train: Sequence[Row], table: Table, columns: Columns) -> list[str]:
    """A label column that looks like numbers or free text."""
    labels = list(dict.fromkeys(str(row.target) for row in train))
    fractions = sum(bool(FRACTION.fullmatch(label)) for label in labels)
    scores = len(labels) > MOST_SCORES and 2 * fractions > len(labels)
    if not scores and (len(train) < FREE_TEXT_ROWS or 2 * len(labels) <= len(train)):
        return []
    examples = ", ".join(repr(label if len(label) <= 40 else f"{label[:40]}…") for label in labels[:3])
    others = [column for column in table.columns if column not in columns.all]
    advice = (f"Did you mean another --label-column ({some(others)})?" if others
              else "Give classes that repeat.")
    return [f"Column '{columns.label[0]}' has {len(labels):,} different labels in {count(len(train), 'row')}, such as "
            f"{examples}: it looks like numbers or free text, not classes{' (scores cannot be learnt yet)' * scores}. "
            f"{advice}"]


def unseen_labels(given: Parts) -> list[str]:
    """Labels of the validation or test rows that no training row has, so that no model could learn them."""
    known = {row.target for row in given[Split.TRAIN]}
    found = []
    for split, rows in given.items():
        by_label = _by_label([row for row in rows if row.target not in known])
        found += [f"Label '{label}' stands only in the {split} rows: {count(len(strangers), 'row')} "
                  f"({places(strangers)}). Add training rows that have it, or correct or remove these."
                  for label, strangers in by_label.items()]
    return found if known else []


def empty_parts(parts: Parts) -> list[str]:
    """Parts into which no row fell when they were cut off."""
    total = sum(len(rows) for rows in parts.values())
    return [f"No row fell into the {split} rows: {count(total, 'row')} are too few, or too many of them belong "
            f"together (equal texts, one group). Add rows, give a {split} file, or try another seed."
            for split, rows in parts.items() if not rows]


def few_rows(train: Sequence[Row]) -> list[str]:
    """The loud note that there is little to learn from."""
    if len(train) >= FEW_ROWS:
        return []
    return [f"WARNING: only {count(len(train), 'training row')}. Below {FEW_ROWS}, results vary so much by chance that "
            "recipes can hardly be told apart; more labelled rows will help more than any search."]


def rare_labels(train: Sequence[Row]) -> list[str]:
    """Labels with hardly any training row."""
    rare = [(label, number) for label, number in _counts(train) if number <= RARE_LABEL]
    if not rare:
        return []
    return [f"{count(len(rare), 'label')} with {RARE_LABEL} training rows or fewer: {_listed(rare)}. Label more, or "
            "merge or drop them."]


def unmeasured_labels(parts: Parts) -> list[str]:
    """Labels all of whose rows are in training: a model learns them, but how well is not measured."""
    outside = {row.target for split, rows in parts.items() if split is not Split.TRAIN for row in rows}
    only = [(label, number) for label, number in _counts(parts[Split.TRAIN]) if label not in outside]
    if not only:
        return []
    return [f"{count(len(only), 'label')} with all rows in training, so that nothing measures them: {_listed(only)}."]


def alike_labels(rows: Sequence[Row]) -> list[str]:
    """Labels that differ by case, spaces and punctuation only."""
    by_core: dict[Hashable, list[tuple[str, int]]] = defaultdict(list)
    for label, number in _counts(rows):
        by_core[_core(label)].append((label, number))
    return [" and ".join(f"'{label}' ({number:,})" for label, number in same) + " look alike: are they one label?"
            for same in by_core.values() if len(same) > 1]


def contradictions(rows: Sequence[Row]) -> list[str]:
    """Equal texts with different labels."""
    by_text = _by_text(rows)
    differing = [same for same in by_text.values() if len({row.target for row in same}) > 1]
    if not differing:
        return []
    found = [row for same in differing for row in same]
    return [f"{count(len(differing), 'text')} with more than one label, in {count(len(found), 'row')} "
            f"({places(found)}). No model can be right on all of them."]


def leaks(parts: Parts) -> list[str]:
    """Texts of the validation or test rows that an earlier part has too; rows that were cut off never have."""
    order = [split for split in Split if parts.get(split)]
    found = []
    for index, split in enumerate(order):
        for earlier in order[:index]:
            known = {text_key(row.text) for row in parts[earlier]}
            if leaked := [row for row in parts[split] if text_key(row.text) in known]:
                found.append(f"Leak: {count(len(leaked), f'{split} row')} of {len(parts[split]):,} with a text that "
                             f"the {earlier} rows have too ({places(leaked)}). The {split} figure will be too good.")
    return found


def group_columns(table: Table, columns: Columns) -> list[str]:
    """Unused columns that say which rows belong together, by their name and by values that repeat."""
    if columns.group is not None:
        return []
    unused = [column for column in table.columns if column not in columns.all]
    return [f"Column '{column}' looks like a group: rows that share its value would stand in training and test. "
            f"If they belong together: --group-column {column}"
            for column in unused if _names_group(column) and _repeats(table, column, columns.label[0])]


def _names_group(column: str) -> bool:
    return bool(GROUP_NAME.search(column) or CAMEL_ID.search(column))


def _repeats(table: Table, column: str, label: str | None) -> bool:
    """Whether values stand in two rows or more on average, and are not just the label by another name."""
    pairs = [(value, _name(record.values.get(label or ""))) for record in table.records
             if (value := _name(record.values.get(column))) is not None]
    distinct = len({value for value, _ in pairs})
    is_label = len(set(pairs)) == distinct == len({name for _, name in pairs})
    return distinct > 1 and 2 * distinct <= len(pairs) and not is_label


def _name(value: object) -> str | None:
    try:
        return name_of(value)
    except TypeError:
        return None  # lists and objects identify no group


def _core(label: str) -> Hashable:
    """What alike labels share; numbers and labels of signs only, such as +1, -1, + and -, are alike to nothing."""
    letters = "".join(sign for sign in text_key(label) if sign.isalnum())
    return letters if any(sign.isalpha() for sign in letters) else ("as it is", label)


def _counts(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Each label and its number of rows, the rarest first."""
    return sorted(Counter(str(row.target) for row in rows).items(), key=lambda item: (item[1], item[0]))


def _listed(labels: Sequence[tuple[str, int]]) -> str:
    return some([f"'{label}' ({number:,})" for label, number in labels], SHOWN)


def _by_label(rows: Sequence[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[str(row.target)].append(row)
    return grouped


def _by_text(rows: Sequence[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[text_key(row.text)].append(row)
    return grouped
