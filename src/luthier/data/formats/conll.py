"""CoNLL and its variants: one token a line, its tag in the last column, a blank line after each sentence.

Columns are parted by tabs, else by spaces. `-DOCSTART-` lines (or `# newdoc`) begin documents, which the column `document`
names; other comment lines begin with `#`. A first column that numbers the tokens, as in CoNLL-U, is passed over. Written
are two columns with tabs, tags in IOB2.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from luthier.data.findings import Finding, Severity
from luthier.data.formats.decoding import numbered_lines, read_text
from luthier.data.formats.table import DEFAULTS, Record, Table, finding
from luthier.data.options import DataOptions
from luthier.data.places import raise_together
from luthier.data.row import Kind, Row, Span
from luthier.errors import ConfigError, DataError
from luthier.files import whole_file

UNCLEAR = (".txt", ".tsv")
"""Suffixes that do not tell the format, so that it is said."""
DOCSTART = "-DOCSTART-"
TAG = re.compile(r"O|[BIESLUM]-\S+")
"""Tags that no one mistakes for words."""
SAMPLE = 400
"""Lines that are looked at to tell whether a .txt or .tsv file is CoNLL."""
LONG_LINE = 500
"""Characters that no line of a token has."""
COMMENT = re.compile(r"#\s*(?:id\b|[\w.]+(?:\s+\w+)?\s*=|newdoc\b|newpar\b)")
NUMBERED = re.compile(r"\d+")
UNWORDED = re.compile(r"\d+[-.]\d+")
"""Ids of CoNLL-U lines that are no tokens: ranges of words (2-3) and empty nodes (2.1)."""


@dataclass
class _Sentence:
    line: int
    document: str | None
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


def fits(text: str) -> bool:
    """Whether the first lines of a text are clearly tokens with tags, without a header."""
    tags = set()
    widths = set()
    lines = 0
    for number, line in numbered_lines(text[:SAMPLE * LONG_LINE]):
        if number > SAMPLE:
            break
        if not line.strip() or line.startswith(DOCSTART) or _is_comment(line, "\t" in line, 0):
            continue
        cells = _cells(line, "\t" in line)
        widths.add(len(cells))
        tags.add(cells[-1])
        lines += 1
    return lines > 1 and len(widths) == 1 and widths != {1} and all(TAG.fullmatch(tag) for tag in tags)


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a CoNLL file: `tokens`, `tags`, and `document` where documents are marked; numbered by first lines.

    Raises:
        DataError: lines that do not have the columns of the others (the first ten), no sentence, or no tags.
    """
    sentences = _sentences(path, read_text(path, options.encoding))
    if not sentences:
        raise DataError(f"{path}: it has no sentence. Write a token and its tag on each line, and a blank line after each "
                        "sentence.")
    if all(tag == "_" for sentence in sentences for tag in sentence.tags):
        raise DataError(f"{path}: its last column holds no tags, only '_'. Put the tags (B-PER, I-PER, O, …) in the last "
                        "column.")
    documents = any(sentence.document is not None for sentence in sentences)
    columns = ("tokens", "tags", "document") if documents else ("tokens", "tags")
    return Table(path.name, columns, [Record(sentence.line, {
        "tokens": sentence.tokens, "tags": sentence.tags, **({"document": sentence.document} if documents else {})})
        for sentence in sentences], (finding(path.name, "read-as", "read as CoNLL"),) if path.suffix.lower() in UNCLEAR else ())


def _sentences(path: Path, text: str) -> list[_Sentence]:
    lines = list(numbered_lines(text))
    tabs, width = _shape(lines)
    if width < 2:
        raise DataError(f"{path}: its lines have one column. Write a token, a tab and its tag (B-PER, I-PER, O, …) on each "
                        "line.")
    numbered = _is_numbered(lines, tabs)
    found: list[_Sentence] = []
    problems: list[str] = []
    current: _Sentence | None = None
    document: str | None = None
    documents = 0
    for number, line in lines:
        started = _document(line)
        if started is not None:
            documents += 1
            document, current = started or str(documents), None
        elif not line.strip(" \t"):
            current = None
        elif not _is_comment(line, tabs, width):
            cells = _cells(line, tabs)
            if len(cells) != width or not cells[numbered] or not cells[-1]:
                problems.append(f"{path} line {number}: {len(cells)} column{'s' * (len(cells) != 1)} where the first line has "
                                f"{width}: {line.strip()[:40]!r}. Write the token first and its tag last, parted by "
                                f"{'tabs' if tabs else 'single spaces'}.")
                continue
            if numbered and UNWORDED.fullmatch(cells[0]):
                continue
            if current is None:
                current = _Sentence(number, document)
                found.append(current)
            current.tokens.append(cells[int(numbered)])
            current.tags.append(_tag(cells[-1]))
    raise_together(problems)
    return found


def _shape(lines: Sequence[tuple[int, str]]) -> tuple[bool, int]:
    """Whether tabs part the columns, and how many the first line of a token has."""
    for _, line in lines:
        if line.strip(" \t") and _document(line) is None and not _is_comment(line, "\t" in line, 0):
            return "\t" in line.strip(), len(_cells(line, "\t" in line.strip()))
    return True, 2


def _is_numbered(lines: Sequence[tuple[int, str]], tabs: bool) -> bool:
    """Whether the first column counts the tokens of each sentence from 1, before at least two others."""
    expected, seen = 1, 0
    for _, line in lines:
        if not line.strip(" \t") or _document(line) is not None:
            expected = 1
            continue
        cells = _cells(line, tabs)
        if _is_comment(line, tabs, 0) or UNWORDED.fullmatch(cells[0]):
            continue
        if len(cells) < 3 or cells[0] not in (str(expected), str(expected - 1)) or not NUMBERED.fullmatch(cells[0]):
            return False
        expected = int(cells[0]) + 1
        seen += 1
        if seen == SAMPLE:
            break
    return seen > 1


def _cells(line: str, tabs: bool) -> list[str]:
    return [cell.strip(" ") for cell in line.split("\t")] if tabs else re.split(r"[ \t]+", line.strip(" \t"))


def _is_comment(line: str, tabs: bool, width: int) -> bool:
    """Comments begin with #; a token may too, and then has columns."""
    if not line.startswith("#"):
        return False
    if COMMENT.match(line) and not (tabs and "\t" in line):
        return True
    return "\t" not in line if tabs else line.startswith("# ") and width != 0 and len(_cells(line, False)) != width


def _document(line: str) -> str | None:
    """The name of the document that a line begins ("" where it has none), None for other lines."""
    if line.startswith(DOCSTART):
        named = re.search(r"\((.+)\)", line)
        return named[1].strip() if named else ""
    if started := re.match(r"#\s*newdoc(?:\s+id\s*=\s*(.*))?$", line):
        return (started[1] or "").strip()
    return None


def _tag(cell: str) -> str:
    """A tag; in the last column of CoNLL-U it stands as NER=B-PER among other features."""
    for part in cell.split("|") if "=" in cell else ():
        name, _, value = part.partition("=")
        if name.lower() in ("ner", "ne", "entity", "tag"):
            return value
    return cell


# Writing

def write(path: Path, rows: Sequence[Row], kind: Kind) -> list[Finding]:
    """Write sentences of tokens with IOB2 tags, and a -DOCSTART- line where the group changes.

    A document goes on until the next begins, so rows without a group are written before all others, and that is said.

    Where single spaces part all texts so that every span begins and ends with a token, those are the tokens, and texts stay
    as they are. Else tokens are words and single marks, cut where spans begin and end; the spaces between them are lost,
    and that is said.

    Raises:
        ConfigError: the rows have no spans, or are pairs.
        DataError: a label with a tab or a line end.
    """
    if kind is not Kind.SPANS:
        raise ConfigError(f"{path}: CoNLL holds entities, and these rows have labels of another kind ({kind.value}). Write .jsonl "
                          "instead.")
    spaced = all(_parted_by_spaces(row) for row in rows)
    lost, changed, empty = [], [], []
    lines: list[str] = []
    group: str | None = None
    alone = [row for row in rows if row.group is None]
    ordered = [*alone, *(row for row in rows if row.group is not None)]
    moved = [] if ordered == list(rows) else alone
    for row in ordered:
        if row.group != group:
            name = " ".join((row.group or "").split())
            lines.append(f"{DOCSTART} ({name})\tO\n\n" if name else f"{DOCSTART}\tO\n\n")
            group = row.group
        places = _tokens(row, spaced)
        tokens = [row.text[start:end] for start, end in places]
        if not tokens:
            empty.append(row)
            continue
        if " ".join(tokens) != row.text:
            changed.append(row)
        tags, kept = _tags(path, row, places)
        if not kept:
            lost.append(row)
        lines += [f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)] + ["\n"]
    with whole_file(path) as stream:
        stream.writelines(lines)
    return [_about(code, severity, what, found) for code, severity, what, found in (
        ("lost-rows", Severity.WARNING, "without a character other than white space: not written", empty),
        ("lost-spans", Severity.WARNING, "with a span of white space alone, which CoNLL cannot hold: that span is left out", lost),
        ("order", Severity.NOTE, "of no group, written before those of groups, where they belong to none in CoNLL either", moved),
        ("spacing", Severity.NOTE, "whose text reads with other spaces from CoNLL, which holds tokens alone", changed)) if found]


def _about(code: str, severity: Severity, what: str, rows: Sequence[Row]) -> Finding:
    return finding(rows[0].file, code, what, [row.line for row in rows], severity=severity)


def _parted_by_spaces(row: Row) -> bool:
    """Whether single spaces alone cut the text into tokens that no span begins or ends within."""
    words = row.text.split(" ")
    if not all(words) or any(_is_blank(letter) for word in words for letter in word) or any(
            word.startswith(DOCSTART) for word in words):
        return False
    places = _words(row.text)
    starts, ends = {start for start, _ in places}, {end for _, end in places}
    return all(span.start in starts and span.end in ends for span in _spans(row))


def _words(text: str) -> list[tuple[int, int]]:
    places, start = [], 0
    for word in text.split(" "):
        places.append((start, start + len(word)))
        start += len(word) + 1
    return places


def _tokens(row: Row, spaced: bool) -> list[tuple[int, int]]:
    """Where the tokens of a row stand."""
    if spaced:
        return _words(row.text)
    cuts = {place for span in _spans(row) for place in (span.start, span.end)}
    places: list[tuple[int, int]] = []
    open_at: int | None = None
    for place, letter in enumerate(row.text):
        mark = _is_mark(letter)
        if open_at is not None and (mark or place in cuts or _is_blank(letter)):
            places.append((open_at, place))
            open_at = None
        if mark:
            places.append((place, place + 1))
        elif open_at is None and not _is_blank(letter):
            open_at = place
    if open_at is not None:
        places.append((open_at, len(row.text)))
    return places


def _tags(path: Path, row: Row, places: Sequence[tuple[int, int]]) -> tuple[list[str], bool]:
    """The IOB2 tags of the tokens, and whether every span has one."""
    tags = ["O"] * len(places)
    kept = True
    for span in _spans(row):
        if set(span.label) & set("\t\n\r\0"):
            raise DataError(f"{path}: the label {span.label!r} ({row.file} line {row.line}) holds a tab, a line end or U+0000, "
                            "which CoNLL cannot. Rename it.")
        inside = [number for number, (start, end) in enumerate(places) if span.start <= start and end <= span.end]
        kept = kept and bool(inside)
        for number in inside:
            tags[number] = f"{'B' if number == inside[0] else 'I'}-{span.label}"
    return tags, kept


def _spans(row: Row) -> list[Span]:
    return [part for part in row.target if isinstance(part, Span)] if isinstance(row.target, tuple) else []


@functools.lru_cache(maxsize=4096)
def _is_mark(letter: str) -> bool:
    """Whether a character is punctuation or a symbol, which is a token of its own."""
    return unicodedata.category(letter)[0] in "PS"


def _is_blank(letter: str) -> bool:
    return letter.isspace() or letter in "\0\ufeff"
