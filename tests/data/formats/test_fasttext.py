"""fastText."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.data.formats.fasttext import fits, read
from luthier.errors import DataError


def write(folder: Path, text: str) -> Path:
    path = folder / "rows.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_read_gives_one_label_a_line(tmp_path: Path) -> None:
    table = read(write(tmp_path, "\n__label__a b,  c\n__label__very-good\tx\n"))
    assert [(record.line, record.values) for record in table.records] == [
        (2, {"text": "b,  c", "label": "a"}), (3, {"text": "x", "label": "very-good"})]


def test_read_gives_lists_where_any_line_has_several_labels(tmp_path: Path) -> None:
    table = read(write(tmp_path, "__label__a __label__b __label__a x y\n__label__a z\nnone\n"))
    assert [record.values["labels"] for record in table.records] == [["a", "b"], ["a"], []]
    assert "1 row without __label__" in str(table.findings[1]) and table.findings[1].rows[0].line == 3


def test_read_takes_labels_out_of_the_text_wherever_they_stand(tmp_path: Path) -> None:
    assert read(write(tmp_path, "__label__a x __label__b y\n")).records[0].values == {"text": "x y", "labels": ["a", "b"]}


def test_read_without_any_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no line has a label"):
        read(write(tmp_path, "a\nb\n"))


def test_fits_goes_by_the_first_words() -> None:
    assert fits("\n __label__a x") and not fits("x __label__a")
