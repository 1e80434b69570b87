"""Plain text (.txt): one text on each line, for prediction; a blank line is an empty text."""

from __future__ import annotations

from pathlib import Path

from luthier.data.formats.decoding import numbered_lines, read_text
from luthier.data.formats.table import DEFAULTS, Record, Table
from luthier.data.options import DataOptions


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """A table with the single column `text`."""
    return Table(path.name, ("text",), [Record(number, {"text": line}) for number, line in
                                        numbered_lines(read_text(path, options.encoding))])
