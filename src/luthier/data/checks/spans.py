"""Checks of entities."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from luthier.data.checks.common import Parts, entities, every, finding, label_counts, listed, shown
from luthier.data.findings import Finding, Severity
from luthier.data.places import count, percent, places
from luthier.data.row import Row, Span, Split

LONG_WORDS = 15
"""Few names have more words than this."""
MOST_WORDS = 6
"""The longest surfaces that are looked for where they are not labelled."""
FEWEST_MENTIONS = 3
EXAMPLES = 5
LISTED_LABELS = 30
_WORD = re.compile(r"\w+(?:['’.&-]\w+)*|[^\w\s]")
_EDGE = re.compile(r"^[\s,;:!?…\"“”‘«»]|[\s,;:…\"“”’«»]$")
"""White space or punctuation that begins or ends no name; full stops, dashes and signs such as # and @ do."""


def no_entities(train: Sequence[Row]) -> list[Finding]:
    """Training rows without any entity."""
    if any(row.target for row in train):
        return []
    return [finding("no-entities", Severity.ERROR, f"None of the {count(len(train), 'training row')} has an entity.",
                    "Give rows with labelled spans, or use another --label-column.")]


def inventory(parts: Parts) -> list[Finding]:
    """How many mentions each label has, and how many rows have none."""
    train = parts[Split.TRAIN]
    counts = label_counts(train)[::-1]
    without = sum(not row.target for row in train)
    total = sum(number for _, number in counts)
    return [finding("entities", Severity.NOTE, f"{entities(total)} of {count(len(counts), 'label')} in "
                    f"{count(len(train), 'training row')}: {listed(counts, LISTED_LABELS)}; "
                    f"{percent(without / len(train))} of the rows have none.")] if train else []


def edges(parts: Parts) -> list[Finding]:
    """Entities that begin or end with white space or punctuation."""
    odd = [(row, span) for row in every(parts) for span in spans_of(row) if _odd_edge(row.text[span.start:span.end])]
    if not odd:
        return []
    rows = list(dict.fromkeys(row for row, _ in odd))
    return [finding("span-edge", Severity.WARNING,
                    f"{entities(len(odd))} beginning or ending with white space or punctuation, such as "
                    f"{_shown(odd)} ({places(rows)}).",
                    "Where the edge is a slip, a right answer counts as wrong: trim the spans.", rows)]


def _odd_edge(name: str) -> bool:
    """Whether a name begins or ends with white space, punctuation, or a bracket whose other half is not in it."""
    brackets = any(name.startswith(closing) or name.endswith(opening) or
                   (name.startswith(opening) and closing not in name) or (name.endswith(closing) and opening not in name)
                   for opening, closing in ("()", "[]", "{}"))
    return brackets or _EDGE.search(name) is not None


def long_spans(parts: Parts) -> list[Finding]:
    """Entities of very many words."""
    long = [(row, span) for row in every(parts) for span in spans_of(row)
            if len(_WORD.findall(row.text[span.start:span.end])) > LONG_WORDS]
    if not long:
        return []
    rows = list(dict.fromkeys(row for row, _ in long))
    return [finding("long-span", Severity.WARNING,
                    f"{entities(len(long))} of more than {LONG_WORDS} words, such as "
                    f"{_shown(long)} ({places(rows)}).", "Look whether a mark of their end is missing.", rows)]


def inconsistent(parts: Parts) -> list[Finding]:
    """The same words with several labels, and words that are as often left unlabelled as labelled."""
    rows = every(parts)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for span in spans_of(row):
            labels[_surface(row.text[span.start:span.end])][span.label] += 1
    return [*_several(rows, labels), *_left_out(rows, labels)]


def _several(rows: Sequence[Row], labels: dict[str, Counter[str]]) -> list[Finding]:
    mixed = {surface: own for surface, own in labels.items() if len(own) > 1}
    if not mixed:
        return []
    worst = sorted(mixed.items(), key=lambda item: (item[1].most_common(1)[0][1] - item[1].total(), item[0]))
    examples = "; ".join(f"{shown(surface, 40)} " + ", ".join(f"{label} ({number:,})" for label, number in own.most_common())
                         for surface, own in worst[:EXAMPLES])
    minority = [row for row in rows if any(
        (own := mixed.get(_surface(row.text[span.start:span.end]))) and span.label != own.most_common(1)[0][0]
        for span in spans_of(row))]
    mentions = sum(own.total() for own in mixed.values())
    return [finding("mixed-span", Severity.NOTE,
                    f"{count(len(mixed), 'name')} with more than one label, in {mentions:,} of "
                    f"{sum(own.total() for own in labels.values()):,} mentions: {examples} (the rarer label in "
                    f"{places(minority)}).", "That is right where a name means several things; correct the others.", minority)]


def _left_out(rows: Sequence[Row], labels: dict[str, Counter[str]]) -> list[Finding]:
    """Names labelled several times that stand unlabelled at least as often; those without a capital are words, not names."""
    names = {surface: own.total() for surface, own in labels.items() if own.total() >= FEWEST_MENTIONS and len(surface) > 1
             and any(sign.isupper() for sign in surface) and len(_WORD.findall(surface)) <= MOST_WORDS}
    longest = max((len(_WORD.findall(surface)) for surface in names), default=0)
    missed: dict[str, list[Row]] = defaultdict(list)
    for row in rows if names else ():
        taken = [(span.start, span.end) for span in spans_of(row)]
        for start, end in _sequences(row.text, longest):
            surface = _surface(row.text[start:end])
            if surface in names and not any(low < end and start < high for low, high in taken):
                missed[surface].append(row)
    often = {surface: found for surface, found in missed.items() if len(found) >= names[surface]}
    if not often:
        return []
    worst = sorted(often.items(), key=lambda item: (-len(item[1]), item[0]))
    examples = "; ".join(f"{shown(surface, 40)} {names[surface]:,} times labelled, {len(found):,} times not"
                         for surface, found in worst[:EXAMPLES])
    where = list(dict.fromkeys(row for _, found in worst for row in found))
    return [finding("unlabelled-span", Severity.WARNING,
                    f"{count(len(often), 'name')} labelled in some rows and left unlabelled at least as often: {examples} "
                    f"({places(where)}).", "A model learns to miss what is missed in training: label these, or none.", where)]


def _sequences(text: str, longest: int) -> Iterator[tuple[int, int]]:
    """Bounds of every run of up to `longest` words."""
    words = [match.span() for match in _WORD.finditer(text)]
    for first, (start, _) in enumerate(words):
        for _, end in words[first:first + longest]:
            yield start, end


def _surface(text: str) -> str:
    return " ".join(text.split())


def spans_of(row: Row) -> tuple[Span, ...]:
    """The entities of a row."""
    return tuple(part for part in row.target if isinstance(part, Span)) if isinstance(row.target, tuple) else ()


def _shown(odd: Sequence[tuple[Row, Span]]) -> str:
    return ", ".join(f"{shown(row.text[span.start:span.end], 40) if row.text[span.start:span.end].strip() else repr(' ')} "
                     f"({span.label})" for row, span in odd[:EXAMPLES])
