"""From what the user named to tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from luthier.data.options import DataOptions
from luthier.data.row import Split
from luthier.data.sources import examples, find, find_with, single_table, text_table
from luthier.errors import DataError

CSV = "text,label\nfine,a\nbad,b\n"


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).write_text(CSV)
    return path


def test_find_of_file_is_named_by_its_stem(tmp_path: Path) -> None:
    source = find(str(folder(tmp_path, "reviews.csv") / "reviews.csv"))
    assert source.name == "reviews" and list(source.tables) == [Split.TRAIN]


@pytest.mark.parametrize("names", [("train.csv", "validation.csv", "test.csv"), ("training.csv", "DEV.csv", "test.tsv"),
                                   ("train.csv", "val.csv", "test.csv"), ("train.csv", "valid.csv", "test.csv")])
def test_find_of_folder_takes_each_split(tmp_path: Path, names: tuple[str, str, str]) -> None:
    source = find(folder(tmp_path, *names, "README.md", ".train.csv"))
    assert source.name == tmp_path.name and source.notes == []
    assert {split: table.name for split, table in source.tables.items()} == dict(zip(Split, names, strict=True))


def test_find_of_folder_with_one_data_file_is_that_file(tmp_path: Path) -> None:
    source = find(folder(tmp_path, "anything.csv", "notes.txt", "train.py"))
    assert [table.name for table in source.tables.values()] == ["anything.csv"]


def test_find_of_folder_notes_files_of_other_names(tmp_path: Path) -> None:
    source = find(folder(tmp_path, "train.csv", "meta.csv"))
    assert list(source.tables) == [Split.TRAIN] and "meta.csv" in source.notes[0]


@pytest.mark.parametrize(("names", "message"), [
    ((), "has no data file. Known: .csv"),
    (("a.csv", "b.csv"), "no file is called train. Found: a.csv, b.csv"),
    (("train.csv", "train.tsv"), "several files for the train rows: train.csv, train.tsv"),
    (("train.csv", "dev.csv", "val.csv"), "several files for the validation rows: dev.csv, val.csv"),
    (("train.csv", "test.csv.gz"), "test.csv.gz: files ending in '.gz' are not read. Unpack it first"),
    (("meta.csv", "train.xls"), "train.xls: files ending in '.xls' are not read. Save its sheet as .xlsx"),
    (("train.txt", "test.txt"), "train.txt: this file holds texts without labels"),
])
def test_find_of_unclear_folder_says_what_is_there(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError) as error:
        find(folder(tmp_path, *names))
    assert message in str(error.value)


def test_find_of_empty_name_does_not_read_the_current_folder() -> None:
    with pytest.raises(DataError, match="The name of the data is empty"):
        find("")


def test_find_of_hub_name_without_a_network_says_what_to_do_instead() -> None:
    pytest.importorskip("datasets")
    with pytest.raises(DataError, match=r"hub:a/b: cannot be loaded from the hub.*load_dataset\('a/b'\)\.save_to_disk"):
        find("hub:a/b")


@pytest.mark.parametrize("name", ["hub:", "hub:../x", "hub:a/b/c", "hub:a b"])
def test_find_of_hub_name_of_another_form_says_how_to_write_it(name: str) -> None:
    with pytest.raises(DataError, match=r"no name of a data set\. Write hub:owner/name"):
        find(name)


def test_find_of_folder_takes_texts_with_labels_inside(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("__label__a fine\n__label__b bad\n")
    (tmp_path / "test.txt").write_text("__label__b poor\n")
    (tmp_path / "notes.txt").write_text("just words\n")
    tables = find(tmp_path).tables
    assert {split: len(table.records) for split, table in tables.items()} == {Split.TRAIN: 2, Split.TEST: 1}


def test_find_gives_all_parts_lists_where_one_has_several_labels(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("__label__a __label__b fine\n__label__b bad\n")
    (tmp_path / "test.txt").write_text("__label__b poor\nnone\n")
    table = find(tmp_path).tables[Split.TEST]
    assert table.columns == ("text", "labels") and [record.values["labels"] for record in table.records] == [["b"], []]


def test_find_gives_lists_of_names_in_all_parts_where_one_has_several(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "a", "label": ["x"]}\n{"text": "b", "label": []}\n')
    (tmp_path / "test.jsonl").write_text('{"text": "c", "label": ["x", "y"]}\n')
    tables = find(tmp_path).tables
    assert [record.values["label"] for record in tables[Split.TRAIN].records] == [["x"], []]
    assert tables[Split.TEST].records[0].values["label"] == ["x", "y"]


def test_find_says_where_a_named_annotator_has_no_effect(tmp_path: Path) -> None:
    source = find(folder(tmp_path, "a.csv") / "a.csv", DataOptions(annotators="ann"))
    assert source.notes == ["a.csv: it names no annotators, so --annotators ann changes nothing there."]
    assert find(tmp_path / "a.csv", DataOptions(annotators="majority")).notes == []


@pytest.mark.parametrize(("items", "texts"), [
    ([{"id": 1, "data": {"text": "a"}}, {"id": 2, "data": {"text": "b"}}], ["a", "b"]),
    ([{"data": {"body": "a"}, "annotations": []},
      {"data": {"body": "b"}, "annotations": [{"was_cancelled": True, "result": []}]}], ["a", "b"]),
    ([{"text": "a", "label": "x", "answer": "accept"}, {"text": "b", "label": "x", "answer": "reject"}, {"text": "c"}],
     ["a", "b", "c"]),
    ([{"text": "a", "q.responses": None}, {"text": "b", "q.responses": ["x"], "q.responses.status": ["draft"]}], ["a", "b"]),
    ([{"text": "a", "label": "x"}], ["a"]),
])
def test_text_table_holds_texts_that_nobody_has_annotated(items: list[dict[str, Any]], texts: list[str]) -> None:
    table = text_table(items)
    assert [record.values["text"] for record in table.records] == texts


def test_find_of_tasks_that_nobody_has_annotated_is_refused() -> None:
    with pytest.raises(DataError, match="read as Label Studio tasks, and none of its rows is annotated"):
        find([{"id": 1, "data": {"text": "a"}}])


def test_find_of_a_table_is_that_table(tmp_path: Path) -> None:
    table = find(folder(tmp_path, "a.csv") / "a.csv").tables[Split.TRAIN]
    assert find(table).tables[Split.TRAIN] is table


@pytest.mark.parametrize("name", ["none", "../errors", ""])
def test_find_of_unknown_example_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="no example of this name"):
        find(f"example:{name}")


def test_examples_are_the_data_files_of_the_folder(tmp_path: Path) -> None:
    assert examples(folder(tmp_path, "b.csv", "a.jsonl", "README.md")) == ["a", "b"]
    assert examples(tmp_path / "none") == []


def test_find_with_extra_files_of_the_same_name_tells_them_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    source = find_with(folder(tmp_path / "a", "rows.csv") / "rows.csv",
                       {Split.VALIDATION: None, Split.TEST: folder(tmp_path / "b", "rows.csv") / "rows.csv"})
    assert {split: table.name for split, table in source.tables.items()} == {
        Split.TRAIN: "rows.csv", Split.TEST: "test/rows.csv"}


def test_find_with_a_part_that_the_folder_has_notes_the_replacement(tmp_path: Path) -> None:
    source = find_with(folder(tmp_path, "train.csv", "test.csv"), {Split.TEST: [{"text": "a", "label": "b"}]})
    assert source.tables[Split.TEST].name == "list" and "test.csv is not used" in source.notes[0]


def test_single_table_of_several_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"several parts: train \(train.csv\), test \(test.csv\)"):
        single_table(folder(tmp_path, "train.csv", "test.csv"))


def test_find_of_dataset_dict_takes_its_splits() -> None:
    datasets = pytest.importorskip("datasets")
    part = datasets.Dataset.from_dict({"text": ["a"], "label": ["x"]})
    source = find(datasets.DatasetDict({"test": part, "train": part, "unsupervised": part}))
    assert {split: table.name for split, table in source.tables.items()} == {Split.TRAIN: "train", Split.TEST: "test"}
    assert "unsupervised" in source.notes[0]
    with pytest.raises(DataError, match=r"no split is called train\. Found: other"):
        find(datasets.DatasetDict({"other": part}))
