"""DataFrames, data sets and lists."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from luthier.data.formats.in_memory import is_splits, read
from luthier.errors import DataError


def test_read_frame_turns_every_kind_of_missing_into_none() -> None:
    frame = pd.DataFrame({"text": ["a", None, np.nan], "number": pd.array([1, None, 3], dtype="Int64"),
                          "share": [0.5, np.nan, 1.0], "kind": pd.Categorical(["x", None, "y"]),
                          "many": [["p"], None, []]})
    table = read(frame)
    assert table.columns == ("text", "number", "share", "kind", "many")
    assert [record.values for record in table.records] == [
        {"text": "a", "number": 1, "share": 0.5, "kind": "x", "many": ["p"]},
        {"text": None, "number": None, "share": None, "kind": None, "many": None},
        {"text": None, "number": 3, "share": 1.0, "kind": "y", "many": []}]
    assert [record.line for record in table.records] == [1, 2, 3]


def test_read_frame_ignores_its_index() -> None:
    frame = pd.DataFrame({"text": ["a", "b"]}, index=[7, 7])
    assert [(record.line, record.values) for record in read(frame).records] == [(1, {"text": "a"}), (2, {"text": "b"})]


def test_read_frame_with_repeated_column_is_refused() -> None:
    with pytest.raises(DataError, match="DataFrame: more than one column is called 'text'"):
        read(pd.DataFrame([["a", "b"]], columns=["text", "text"]))


def test_read_list_of_dicts_takes_numpy_scalars_as_python_values() -> None:
    table = read([{"text": np.str_("a"), "label": np.int64(3)}, {"text": "b"}])
    assert type(table.records[0].values["label"]) is int and type(table.records[0].values["text"]) is str
    assert table.columns == ("text", "label") and table.records[1].values == {"text": "b"}


def test_read_list_of_texts_is_a_text_column() -> None:
    assert [record.values for record in read(["a", ""]).records] == [{"text": "a"}, {"text": ""}]


@pytest.mark.parametrize(("data", "message"), [
    (7, "type builtins.int is not understood"), ({"text": ["a"]}, "type builtins.dict is not understood"),
    ([{"text": "a"}, 3], "list row 2: each item must be a dict"),
])
def test_read_of_other_objects_says_what_is_understood(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(data)


def test_read_dataset_names_classes_and_honours_selection() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["neg", "pos"])})
    data = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, -1]}, features=features)
    rows = [record.values for record in read(data.select([2, 1])).records]
    assert rows == [{"text": "c", "label": None}, {"text": "b", "label": "pos"}]
    assert is_splits(datasets.DatasetDict({"train": data})) and not is_splits(data) and not is_splits({"train": data})


def test_import_of_data_loads_no_large_library() -> None:
    large = {"pandas", "pyarrow", "datasets", "torch", "transformers"}
    code = f"import sys, luthier.data; print({large} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(sys.path)})
    assert done.stdout.strip() == "set()"
