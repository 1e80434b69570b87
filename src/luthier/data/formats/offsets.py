"""Where spans stand: offsets as a tool stored them become characters (code points), the end exclusive.

JavaScript counts UTF-16 units, in which a character beyond U+FFFF (most emoji) is two, so that every later offset of its
text is too large. Whether a file counts so is told by evidence alone: offsets that fit their text, or the span's text that
was stored with them, in one of the two ways only.
"""

from __future__ import annotations

import bisect
import enum
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from luthier.data.findings import Finding
from luthier.data.formats.table import finding
from luthier.data.places import raise_together, unit
from luthier.data.row import Span

LAST_OF_TWO_BYTES = "\uffff"


@dataclass(frozen=True, slots=True)
class Stored:
    """A span as a tool wrote it; `text` is the part of the text that it names, where the tool stored that too."""

    start: int
    end: int
    label: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with the spans of one annotator; `line` is where it stands."""

    line: int
    text: str
    spans: tuple[Stored, ...]


class _Units(enum.Enum):
    """What a span's offsets can be counted in."""

    EITHER = "either"
    CHARACTERS = "characters"
    UTF16 = "UTF-16 units"
    NEITHER = "neither"


def settle(name: str, rows: Sequence[Marked], least: int = 1) -> tuple[list[tuple[Span, ...]], list[Finding]]:
    """The spans of each row in characters, in the order of the text, and what is to be said about their conversion.

    Offsets are taken as UTF-16 units where the file holds spans that fit only so, and none that fits only as characters;
    in a file that holds both, each row goes by its own. A span that fits only as UTF-16 units is an error where the words of
    the other spans say that they are characters. Where every span could be either, they are UTF-16 units if all spans
    that make a difference, and at least `least`, then begin and end where words do, and as characters none does.

    Raises:
        DataError: spans that fit neither way (the first ten): row, span, text, and the nearest span that fits.
    """
    rulers = [_Ruler(row.text) for row in rows]
    kinds = [[ruler.units(span) for span in row.spans] for row, ruler in zip(rows, rulers, strict=True)]
    raise_together([_misfit(name, row, span) for row, found in zip(rows, kinds, strict=True)
                  for span, kind in zip(row.spans, found, strict=True) if kind is _Units.NEITHER])
    seen = set(itertools.chain.from_iterable(kinds))
    differing, as_characters, as_units = _on_words_both_ways(rows, rulers, kinds)
    if _Units.UTF16 in seen and _Units.CHARACTERS not in seen and as_characters > as_units:  # a few wrong spans, no other count
        raise_together([_misfit(name, row, span) for row, found in zip(rows, kinds, strict=True)
                      for span, kind in zip(row.spans, found, strict=True) if kind is _Units.UTF16 and span.text is None])
    if _Units.UTF16 in seen and _Units.CHARACTERS in seen:
        wide = [_Units.UTF16 in found and _Units.CHARACTERS not in found for found in kinds]
        raise_together([_mixed(name, row) for row, found in zip(rows, kinds, strict=True)
                      if {_Units.UTF16, _Units.CHARACTERS} <= set(found)])
    else:
        words = differing >= max(least, 1) and as_units == differing and not as_characters
        wide = [_Units.UTF16 in seen or (_Units.CHARACTERS not in seen and words)] * len(rows)
    spans = [tuple(sorted(ruler.span(span, wide=is_wide) for span in row.spans))
             for row, ruler, is_wide in zip(rows, rulers, wide, strict=True)]
    changed = [row.line for row, ruler, is_wide in zip(rows, rulers, wide, strict=True) if is_wide and any(
        ruler.span(span, wide=True) != ruler.span(span, wide=False) for span in row.spans)]
    lines = list(dict.fromkeys(changed))
    findings = [finding(name, "utf16-offsets", "with spans counted in UTF-16 units, as JavaScript tools do (an emoji is two): "
                        "converted to characters", lines)] if lines else []
    return spans, findings


class _Ruler:
    """Converts the offsets of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._wide = [place for place, letter in enumerate(text) if letter > LAST_OF_TWO_BYTES] if not text.isascii() else []
        self._units = [place + number for number, place in enumerate(self._wide)]

    def units(self, span: Stored) -> _Units:
        as_characters = self._fits(span, span.start, span.end)
        start, end = self.character(span.start), self.character(span.end)
        as_units = start is not None and end is not None and self._fits(span, start, end)
        if as_characters and (as_units or (start, end) == (span.start, span.end)):
            return _Units.EITHER
        if as_characters:
            return _Units.CHARACTERS
        return _Units.UTF16 if as_units else _Units.NEITHER

    def character(self, unit: int) -> int | None:
        """The character at a UTF-16 unit; None inside a pair, or outside the text."""
        before = bisect.bisect_left(self._units, unit)
        if before and self._units[before - 1] == unit - 1:
            return None
        place = unit - before
        return place if 0 <= place <= len(self.text) else None

    def span(self, span: Stored, *, wide: bool) -> Span:
        if not wide:
            return Span(span.start, span.end, span.label)
        start, end = self.character(span.start), self.character(span.end)
        return Span(span.start if start is None else start, span.end if end is None else end, span.label)

    def _fits(self, span: Stored, start: int, end: int) -> bool:
        if not 0 <= start < end <= len(self.text):
            return False
        return span.text is None or same(self.text[start:end], span.text)


def same(part: str, stored: str) -> bool:
    """Whether a stored text is this part of the text, but for the spaces and line ends that tools change."""
    return part == stored or part.split() == stored.replace("\\n", "\n").split()


def _on_words_both_ways(rows: Sequence[Marked], rulers: Sequence[_Ruler],
                        kinds: Sequence[Sequence[_Units]]) -> tuple[int, int, int]:
    """How many spans can be either and differ, and how many of them stand on words as characters, and as UTF-16 units."""
    differing = as_characters = as_units = 0
    for row, ruler, found in zip(rows, rulers, kinds, strict=True):
        for span, kind in zip(row.spans, found, strict=True):
            plain, wide = ruler.span(span, wide=False), ruler.span(span, wide=True)
            if kind is _Units.EITHER and plain != wide:
                differing += 1
                as_characters += _on_words(row.text, plain)
                as_units += _on_words(row.text, wide)
    return differing, as_characters, as_units


def _on_words(text: str, span: Span) -> bool:
    """Whether a span begins and ends where a word does, and not with a space."""
    part = text[span.start:span.end]
    return part == part.strip() and not _inside(text, span.start) and not _inside(text, span.end)


def _inside(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


def _misfit(name: str, row: Marked, span: Stored) -> str:
    where = f"{name} {unit(name)} {row.line}: the span [{span.start}, {span.end}] '{span.label}'"
    length = len(row.text)
    if span.start >= span.end:
        what = "has no character between its start and its end"
    elif span.start < 0 or span.end > length:
        what = f"reaches beyond its text of {length} characters"
    else:
        what = f"holds {_short(row.text[span.start:span.end])}"
    stored = f", not {_short(span.text)} as stored with it" if span.text is not None else ""
    near = nearest_span(row.text, span)
    hint = f" Nearest valid span: [{near.start}, {near.end}] {_short(row.text[near.start:near.end])}." if near and (
        near.start, near.end) != (span.start, span.end) else ""
    return f"{where} {what}{stored}, in {_short(row.text, 60)}.{hint} Correct the offsets, or remove the span."


def nearest_span(text: str, span: Stored) -> Span | None:
    """The span that was probably meant: where the stored text stands, else the words that the offsets touch."""
    if span.text and (places := _occurrences(text, span.text)):
        start = min(places, key=lambda place: abs(place - span.start))
        return Span(start, start + len(span.text), span.label)
    start, end = sorted((min(max(span.start, 0), len(text)), min(max(span.end, 0), len(text))))
    if start == end:
        start, end = max(start - 1, 0), min(end + 1, len(text))
    while start > 0 and _inside(text, start):
        start -= 1
    while end < len(text) and _inside(text, end):
        end += 1
    part = text[start:end]
    start, end = start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
    return Span(start, end, span.label) if start < end else None


def _occurrences(text: str, part: str) -> list[int]:
    found, place = [], text.find(part)
    while place >= 0:
        found.append(place)
        place = text.find(part, place + 1)
    return found


def _mixed(name: str, row: Marked) -> str:
    return (f"{name} {unit(name)} {row.line}: some of its spans fit {_short(row.text, 60)} only as characters, others only as "
            "UTF-16 units. Correct their offsets.")


def _short(text: str | None, most: int = 40) -> str:
    text = text or ""
    return repr(text if len(text) <= most else f"{text[:most]}…")
