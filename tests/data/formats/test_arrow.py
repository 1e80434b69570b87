"""Arrow and Feather, and class names in lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import feather

from luthier.data.formats.arrow import class_names, feature_names, from_arrow, read

ROWS = [{"text": "a", "label": 1}, {"text": None, "label": 0}]


@pytest.mark.parametrize("opened", [pa.ipc.new_file, pa.ipc.new_stream])
def test_read_arrow_in_both_of_its_formats(tmp_path: Path, opened: Callable[..., Any]) -> None:
    table = pa.Table.from_pylist(ROWS)
    with opened(tmp_path / "a.arrow", table.schema) as stream:
        stream.write_table(table)
    assert [(record.line, record.values) for record in read(tmp_path / "a.arrow").records] == list(enumerate(ROWS, 1))


@pytest.mark.parametrize("compression", ["lz4", "uncompressed"])
def test_read_feather(tmp_path: Path, compression: str) -> None:
    feather.write_feather(pa.Table.from_pylist(ROWS), tmp_path / "a.feather", compression=compression)
    assert [record.values for record in read(tmp_path / "a.feather").records] == ROWS


@pytest.mark.parametrize("feature", [
    {"feature": {"names": ["O", "B-X"], "_type": "ClassLabel"}, "_type": "Sequence"},
    {"feature": {"names": ["O", "B-X"], "_type": "ClassLabel"}, "_type": "List"}, [{"names": ["O", "B-X"], "_type": "ClassLabel"}]])
def test_lists_of_class_numbers_become_names(feature: Any) -> None:
    names = class_names({b"huggingface": json.dumps({"info": {"features": {"ner_tags": feature}}}).encode()})
    table = from_arrow("a", pa.Table.from_pylist([{"tokens": ["a", "b"], "ner_tags": [0, 1]}]), names)
    assert table.records[0].values == {"tokens": ["a", "b"], "ner_tags": ["O", "B-X"]}


@pytest.mark.parametrize("features", [None, [], {"a": 3}, {"a": {"_type": "Value"}}, {"a": {"_type": "List"}}])
def test_feature_names_of_other_features_are_none(features: Any) -> None:
    assert feature_names(features) == {}
