"""Reading a text file as UTF-8: what is not UTF-8 is an error that says where, never a guess."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from luthier.errors import DataError

WIDE_MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32",
              codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        DataError: it cannot be read, or holds nothing.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None
    if not content.strip():
        raise DataError(f"{path}: the file is empty.")
    return content


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without its byte-order mark; line ends are kept as they are.

    Raises:
        DataError: it cannot be read, is empty, or is not UTF-8 (names line, byte offset and byte).
    """
    content = read_bytes(path)
    for mark, name in WIDE_MARKS.items():
        if content.startswith(mark):
            raise DataError(f"{path}: the file is {name}, but only UTF-8 is read. {resave(path, name)}")
    _reject_binary(path, content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + content.count(b"\n", 0, error.start)
        raise DataError(f"{path} line {line}: byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8. "
                        f"{resave(path, 'cp1252')}") from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{path}: the file is empty.")
    return text


def _reject_binary(path: Path, content: bytes) -> None:
    if (offset := content.find(b"\0")) >= 0:
        line = 1 + content.count(b"\n", 0, offset)
        raise DataError(f"{path} line {line}: byte 0x00 at offset {offset} does not occur in text. Is this UTF-16, or "
                        f"not a text file? {resave(path, 'utf-16')}")


def resave(path: Path, encoding: str) -> str:
    """The advice to save a file as UTF-8, with a command that does it for the encoding that it may have."""
    return (f"Save it as UTF-8; if it is {encoding}: "
            f"iconv -f {encoding.lower()} -t utf-8 {path.name} > {path.stem}-utf8{path.suffix}")


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its number from 1, without its end. Only \\n, \\r and \\r\\n end a line: U+2028 and its like,
    at which `str.splitlines` would cut too, may stand inside a JSON string.
    """
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        yield number, line.removesuffix("\n")
