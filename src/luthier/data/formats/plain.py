"""Files whose suffix says little (.txt, .tsv): CoNLL or fastText by how they begin, else texts or a table."""

from __future__ import annotations

from pathlib import Path

from luthier.data.formats import conll, delimited, fasttext, lines
from luthier.data.formats.decoding import read_text
from luthier.data.formats.table import DEFAULTS, Table
from luthier.data.options import DataOptions
from luthier.errors import DataError


def read_txt(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .txt file: fastText, CoNLL, or one text on each line.

    Raises:
        DataError: content that breaks the format's rules.
    """
    text = read_text(path, options.encoding)
    if fasttext.fits(text):
        return fasttext.read(path, options)
    return conll.read(path, options) if conll.fits(text) else lines.read(path, options)


def read_tsv(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .tsv file: CoNLL, or rows under a header.

    Raises:
        DataError: content that breaks the format's rules.
    """
    return conll.read(path, options) if conll.fits(read_text(path, options.encoding)) else delimited.read(path, options)


def has_labels(path: Path, options: DataOptions = DEFAULTS) -> bool:
    """Whether a .txt file holds labels; False where it cannot be read."""
    try:
        text = read_text(path, options.encoding)
    except DataError:
        return False
    return fasttext.fits(text) or conll.fits(text)
