"""CoNLL and its variants: one token a line, its tag in the last column, a blank line after each sentence.

Columns are parted by tabs, else by spaces. `-DOCSTART-` lines (or `# newdoc`) begin documents, which the column `document`
names; other comment lines begin with `#`. A first column that numbers the tokens, as in CoNLL-U, is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from luthier.data.formats.decoding import numbered_lines, read_text
from luthier.data.formats.table import DEFAULTS, Record, Table, finding, raise_listed
from luthier.data.options import DataOptions
from luthier.errors import DataError

DOCSTART = "-DOCSTART-"
TAG = re.compile(r"O|[BIESLUM]-\S+")
"""Tags that no one mistakes for words."""
SAMPLE = 400
"""Lines that are looked at to tell whether a .txt or .tsv file is CoNLL."""
COMMENT = re.compile(r"#\s*(?:id\b|[\w.]+(?:\s+\w+)?\s*=|newdoc\b|newpar\b)")
NUMBERED = re.compile(r"\d+")
UNWORDED = re.compile(r"\d+[-.]\d+")
"""Ids of CoNLL-U lines that are no tokens: ranges of words (2-3) and empty nodes (2.1)."""
BLANK = re.compile(r"[\s\0]+")
PIECE = re.compile(r"\w+|[^\w\s]")


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
    for number, line in numbered_lines(text[:200 * SAMPLE]):
        if number > SAMPLE:
            break
        if not line.strip() or line.startswith(DOCSTART) or _is_comment(line, "\t" in line, 0):
            continue
        cells = _cells(line, "\t" in line)
        widths.add(len(cells))
        tags.add(cells[-1])
        lines += 1
    if lines > 1 and len(text) > 200 * SAMPLE:
        return False if len(widths) > 2 else all(TAG.fullmatch(tag) for tag in tags)
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
        for sentence in sentences], (finding(path.name, "read-as", "read as CoNLL"),))


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
    raise_listed(problems)
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
