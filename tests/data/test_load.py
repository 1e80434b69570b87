"""Loading a corpus, texts, and labelled rows for a known model."""

from __future__ import annotations

import dataclasses
import json
import logging
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from luthier.data import Corpus, load, load_labelled, load_texts
from luthier.data.load import label_order, read_file, rows_hash
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Row, Span
from luthier.data.sources import find
from luthier.errors import ConfigError, DataError


def items(number: int = 200, labels: str = "ab", word: str = "text") -> list[dict[str, Any]]:
    return [{"text": f"{word} {index}", "label": labels[index % len(labels)]} for index in range(number)]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def texts(rows: list[Row]) -> list[str]:
    return [row.text for row in rows]


def test_load_of_one_file_cuts_off_validation_and_test(tmp_path: Path) -> None:
    corpus = load(write(tmp_path / "reviews.jsonl", items()))
    assert corpus.name == "reviews" and corpus.labels == ("a", "b")
    assert not corpus.validation_given and not corpus.test_given
    assert sorted(texts(corpus.train + corpus.validation + corpus.test)) == sorted(row["text"] for row in items())
    assert len(corpus.validation) > 10 and len(corpus.test) > 10
    assert corpus.notes == ("Text from column 'text', labels from column 'label'.",)


def test_load_with_test_data_keeps_it_whole() -> None:
    corpus = load(items(), test=items(7, word="other"))
    assert corpus.test_given and not corpus.validation_given
    assert texts(corpus.test) == [row["text"] for row in items(7, word="other")]
    assert texts(corpus.validation) == texts(load(items()).validation)
    assert len(corpus.train) + len(corpus.validation) == 200


def test_load_of_folder_takes_its_parts_as_they_are(tmp_path: Path) -> None:
    for name, word in (("train", "x"), ("dev", "y"), ("test", "z")):
        write(tmp_path / f"{name}.jsonl", items(word=word))
    corpus = load(tmp_path)
    assert corpus.validation_given and corpus.test_given
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test)] == [200, 200, 200]
    assert len({row.id for row in corpus.train + corpus.validation + corpus.test}) == 600


def test_load_is_the_same_from_every_kind_of_source(tmp_path: Path) -> None:
    frame = pd.DataFrame(items())
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    lines = write(tmp_path / "rows.ndjson", items())
    sources = [frame, items(), tmp_path / "rows.csv", tmp_path / "rows.parquet", lines]
    corpora = [load(source) for source in sources]
    assert {corpus.hash for corpus in corpora} == {corpora[0].hash}
    assert all(texts(corpus.test) == texts(corpora[0].test) for corpus in corpora)


def test_load_hash_changes_with_text_label_part_and_order() -> None:
    base = load(items()).hash
    changed = items()
    changed[3]["text"] += "!"
    swapped = items()
    swapped[0]["label"], swapped[1]["label"] = "b", "a"
    others = [load(changed), load(swapped), load(items(), seed=1), load(items()[::-1])]
    assert len({base, *(corpus.hash for corpus in others)}) == 5


def test_the_hash_of_rows_knows_texts_pairs_labels_and_how_often_but_no_order_nor_place() -> None:
    rows = [Row("1", "good", None, "a", "x.csv", 2), Row("2", "bad", "ill", ("b", "c"), "x.csv", 3),
            Row("3", "Paris", None, (Span(0, 5, "place"),), "x.csv", 4)]
    base = rows_hash(rows)
    assert base == rows_hash(dataclasses.replace(row, id="9", file="y.json", line=7) for row in rows[::-1])
    changed = [{"text": "Good"}, {"pair": ""}, {"target": "b"}, {"target": 1.0}]
    others = [rows_hash([dataclasses.replace(rows[0], **change), *rows[1:]]) for change in changed]
    assert len({base, *others, rows_hash([*rows, rows[0]]), rows_hash(rows[1:]), rows_hash([])}) == 8


def test_load_counts_rows_of_each_label_and_part() -> None:
    counts = load(items(), test=items(3, word="other")).counts()
    assert counts["a"]["test"] == 2 and counts["b"]["test"] == 1
    assert sum(counts[label]["train"] + counts[label]["validation"] for label in "ab") == 200


def test_load_gathers_notes_of_every_step() -> None:
    rows = [*items(60), {"text": " ", "label": "a"}, {"text": "x", "label": " a"}, {"text": "text 0", "label": "b"}]
    notes = "\n".join(load(rows).notes)
    for part in ("1 row with empty text skipped (row 61)", "spaces around the label: stripped (row 62)",
                 "Only", "1 text with more than one label"):
        assert part in notes


def test_load_raises_all_problems_at_once(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.jsonl", items()), write(tmp_path / "test.jsonl", items(labels="xy"))
    validation = write(tmp_path / "validation.jsonl", [{"text": "", "label": "a"}])
    with pytest.raises(DataError) as error:
        load(train, validation=validation, test=test)
    lines = str(error.value).splitlines()
    assert len(lines) == 3 and "validation.jsonl" in lines[0] and "'x'" in lines[1] and "'y'" in lines[2]


def test_load_of_test_file_without_the_label_column_names_it() -> None:
    with pytest.raises(DataError, match=r"list: No column 'label'\. Found: text, kind"):
        load(pd.DataFrame(items()), test=[{"text": "a", "kind": "b"}])


def test_load_of_too_few_rows_to_cut_says_so() -> None:
    with pytest.raises(DataError, match="No row fell into the test rows: 2 rows are too few"):
        load([{"text": "one", "label": "a"}, {"text": "two", "label": "b"}])


def test_load_keeps_groups_on_one_side() -> None:
    rows = [row | {"user": index // 4} for index, row in enumerate(items(400))]
    corpus = load(rows, DataOptions(group_column="user"))
    users = [{row.group for row in part} for part in (corpus.train, corpus.validation, corpus.test)]
    assert not users[0] & users[1] and not users[0] & users[2] and not users[1] & users[2]
    assert any("--group-column user" in note for note in load(rows).notes)


def test_load_does_not_need_the_group_in_given_test_rows() -> None:
    rows = [row | {"user": index // 4} for index, row in enumerate(items(400))]
    assert len(load(rows, DataOptions(group_column="user"), test=items(5, word="other")).test) == 5


def test_load_of_classes_with_a_list_among_them_says_where_and_what_to_do() -> None:
    with pytest.raises(DataError, match=r"1 row whose label cannot be read \(column 'labels'\): row 1: a list.*--task multilabel"):
        load([{"text": "a", "labels": ["x", "y"]}, {"text": "b", "labels": "x"}])


def test_load_of_lists_is_multi_label_and_an_empty_one_is_a_row() -> None:
    corpus = load([{"text": f"text {i}", "labels": [[], ["x"], ["y", "x"]][i % 3]} for i in range(120)])
    assert corpus.kind is Kind.LABELS and corpus.labels == ("x", "y")
    assert sum(len(part) for part in corpus.parts.values()) == 120
    assert {row.target for row in corpus.train} == {(), ("x",), ("x", "y")}
    assert sum(corpus.counts()["x"].values()) == 80 and sum(corpus.counts()["y"].values()) == 40


@pytest.mark.parametrize(("names", "order"), [
    ("10 9 -1 +2", ("-1", "+2", "9", "10")), ("10 9 a", ("10", "9", "a")), ("b a B", ("B", "a", "b")),
    ("²  1", ("1", "²")),
])
def test_label_order_is_by_value_when_all_are_integers(names: str, order: tuple[str, ...]) -> None:
    rows = [Row(name, "text", None, name, "f", 1) for name in names.split()]
    random.Random(0).shuffle(rows)
    assert label_order(rows) == order


def test_load_texts_keeps_every_record_and_column(tmp_path: Path) -> None:
    table, rows = load_texts(pd.DataFrame({"id": [7, 8, 9], "review": ["a", None, " "]}))
    assert table.columns == ("id", "review") and [record.values["id"] for record in table.records] == [7, 8, 9]
    assert [(row.text, row.target) for row in rows] == [("a", None), ("", None), ("", None)]


def test_load_texts_takes_text_files_and_lists(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("one\n\ntwo")
    assert texts(load_texts(tmp_path / "texts.txt")[1]) == ["one", "", "two"]
    assert texts(load_texts(["one", "two"])[1]) == ["one", "two"]


def test_load_texts_with_a_list_as_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"bytes as text \(row 2\)"):
        load_texts([{"text": "a"}, {"text": ["b"]}])


def test_load_texts_of_conll_joins_tokens_whatever_its_documents_are_called(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("-DOCSTART- (first) O\n\nPeter B-PER\nleft O\n\n-DOCSTART- (b) O\n\nEU B-ORG\n")
    assert [row.text for row in load_texts(tmp_path / "a.conll")[1]] == ["Peter left", "EU"]


def test_load_labelled_logs_what_it_skips(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rows = load_labelled([{"text": "a", "label": 1.0}, {"text": "", "label": 0}], Kind.CLASS, ("0", "1"))
    assert [(row.text, row.target) for row in rows] == [("a", "1")]
    assert "1 row with empty text skipped (row 2)" in caplog.text


def test_load_labelled_with_a_label_that_the_model_lacks_names_it(tmp_path: Path) -> None:
    path = write(tmp_path / "new.jsonl", [{"text": "a", "label": "spam"}, *[{"text": "b", "label": "hamm"}] * 3])
    with pytest.raises(DataError) as error:
        load_labelled(path, Kind.CLASS, ("ham", "spam"))
    assert str(error.value) == ("The model does not know the label 'hamm': 3 rows, first new.jsonl line 2. "
                                "It knows: ham, spam. Did you mean 'ham'?")


def test_load_labelled_and_read_file_change_labels_as_they_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "new.jsonl", [{"text": label, "label": label} for label in ("Spam", "ham", "?")])
    (tmp_path / "labels.toml").write_text('[labels]\n"Spam" = "spam"\n"?" = false\n"SPAM" = "spam"\n', encoding="utf-8")
    options = DataOptions(labels=str(tmp_path / "labels.toml"))
    with caplog.at_level(logging.WARNING):
        found = load_labelled(path, Kind.CLASS, ("ham", "spam"), options)
    assert [row.target for row in found] == ["spam", "ham"]
    assert "Label 'Spam'" in caplog.text and "Label '?' dropped with its 1 row" in caplog.text
    _, rows, findings = read_file(path, options)
    assert [row.target for row in rows] == ["spam", "ham"]
    assert {finding.code for finding in findings} >= {"label-dropped"}


def test_load_labelled_without_usable_rows_is_refused() -> None:
    with pytest.raises(DataError, match="none of its 1 row has both a text and a label"):
        load_labelled([{"text": "", "label": "a"}], Kind.CLASS, ("a", "b"))


def test_load_of_shipped_examples_is_sound() -> None:
    try:
        find("example:reviews")
    except DataError:
        pytest.skip("the examples are not there yet")
    for name in ("reviews", "support"):
        corpus = load(f"example:{name}")
        assert corpus.name == name and len(corpus.labels) > 1
        assert not [note for note in corpus.notes if note.startswith(("Leak", "WARNING"))]


@pytest.mark.parametrize(("name", "rows", "labels"), [
    ("banking77", (9005, 998, 3080), 77), ("sms_spam", (3902, 557, 1115), 2)])
def test_load_reads_real_folders(shared: Path, name: str, rows: tuple[int, ...], labels: int) -> None:
    corpus: Corpus = load(shared / "data" / name)
    assert (len(corpus.train), len(corpus.validation), len(corpus.test)) == rows
    assert len(corpus.labels) == labels and any(note.startswith("Leak") for note in corpus.notes)


def test_load_takes_scores_for_numbers_and_refuses_them_as_classes(shared: Path) -> None:
    corpus = load(shared / "data" / "vader_regression", max_train_rows=100)
    assert corpus.kind is Kind.NUMBER and corpus.labels == () and len(corpus.train) == 100
    assert all(isinstance(row.target, float) for row in corpus.test)
    with pytest.raises(DataError, match=r"1,843 different labels in 16,560 rows"):
        load(shared / "data" / "vader_regression", kind=Kind.CLASS)


def test_in_turn_all_training_rows_are_test_rows_and_nothing_is_said_of_others() -> None:
    rows = [*items(100), {"text": "lone 1", "label": "c"}, {"text": "lone 2", "label": "c"}]
    corpus = load(rows, in_turn=True)
    assert len(corpus.folds) == 5 and all(corpus.folds.values()) and corpus.totals() == {"a": 50, "b": 50, "c": 2}
    assert [part.value for part in corpus.apart] == ["train", "validation"] and set(texts(corpus.test)) <= set(texts(corpus.train))
    assert not {"untested-label", "unmeasured-label"} & {finding.code for finding in corpus.findings}
    assert "unmeasured-label" in {finding.code for finding in load(rows).findings}


def test_in_turn_takes_rows_for_every_fold() -> None:
    with pytest.raises(DataError, match=r"--test cv: no row falls into fold .* of 5: 4 training rows are too few"):
        load(items(), max_train_rows=4, in_turn=True)


def test_rows_drawn_hold_every_label_or_are_refused() -> None:
    spans = [{"text": f"word {index}", "spans": [{"start": 0, "end": 4, "label": "xyz"[index % 3]}]} for index in range(200)]
    lists = [{"text": f"word {index}", "labels": ["xyz"[index % 3]]} for index in range(200)]
    for rows in (items(labels="xyz"), spans, lists):
        assert load(rows, max_train_rows=3).labels == ("x", "y", "z")
        with pytest.raises(DataError, match=r"--max-train-rows 2: .* all 3 labels: none is left with '[xyz]'. Give at least 3\."):
            load(rows, max_train_rows=2)


def test_a_separator_that_parts_nothing_is_a_warning_and_one_beside_a_single_label_an_error() -> None:
    codes = [finding.code for finding in load(items(), DataOptions(label_separator=";;;")).findings]
    assert "separator" in codes
    with pytest.raises(ConfigError, match=r"--label-separator ;: is for several labels a row"):
        load(items(), DataOptions(label_separator=";"), kind=Kind.CLASS)
    with pytest.raises(ConfigError, match="--label-separator is empty"):
        DataOptions(label_separator="")
