"""Reading a text file, as UTF-8 unless told otherwise: what is not is an error that says where, never a guess."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from luthier.data.options import codec
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


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The text of a file, without its byte-order mark; line ends are kept as they are.

    Raises:
        DataError: it cannot be read, is empty, or is not in `encoding` (names line, byte offset and byte).
        ConfigError: there is no such encoding.
    """
    name = codec(encoding)
    content = read_bytes(path)
    if name == "utf-8":
        for mark, wide in WIDE_MARKS.items():
            if content.startswith(mark):
                raise DataError(f"{path}: the file is {wide}, but only UTF-8 is read unless told otherwise. "
                                f"{resave(path, wide)}")
        _reject_binary(path, content)
    try:
        text = content.decode(name)
    except UnicodeError as error:
        raise DataError(_undecodable(path, content, encoding, error)) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{path}: the file is empty.")
    if "\0" in text:
        line = 1 + text.count("\n", 0, text.index("\0"))
        raise DataError(f"{path} line {line}: the character U+0000 does not occur in text. Is the encoding {encoding} right? "
                        f"{resave(path, 'utf-16')}")
    return text


def read_lines(path: Path, encoding: str = "utf-8") -> Iterator[str]:
    """The lines of a file, with their ends, decoded as they are asked for: one sign in a million would have Python hold all of
    a text in four bytes a character.

    Raises:
        DataError: what `read_text` says of the file.
    """
    name = codec(encoding)
    content = read_bytes(path)
    if name != "utf-8" or b"\0" in content or any(content.startswith(mark) for mark in WIDE_MARKS):
        yield from io.StringIO(read_text(path, encoding), newline="")
        return
    try:
        yield from io.TextIOWrapper(io.BytesIO(content.removeprefix(codecs.BOM_UTF8)), encoding=name, newline="")
    except UnicodeError:
        read_text(path, encoding)  # says where
        raise


def _undecodable(path: Path, content: bytes, encoding: str, error: UnicodeError) -> str:
    named = "UTF-8" if encoding.lower() in ("utf-8", "utf8", "utf-8-sig") else encoding
    advice = resave(path, "cp1252") if named == "UTF-8" else "It is UTF-8: leave out --encoding." if _is_utf8(content) else (
        "Give the --encoding that it has.")
    if not isinstance(error, UnicodeDecodeError):
        return f"{path}: it is not {named}: {error}. {advice}"
    line = 1 + content.count(b"\n", 0, error.start)
    return (f"{path} line {line}: byte 0x{content[error.start]:02x} at offset {error.start} is not {named}. "
            f"{advice}")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def _reject_binary(path: Path, content: bytes) -> None:
    if (offset := content.find(b"\0")) >= 0:
        line = 1 + content.count(b"\n", 0, offset)
        raise DataError(f"{path} line {line}: byte 0x00 at offset {offset} does not occur in text. Is this UTF-16, or "
                        f"not a text file? {resave(path, 'utf-16')}")


def resave(path: Path, encoding: str) -> str:
    """The advice to name the encoding that the file may have, or to save it as UTF-8, with a command that does so."""
    return (f"If it is {encoding}, give --encoding {encoding.lower()}, or save it as UTF-8: "
            f"iconv -f {encoding.lower()} -t utf-8 {path.name} > {path.stem}-utf8{path.suffix}")


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line with its number from 1, without its end. Only \\n, \\r and \\r\\n end a line: U+2028 and its like,
    at which `str.splitlines` would cut too, may stand inside a JSON string.
    """
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        yield number, line.removesuffix("\n")
