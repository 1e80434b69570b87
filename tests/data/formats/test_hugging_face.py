"""Data sets saved by `datasets`, and names on the hub."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from luthier.data.formats.hugging_face import is_folder, read_folder, read_hub
from luthier.data.options import DataOptions
from luthier.data.row import Split
from luthier.data.sources import find
from luthier.errors import DataError

datasets = pytest.importorskip("datasets")


def tagged() -> Any:
    tags = datasets.ClassLabel(names=["O", "B-X"])
    listed = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(tags)})
    return datasets.Dataset.from_dict({"tokens": [["a", "b"]], "ner_tags": [[0, 1]]}, features=listed)


def test_saved_data_set_is_read_with_its_class_names(tmp_path: Path) -> None:
    tagged().save_to_disk(tmp_path / "saved")
    source = find(tmp_path / "saved")
    assert source.name == "saved" and list(source.tables) == [Split.TRAIN]
    assert source.tables[Split.TRAIN].records[0].values == {"tokens": ["a", "b"], "ner_tags": ["O", "B-X"]}


def test_saved_dict_gives_its_splits(tmp_path: Path) -> None:
    datasets.DatasetDict({"train": tagged(), "validation": tagged(), "extra": tagged()}).save_to_disk(tmp_path / "saved")
    source = find(str(tmp_path / "saved"))
    assert {split: table.name for split, table in source.tables.items()} == {
        Split.TRAIN: "saved/train", Split.VALIDATION: "saved/validation"}
    assert "extra" in source.notes[0]


def test_folder_of_the_cache_gives_its_splits(tmp_path: Path) -> None:
    tagged().save_to_disk(tmp_path / "saved")
    arrow = next((tmp_path / "saved").glob("*.arrow"))
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("wnut-train-00000-of-00002.arrow", "wnut-train-00001-of-00002.arrow", "wnut-test.arrow"):
        (cache / name).write_bytes(arrow.read_bytes())
    (cache / "dataset_info.json").write_bytes((tmp_path / "saved" / "dataset_info.json").read_bytes())
    assert {name: len(table.records) for name, table in read_folder(cache, DataOptions()).items()} == {"train": 2, "test": 1}


@pytest.mark.parametrize(("file", "content", "message"), [
    ("state.json", b"{", "not JSON"), ("state.json", b"{}", "names no data files"),
    ("state.json", json.dumps({"_data_files": [{"filename": "../x.arrow"}]}).encode(), "names no data files"),
    ("state.json", json.dumps({"_data_files": [{"filename": "x.arrow"}]}).encode(), "x.arrow: no such file"),
    ("dataset_dict.json", b'{"splits": []}', "names no splits"), ("dataset_dict.json", b'{"splits": [".."]}', "names no splits"),
])
def test_broken_folder_is_refused(tmp_path: Path, file: str, content: bytes, message: str) -> None:
    (tmp_path / file).write_bytes(content)
    assert is_folder(tmp_path)
    with pytest.raises(DataError, match=message):
        read_folder(tmp_path, DataOptions())


def test_hub_name_is_loaded_with_revision_and_config(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(*given: Any, **named: Any) -> Any:
        asked.append((given, named))
        return datasets.DatasetDict({"train": tagged()})

    monkeypatch.setattr(datasets, "load_dataset", load)
    tables = read_hub("hub:owner/wnut@abc:small", DataOptions())
    assert asked == [(("owner/wnut", "small"), {"revision": "abc"})]
    assert tables["train"].name == "wnut/train" and tables["train"].records[0].values["ner_tags"] == ["O", "B-X"]
    assert find("hub:owner/wnut").tables[Split.TRAIN].columns == ("tokens", "ner_tags")


def test_hub_without_datasets_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'luthier\[datasets\]'"):
        read_hub("hub:a/b", DataOptions())
