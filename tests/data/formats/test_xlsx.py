"""XLSX: the first sheet, with the numbers of its rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from luthier.data.formats.xlsx import read
from luthier.errors import DataError


def write(folder: Path, *rows: list[Any], sheets: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    for cells in rows:
        book.active.append(cells)
    for name in sheets:
        book.create_sheet(name)
    book.save(folder / "rows.xlsx")
    return folder / "rows.xlsx"


def test_read_xlsx_keeps_row_numbers_over_blank_rows(tmp_path: Path) -> None:
    table = read(write(tmp_path, [None], [" text ", "label", None], ["a", 1], [None, "  "], ["b", None]))
    assert table.columns == ("text", "label")
    assert [(record.line, record.values) for record in table.records] == [
        (3, {"text": "a", "label": 1}), (5, {"text": "b", "label": None})]


def test_read_xlsx_with_several_sheets_says_which_is_read(tmp_path: Path) -> None:
    table = read(write(tmp_path, ["text"], ["a"], sheets=("Old", "Notes")))
    assert "read from the first sheet, 'Sheet'; not used: Old, Notes" in str(table.findings[0])


def test_read_xlsx_with_a_failed_formula_counts_it(tmp_path: Path) -> None:
    table = read(write(tmp_path, ["text", "label"], ["a", "#DIV/0!"], ["b", "n"]))
    assert table.records[0].values == {"text": "a", "label": None}
    assert [place.line for place in table.findings[0].rows] == [2]


def test_read_xlsx_without_openpyxl_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ["text"], ["a"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"pip install 'luthier\[xlsx\]'"):
        read(path)
