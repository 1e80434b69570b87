"""Parquet, with the class names of `datasets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from luthier.data.formats.parquet import class_names, read
from luthier.errors import DataError


def write(folder: Path, columns: dict[str, Any], names: list[str] | None = None) -> Path:
    table = pa.table(columns)
    if names:
        features = {"label": {"names": names, "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path = folder / "rows.parquet"
    pq.write_table(table, path)
    return path


def test_read_parquet_gives_rows_from_one(tmp_path: Path) -> None:
    table = read(write(tmp_path, {"text": ["a", None], "label": [1, 0]}))
    assert table.columns == ("text", "label")
    assert [(record.line, record.values) for record in table.records] == [
        (1, {"text": "a", "label": 1}), (2, {"text": None, "label": 0})]


def test_read_parquet_names_the_classes(tmp_path: Path) -> None:
    table = read(write(tmp_path, {"text": ["a", "b", "c", "d"], "label": [1, 0, -1, None]}, ["neg", "pos"]))
    assert [record.values["label"] for record in table.records] == ["pos", "neg", None, None]


def test_read_parquet_with_class_number_without_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2: column 'label' holds 7, but its classes are numbered 0 to 1"):
        read(write(tmp_path, {"text": ["a", "b"], "label": [1, 7]}, ["neg", "pos"]))


def test_read_parquet_of_other_content_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"text,label\na,b\n")
    with pytest.raises(DataError, match="not a Parquet file"):
        read(path)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"info": {}}', b'{"info": null}'])
def test_class_names_of_other_metadata_are_none(content: bytes) -> None:
    assert class_names({b"huggingface": content}) == {}
