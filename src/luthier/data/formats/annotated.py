"""What annotation tools have in common: items with the answers of one or several people to one or several questions.

A tool's reader makes an `Item` of each text; `table` settles who is believed (`--annotators first|majority|NAME`), says how
far people agree, converts offsets, and names the columns: `label`, `labels` or `spans` for one question, the questions' own
names where there are several of a kind.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.data.cells import whole_number
from luthier.data.findings import Finding, Severity
from luthier.data.formats.offsets import Marked, Stored, settle
from luthier.data.formats.table import Record, Table, columns_of, distinct_columns, finding
from luthier.data.options import DataOptions
from luthier.data.row import Span
from luthier.errors import DataError, nearest

TEXT_NAMES = ("text", "sentence", "body", "content", "review", "comment", "message", "document", "question", "title", "html")
"""Names of the field that holds the text, the first before the others."""
RULES = FIRST, MAJORITY = "first", "majority"
"""The values of --annotators that are no names."""
NOBODY = ""
"""In place of an annotator: only texts are wanted, of annotated and other items alike, to predict on."""

Value = tuple[str, ...] | float | tuple[Stored, ...] | tuple[Span, ...]
"""An answer: names that were chosen, a number, or spans, as stored and later in characters. No name, no span: ()."""


@dataclass(frozen=True)
class Answer:
    """What one person ("" where the tool does not say who) answered to one question."""

    annotator: str
    value: Value


@dataclass(frozen=True)
class Item:
    """A text with its other columns, and its answers by question; without any answer it is not annotated.

    `several` are questions that allow several names by the tool's own word.
    """

    line: int
    values: dict[str, Any]
    answers: Mapping[str, Sequence[Answer]]
    several: frozenset[str] = frozenset()


@dataclass
class Left:
    """The lines that a reader leaves out, by the reason ("rejected (answer: reject)")."""

    lines: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def findings(self, name: str) -> list[Finding]:
        """One finding a reason."""
        return [finding(name, "left-out", f"left out: {reason}", lines) for reason, lines in self.lines.items() if lines]


def table(name: str, tool: str, items: Sequence[Item], options: DataOptions, left: Left, text: str = "text") -> Table:
    """The table of annotated items, whose texts stand in the column `text`.

    Raises:
        DataError: no item is annotated, an unknown annotator, answers of several kinds to one question, offsets that do
            not fit.
    """
    if options.annotators == NOBODY:
        rows = [Record(item.line, item.values) for item in items]
        return Table(name, distinct_columns(name, columns_of(rows)), rows,
                     (finding(name, "read-as", f"read as {tool}"), *left.findings(name)))
    left.lines["not annotated"] += [item.line for item in items if not item.answers]
    findings = [finding(name, "read-as", f"read as {tool}"), *left.findings(name)]
    questions = list(dict.fromkeys(question for item in items for question in item.answers))
    if not questions:
        said = "".join(f" {found}" for found in findings[1:])
        raise DataError(f"{name}: read as {tool}, and none of its rows is annotated.{said} Label some, and export them again.")
    kinds = {question: _kind(name, question, items) for question in questions}
    values: dict[str, dict[int, Any]] = {}
    settled: dict[str, Mapping[int, Any]] = {}
    for question in questions:
        answers = {item.line: list(item.answers[question]) for item in items if item.answers.get(question)}
        if kinds[question] is Stored:
            spans, said_offsets = _characters(name, items, question, text)
            answers = {line: [Answer(given.annotator, marked) for given, marked in zip(answers[line], spans[line], strict=True)]
                       for line in answers}
            findings += said_offsets
        settled[question], said_people = choose(name, answers, options.annotators, kinds[question])
        findings += said_people
    columns = _columns(questions, kinds, settled, items)
    for question in questions:
        values[question] = {line: _cell(value, columns[question]) for line, value in settled[question].items()}
    records = []
    for item in items:
        own = {columns[question][0]: values[question][item.line] for question in questions if item.line in values[question]}
        if own:
            records.append(Record(item.line, {(f"data.{key}" if key in own else key): value
                                              for key, value in item.values.items()} | own))
    if len(questions) > 1:
        findings.append(finding(name, "several-questions", f"it has several kinds of labels, in the columns "
                                f"{', '.join(repr(column) for column, _ in columns.values())}",
                                severity=Severity.WARNING, advice="Choose one with --label-column NAME."))
    return Table(name, distinct_columns(name, columns_of(records)), records, tuple(findings))


def _kind(name: str, question: str, items: Iterable[Item]) -> type:
    """What the answers to a question are: Stored (spans), float or str (names)."""
    kinds: dict[type, int] = {}
    for item in items:
        for answer in item.answers.get(question, ()):
            if isinstance(answer.value, float):
                kinds.setdefault(float, item.line)
            elif answer.value:
                kinds.setdefault(type(answer.value[0]), item.line)
    if len(kinds) > 1:
        words = {Stored: "spans", float: "numbers", str: "names"}
        listed = ", ".join(f"{words[kind]} (row {line})" for kind, line in kinds.items())
        raise DataError(f"{name}: the answers to '{question}' are of several kinds: {listed}. Export each task on its own.")
    return next(iter(kinds), str)


def _characters(name: str, items: Sequence[Item], question: str,
                text: str) -> tuple[dict[int, list[tuple[Span, ...]]], list[Finding]]:
    marked = []
    for item in items:
        for answer in item.answers.get(question, ()):
            value = item.values.get(text)
            assert not isinstance(answer.value, float)
            marked.append(Marked(item.line, value if isinstance(value, str) else "",
                                 tuple(span for span in answer.value if isinstance(span, Stored))))
    spans, findings = settle(name, marked)
    by_line: dict[int, list[tuple[Span, ...]]] = defaultdict(list)
    for row, found in zip(marked, spans, strict=True):
        by_line[row.line].append(found)
    return by_line, findings


def _columns(questions: Sequence[str], kinds: Mapping[str, type], settled: Mapping[str, Mapping[int, Any]],
             items: Sequence[Item]) -> dict[str, tuple[str, str]]:
    """The column of each question, and the standard column whose form it has."""
    forms = {}
    for question in questions:
        if kinds[question] is Stored:
            forms[question] = "spans"
        elif kinds[question] is str and (any(question in item.several for item in items) or any(
                len(value) > 1 for value in settled[question].values())):
            forms[question] = "labels"
        else:
            forms[question] = "label"
    shared = Counter("label" if form == "labels" else form for form in forms.values())
    return {question: (form if shared["label" if form == "labels" else form] == 1 else question, form)
            for question, form in forms.items()}


def _cell(value: Any, column: tuple[str, str]) -> Any:
    if column[1] == "spans":
        return [{"start": span.start, "end": span.end, "label": span.label} for span in value]
    if column[1] == "labels":
        return list(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value[0] if value else None


# Several annotators

def choose(name: str, answers: Mapping[int, Sequence[Any]], rule: str, kind: type) -> tuple[dict[int, Any], list[Finding]]:
    """One value for each item by `rule`, and what is to be said: agreement, ties, items that the one named did not label.

    "first" takes the first answer in the file. "majority" takes the name or number that most gave, or of several names and
    of spans those that more than half gave; where that leaves a tie, the item is left out. Anything else is the name of an
    annotator.

    Raises:
        DataError: no annotator has this name.
    """
    people = list(dict.fromkeys(answer.annotator for given in answers.values() for answer in given if answer.annotator))
    if rule not in RULES and rule not in people:
        known = f"It has: {', '.join(people)}.{nearest(rule, people)}" if people else "It does not name any."
        raise DataError(f"{name}: no annotator is called '{rule}'. {known} Or give --annotators first or majority.")
    findings = agreement(name, answers, rule, kind)
    values: dict[int, Any] = {}
    missed: list[int] = []
    for line, given in answers.items():
        if rule == FIRST:
            values[line] = given[0].value
        elif rule == MAJORITY:
            value = _majority([answer.value for answer in given], kind)
            (missed.append(line) if value is None else values.update({line: value}))
        else:
            own = [answer.value for answer in given if answer.annotator == rule]
            (values.update({line: own[0]}) if own else missed.append(line))
    if missed:
        what = "on which annotators are tied" if rule == MAJORITY else f"that {rule} did not label"
        findings.append(finding(name, "annotators", f"{what}: left out", missed))
    return values, findings


def _majority(values: Sequence[Any], kind: type) -> Any:
    """What most gave; None where there is a tie."""
    if kind is float or (kind is str and all(len(value) <= 1 for value in values)):
        (value, times), *others = Counter(values).most_common(2)
        return None if others and others[0][1] == times else value
    votes = Counter(part for value in values for part in set(value))
    if any(2 * times == len(values) for times in votes.values()):
        return None
    return tuple(sorted(part for part, times in votes.items() if 2 * times > len(values)))


def agreement(name: str, answers: Mapping[int, Sequence[Answer]], rule: str, kind: type) -> list[Finding]:
    """How far annotators agree on the items that several labelled; nothing where none was.

    Names and numbers: the share of pairs of answers that are equal, and Krippendorff's alpha (nominal, or interval for
    numbers). Spans: F1 of one annotator's against the other's, equal start, end and label (Hripcsak and Rothschild 2005).
    """
    shared: dict[int, list[Any]] = {line: [answer.value for answer in given] for line, given in answers.items() if len(given) > 1}
    if not shared:
        return []
    if kind is Stored:
        figures = f"exact spans F1 {pairwise_f1(list(shared.values())):.2f}"
    else:
        pairs = [left == right for values in shared.values() for left, right in itertools.combinations(values, 2)]
        value = alpha(list(shared.values()), interval=kind is float)
        figures = f"{sum(pairs) / len(pairs):.0%} of pairs of answers are equal, Krippendorff's alpha {value:.2f}"
    return [finding(name, "agreement", f"labelled by several annotators (agreement: {figures}; no model can be shown to be "
                    f"better than that), settled by --annotators {rule}", list(shared))]


def alpha(units: Sequence[Sequence[Hashable]], *, interval: bool = False) -> float:
    """Krippendorff's alpha over units with two or more answers each (Krippendorff 2011); 1 where all answers are equal.

    The distance of two answers is 1 if they differ, or the square of their difference if `interval`.
    """
    values = Counter(value for unit in units if len(unit) > 1 for value in unit)
    total = sum(values.values())

    def distance(left: Any, right: Any) -> float:
        return float(left - right) ** 2 if interval else float(left != right)

    expected = sum(times * values[other] * distance(value, other) for value, times in values.items() for other in values)
    if not expected:
        return 1.0
    observed = 0.0
    for unit in units:
        if len(unit) > 1:
            counts = Counter(unit)
            observed += sum(times * counts[other] * distance(value, other)
                            for value, times in counts.items() for other in counts) / (len(unit) - 1)
    return 1 - (total - 1) * observed / expected


def pairwise_f1(units: Sequence[Sequence[tuple[Hashable, ...]]]) -> float:
    """F1 of exact spans over all pairs of annotators of each unit, pooled; 1 where nobody marked anything."""
    common = marked = 0
    for unit in units:
        for left, right in itertools.combinations(unit, 2):
            common += len(set(left) & set(right))
            marked += len(set(left)) + len(set(right))
    return 2 * common / marked if marked else 1.0


# What readers share

def text_field(items: Iterable[Mapping[str, Any]], options: DataOptions, without: Iterable[str] = ()) -> tuple[str, str] | None:
    """Which field holds the texts, and the column that it becomes: `text`, or its own name if that was asked for.

    The one that --text-column names, else one with a usual name, else the one with the longest texts; None without any.
    """
    lengths: Counter[str] = Counter()
    skipped = set(without)
    for item in items:
        for key, value in item.items():
            if isinstance(value, str) and key not in skipped:
                lengths[key] += len(value) + 1
    for key in options.text_columns:
        if key in lengths:
            return key, key
    usual = [key for known in TEXT_NAMES for key in lengths if key.lower() == known]
    found = usual[0] if usual else next((key for key, _ in lengths.most_common(1)), None)
    return (found, "text") if found is not None else None


def renamed(values: Mapping[str, Any], source: str, column: str) -> dict[str, Any]:
    """The values with the text first, in `column`; another field of that name becomes `data.NAME`."""
    others = {(f"data.{key}" if key == column else key): value for key, value in values.items() if key != source}
    return {column: values.get(source)} | others


def stored(where: str, value: Any, *, start: str = "start", end: str = "end", label: str = "label",
           text: str = "text") -> Stored:
    """A span out of a dict.

    Raises:
        DataError: its offsets are no whole numbers, or it has no label.
    """
    if not isinstance(value, Mapping):
        raise DataError(f"{where}: a span must be an object with '{start}', '{end}' and '{label}', not {str(value)[:40]!r}. "
                        "Correct it.")
    return spanned(where, value.get(start), value.get(end), value.get(label), value.get(text))


def spanned(where: str, start: Any, end: Any, label: Any, text: Any = None) -> Stored:
    """A span out of its parts.

    Raises:
        DataError: its offsets are no whole numbers, or it has no label.
    """
    low, high = whole_number(start), whole_number(end)
    if low is None or high is None:
        raise DataError(f"{where}: a span goes from {str(start)[:40]!r} to {str(end)[:40]!r}, which are no whole numbers. Give "
                        "the offsets of its first character and of the one after its last.")
    if not isinstance(label, str | int) or isinstance(label, bool) or not str(label).strip():
        raise DataError(f"{where}: the span [{start}, {end}] has no label. Give it one, or remove it.")
    return Stored(low, high, str(label).strip(), text if isinstance(text, str) else None)


def names(where: str, value: Any) -> tuple[str, ...]:
    """A name or a list of names, each once.

    Raises:
        DataError: anything else.
    """
    listed = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(name, str | int | float) for name in listed):
        raise DataError(f"{where}: {str(value)[:40]!r} is no label and no list of labels. Correct it.")
    return tuple(dict.fromkeys(str(name).strip() for name in listed if str(name).strip()))
