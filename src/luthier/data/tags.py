"""Tag schemes of token labelling (IOB1, IOB2, IOBES, BILOU, IO): which one data are in, and tags to spans and back.

A tag is "O", or a letter and a label ("B-PER"; the label may hold hyphens), or a letter alone, whose label is then "_" (as in
seqeval). Ranges are of tokens, end exclusive. IOB1 and IOB2: Ramshaw & Marcus 1995, Tjong Kim Sang & Veenstra 1999; IOBES with
M for I and W for S (BMES, BMEWO) and BILOU (Ratinov & Roth 2009) differ in letters alone.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

TokenSpan = tuple[int, int, str]
"""(first token, token after the last, label)."""

OUTSIDE = "O"
UNNAMED = "_"
"""The label of a tag that is a letter alone."""

_OPEN, _CLOSING = ("B", "I"), ("I", "E")
_MEANING = {"O": "O", "B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
_OWN = {"IOBES": frozenset("EMSW"), "BILOU": frozenset("LU")}


class Scheme(enum.StrEnum):
    """How tags mark where a span begins and ends."""

    IOB1 = "IOB1"
    """I- throughout; B- only where a span follows another of its label."""
    IOB2 = "IOB2"
    """B- first, then I-."""
    IOBES = "IOBES"
    """B- first, I- inside, E- last; S- for a single token."""
    BILOU = "BILOU"
    """B- first, I- inside, L- last; U- for a single token."""
    IO = "IO"
    """I- throughout, or the label alone; neighbours of one label are one span."""


_LETTERS = {Scheme.IOB1: "OBI", Scheme.IOB2: "OBI", Scheme.IOBES: "OBIMESW", Scheme.BILOU: "OBILU", Scheme.IO: "OI"}


def detect_scheme(sequences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme that the tags of all sequences are in.

    Letters decide where they can: L or U is BILOU; E, S, M or W is IOBES; labels alone, or I- alone, are IO. Between IOB1 and
    IOB2 it is the one that fewer tags break; where neither is broken more, IOB2.

    Raises:
        ValueError: a tag fits no scheme, or none fits them all; the message says which tag, and where.
    """
    rows = list(sequences)
    pairs: Counter[tuple[str, str]] = Counter()
    for row in rows:
        pairs.update(zip((OUTSIDE, *row), row, strict=False))
    tags = {tag for _, tag in pairs}
    bare = sorted(tag for tag in tags if _parts(tag) is None)
    marked = sorted(tag for tag in tags if tag != OUTSIDE and _parts(tag) is not None)
    if bare:
        wrong = bare if marked or OUTSIDE not in tags else [tag for tag in bare if not _may_be_label(tag)]
        if wrong:
            raise ValueError(_fits_none(wrong[0], rows, marked))
        return Scheme.IO
    letters = {tag[0] for tag in marked}
    own = {scheme: letters & of_scheme for scheme, of_scheme in _OWN.items() if letters & of_scheme}
    if len(own) == 2:
        one, other = (next(tag for tag in marked if tag[0] in found) for found in own.values())
        raise ValueError(f"The tags {one!r} (of IOBES) and {other!r} (of BILOU) are of two schemes. "
                         "Write all tags in one scheme, best as B-LABEL, I-LABEL and O.")
    if own:
        return Scheme(next(iter(own)))
    if letters == {"I"}:
        return Scheme.IO
    breaks = {"I": 0, "B": 0}
    for (before, tag), count in pairs.items():
        letter, label = _split(tag)
        if letter != OUTSIDE and not _continues(before, label):
            breaks[letter] += count
    return Scheme.IOB1 if breaks["I"] > breaks["B"] else Scheme.IOB2


def spans_of(tags: Sequence[str], scheme: Scheme) -> list[TokenSpan]:
    """The spans that tags mark, read leniently (conlleval; Tjong Kim Sang & De Meulder 2003): `repairs` says where.

    Raises:
        ValueError: a tag is not one of the scheme.
    """
    return _chunks([_read(tag, position, scheme) for position, tag in enumerate(tags)])


def repairs(tags: Sequence[str], scheme: Scheme) -> list[int]:
    """The positions of tags that break the scheme, ascending.

    IOB2: an I- that continues nothing; IOB1: a B- that follows no span of its label; IOBES and BILOU: an inside or last tag that
    continues nothing, and a first or inside tag that nothing continues. IO cannot be broken.

    Raises:
        ValueError: a tag is not one of the scheme.
    """
    read = [_read(tag, position, scheme) for position, tag in enumerate(tags)]
    if scheme is Scheme.IO:
        return []
    if scheme in (Scheme.IOB1, Scheme.IOB2):
        wrong = "B" if scheme is Scheme.IOB1 else "I"
        return [i for i, (letter, label) in enumerate(read)
                if letter == wrong and not (i and read[i - 1] in (("B", label), ("I", label)))]
    padded = [(OUTSIDE, ""), *read, (OUTSIDE, "")]
    return [i for i, (before, (letter, label), after) in enumerate(zip(padded, read, padded[2:], strict=False))
            if (letter in _CLOSING and before not in [(open_, label) for open_ in _OPEN])
            or (letter in _OPEN and after not in [(closing, label) for closing in _CLOSING])]


def _chunks(read: Sequence[tuple[str, str]]) -> list[TokenSpan]:
    """Runs of tags that continue one another."""
    spans: list[TokenSpan] = []
    before = OUTSIDE
    for position, (letter, label) in enumerate(read):
        if letter != OUTSIDE:
            if before in _OPEN and letter in _CLOSING and spans[-1][2] == label:
                spans[-1] = (spans[-1][0], position + 1, label)
            else:
                spans.append((position, position + 1, label))
        before = letter
    return spans


@lru_cache(maxsize=4096)
def _parts(tag: str) -> tuple[str, str] | None:
    """(what the letter means: O, B, I, E or S; the label), or None of a tag that has no such letter."""
    letter, hyphen, label = tag[:1], tag[1:2], tag[2:]
    if letter not in _MEANING or not letter or (hyphen != "-" and hyphen) or (hyphen and not label):
        return None
    if letter == OUTSIDE:
        return None if hyphen else (OUTSIDE, "")
    return _MEANING[letter], label or UNNAMED


def _split(tag: str) -> tuple[str, str]:
    return _parts(tag) or ("I", tag)


def _continues(before: str, label: str) -> bool:
    return _split(before) in (("B", label), ("I", label))


def _read(tag: str, position: int, scheme: Scheme) -> tuple[str, str]:
    """`_parts`, where a label alone is inside a span in IO."""
    parts = _parts(tag)
    if parts is None and scheme is Scheme.IO and _may_be_label(tag):
        return "I", tag
    if parts is None or tag[0] not in _LETTERS[scheme]:
        raise ValueError(f"The tag {tag!r} (token {position + 1}) is not one of {scheme}: {', '.join(_examples(scheme))}.")
    return parts


def _examples(scheme: Scheme) -> list[str]:
    return [letter if letter == OUTSIDE else f"{letter}-LABEL" for letter in _LETTERS[scheme] if letter not in "MW"]


def _may_be_label(tag: str) -> bool:
    """Whether a tag without a letter can be a label alone: not one character, and not a letter of no scheme ("X-PER", "b-per")."""
    return len(tag.strip()) > 1 and re.match(r"[^\W\d_][-_:]", tag) is None


def _fits_none(tag: str, rows: Sequence[Sequence[str]], marked: Sequence[str]) -> str:
    sequence, token = next((i, list(row).index(tag)) for i, row in enumerate(rows, 1) if tag in row)
    beside = f" beside tags such as {marked[0]!r}" if marked else ""
    return (f"The tag {tag!r} (sequence {sequence}, token {token + 1}) fits no tag scheme{beside}. "
            "Write every tag as O, or as B-LABEL for the first token of an entity and I-LABEL for those after it.")
