"""fastText's format: `__label__good __label__short the text` on each line (.ft, .fasttext, or a .txt file that begins so)."""

from __future__ import annotations

from pathlib import Path

from luthier.data.formats.decoding import numbered_lines, read_text
from luthier.data.formats.table import DEFAULTS, Record, Table, finding
from luthier.data.options import DataOptions
from luthier.errors import DataError

PREFIX = "__label__"


def fits(text: str) -> bool:
    """Whether the first line that is not blank begins with a label."""
    return text.lstrip().startswith(PREFIX)


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a fastText file: `text` and `label`, or `labels` where any line has several. Blank lines are skipped.

    Every word that begins with the prefix is a label, wherever it stands, as fastText itself reads it.

    Raises:
        DataError: no line has a label.
    """
    parsed = [(number, *_parts(line)) for number, line in numbered_lines(read_text(path, options.encoding)) if line.strip()]
    if not any(labels for _, labels, _ in parsed):
        raise DataError(f"{path}: no line has a label. Write each line as {PREFIX}NAME and the text, or name a file of texts "
                        "alone .txt.")
    unlabelled = [number for number, labels, _ in parsed if not labels]
    several = any(len(labels) > 1 for _, labels, _ in parsed)
    records = [Record(number, {"text": text, "labels": labels} if several else
                      {"text": text, "label": labels[0] if labels else None}) for number, labels, text in parsed]
    found = [finding(path.name, "read-as", "read as fastText")]
    if unlabelled:
        found.append(finding(path.name, "no-labels", f"without {PREFIX}: read as having no label", unlabelled))
    return Table(path.name, ("text", "labels" if several else "label"), records, tuple(found))


def _parts(line: str) -> tuple[list[str], str]:
    """The labels of a line, each once, and its text."""
    words = line.split()
    labels = [word.removeprefix(PREFIX) for word in words if word.startswith(PREFIX)]
    text = line.strip()
    if labels:
        leading = 0
        while leading < len(words) and words[leading].startswith(PREFIX):
            leading += 1
        rest = text.split(maxsplit=leading)[leading:]
        text = rest[0] if rest else ""
        if len(labels) > leading:
            text = " ".join(word for word in text.split() if not word.startswith(PREFIX))
    return list(dict.fromkeys(label for label in labels if label)), text
