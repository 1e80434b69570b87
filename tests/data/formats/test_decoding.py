"""Reading UTF-8: what is not is refused with its place."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from luthier.data.formats.decoding import numbered_lines, read_lines, read_text
from luthier.errors import ConfigError, DataError


def test_read_text_with_cp1252_byte_names_line_offset_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("text,label\nfine,a\ncafé,b\n".encode("cp1252"))
    with pytest.raises(DataError) as error:
        read_text(path)
    assert f"{path} line 3: byte 0xe9 at offset 21 is not UTF-8" in str(error.value)
    assert "iconv -f cp1252 -t utf-8 old.csv > old-utf8.csv" in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_read_text_with_wide_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "wide.csv"
    path.write_bytes("text,label\n".encode(encoding))
    with pytest.raises(DataError, match=f"the file is {encoding.upper()}, but only UTF-8 is read"):
        read_text(path)


def test_read_text_with_zero_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_bytes("a\nb".encode("utf-16-le"))
    with pytest.raises(DataError, match="line 1: byte 0x00 at offset 1"):
        read_text(path)


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_read_text_of_empty_file_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match="the file is empty"):
        read_text(path)


def test_read_text_of_missing_file_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_text(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_text(tmp_path)


def test_numbered_lines_cuts_at_line_ends_only() -> None:
    assert list(numbered_lines("a\u2028b\r\nc\x0bd\re\n\nf")) == [
        (1, "a\u2028b"), (2, "c\x0bd"), (3, "e"), (4, ""), (5, "f")]


def test_read_text_in_another_encoding_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("café".encode("cp1252"))
    assert read_text(path, "cp1252") == "café"
    path.write_bytes("café".encode("utf-16"))
    assert read_text(path, "utf-16") == "café"
    path.write_bytes("café".encode("utf-8-sig"))
    assert read_text(path, "utf8") == read_text(path, "utf-8-sig") == "café"


def test_read_text_suggests_the_option(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("café".encode("cp1252"))
    with pytest.raises(DataError, match="give --encoding cp1252"):
        read_text(path)


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "rot13", "", "zip"])
def test_read_text_in_no_encoding_of_text_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a")
    with pytest.raises(ConfigError, match="no such encoding of text"):
        read_text(path, encoding)


@pytest.mark.parametrize("content", [b"a\nb\r\nc\rd", b"\xef\xbb\xbfone\n", "größe\u2028x\n\U0001f600".encode(), b"a\n\n"])
def test_lines_are_those_of_the_whole_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    assert list(read_lines(path)) == list(io.StringIO(read_text(path), newline=""))


@pytest.mark.parametrize("content", [b"a\n" * 9000 + b"b\xff\n", b"a\0b\n", "a\n".encode("utf-16"), b" \n"])
def test_what_is_wrong_with_a_file_is_said_whether_it_is_read_at_once_or_by_lines(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as whole:
        read_text(path)
    with pytest.raises(DataError) as lines:
        list(read_lines(path))
    assert str(lines.value) == str(whole.value)
