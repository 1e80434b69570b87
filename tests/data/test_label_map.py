"""Mappings of labels: proposed, read, applied."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.label_map import LabelMap, propose, relabel, write_proposal
from luthier.data.row import Kind, Row, Span, Split, Target
from luthier.errors import ConfigError, DataError


def rows(targets: Sequence[Target], file: str = "train.csv") -> list[Row]:
    return [Row(str(line), f"text {line}", None, target, file, line) for line, target in enumerate(targets, 2)]


def write(path: Path, text: str) -> Path:
    path.write_text(f"[labels]\n{text}", encoding="utf-8")
    return path


def test_propose_merges_variants_and_marks_rare_labels() -> None:
    text = propose(Kind.CLASS, rows(["spam"] * 9 + ["Spam"] * 2 + ["ham"] * 8 + ["odd"]), "l.toml")
    assert tomllib.loads(text) == {"labels": {"spam": "spam", "ham": "ham", "Spam": "spam", "odd": "odd"}}
    assert "\"Spam\" = \"spam\"  # 2 rows; spelled almost like \"spam\" (9)" in text
    assert '"odd" = "odd"  # 1 row; rare: keep it as it is, merge it ("odd" = "another label"), or drop it ("odd" = false)' in text
    assert "--labels l.toml" in text


@given(st.lists(st.text(min_size=1, max_size=8).filter(lambda name: name.strip() == name and max(name) < "\ud800"),
                min_size=1, max_size=6))
def test_what_is_proposed_can_be_read_and_applied(labels: list[str]) -> None:
    given_rows = rows(labels)
    changes = tomllib.loads(propose(Kind.CLASS, given_rows))["labels"]
    assert set(changes) == set(labels) and set(changes.values()) <= set(labels)
    changed, _ = LabelMap(changes).apply(given_rows, Kind.CLASS)
    assert len(changed) == len(given_rows)
    assert LabelMap({new: new for new in set(changes.values())}).apply(changed, Kind.CLASS) == (changed, [])


def test_apply_to_classes_renames_merges_and_drops_rows() -> None:
    changed, found = LabelMap({"a": "b", "c": None, "d": "e"}, "l.toml").apply(rows(["a", "b", "c", "d", "f"]), Kind.CLASS)
    assert [row.target for row in changed] == ["b", "b", "e", "f"]
    assert [(one.code, len(one.rows)) for one in found] == [("label-merged", 1), ("label-dropped", 1), ("label-renamed", 1)]
    assert str(found[1]) == "Label 'c' dropped with its 1 row (train.csv line 4), as l.toml says."


def test_apply_to_sets_and_spans_keeps_the_rows() -> None:
    changed, found = LabelMap({"a": "b", "c": None}).apply(rows([("a", "b"), ("c",), ("a",)]), Kind.LABELS)
    assert [row.target for row in changed] == [("b",), (), ("b",)] and "the rows are kept" in found[1].message
    spans = (Span(0, 1, "a"), Span(2, 3, "c"), Span(4, 5, "c"))
    changed, found = LabelMap({"a": "z", "c": None}).apply(rows([spans]), Kind.SPANS)
    assert [row.target for row in changed] == [(Span(0, 1, "z"),)] and "2 mentions in 1 row" in found[1].message


def test_apply_to_unknown_labels_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no row has the label 'hamm'.*Did you mean 'ham'"):
        LabelMap({"hamm": "spam", "xyz": None}).apply(rows(["ham", "spam"]), Kind.CLASS)


def test_apply_to_a_part_passes_over_labels_that_it_lacks() -> None:
    changed, found = LabelMap({"a": "b", "c": None}).apply(rows(["a", "d"]), Kind.CLASS, all_labels=False)
    assert [row.target for row in changed] == ["b", "d"]
    assert [finding.code for finding in found] == ["label-renamed"]


def test_apply_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no row is left"):
        LabelMap({"a": None}).apply(rows(["a"]), Kind.CLASS)
    with pytest.raises(DataError, match="numbers"):
        LabelMap({}).apply(rows([1.0]), Kind.NUMBER)


def test_read_finds_every_problem(tmp_path: Path) -> None:
    file = write(tmp_path / "l.toml", '"a" = "b"\n"b" = "c"\n"d" = 3\n"e" = ""\n"f" = "g"\n"g" = false\n')
    with pytest.raises(DataError) as error:
        LabelMap.read(file)
    lines = str(error.value).splitlines()
    assert len(lines) == 4 and "'d' = 3" in lines[0] and "'b' is itself renamed to 'c'" in lines[2] and "itself dropped" in lines[3]


@pytest.mark.parametrize("text", ["a = 1\n", '[label]\n"a" = "b"\n', '[labels]\n"a" = "b"\n[more]\n'])
def test_read_of_another_file_says_what_it_should_hold(text: str, tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text(text)
    with pytest.raises(DataError, match=r"one table, \[labels\]"):
        LabelMap.read(tmp_path / "l.toml")


def test_read_of_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        LabelMap.read(tmp_path / "l.toml")


def test_relabel_counts_over_all_parts(tmp_path: Path) -> None:
    file = write(tmp_path / "l.toml", '"a" = "b"\n"c" = false\n')
    parts = {Split.TRAIN: rows(["a", "b"]), Split.TEST: rows(["c", "a"], "test.csv")}
    changed, found = relabel(parts, Kind.CLASS, file)
    assert {split: [row.target for row in own] for split, own in changed.items()} == {Split.TRAIN: ["b", "b"], Split.TEST: ["b"]}
    assert "2 rows (train.csv line 2; test.csv line 3)" in found[0].message


def test_write_proposal_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "l.toml"
    write_proposal(file, Kind.CLASS, rows(["a", "b"]))
    before = file.read_text()
    assert LabelMap.read(file).changes == {"a": "a", "b": "b"}
    with pytest.raises(ConfigError, match="is there already"):
        write_proposal(file, Kind.CLASS, rows(["c"]))
    assert file.read_text() == before
    with pytest.raises(ConfigError, match="no folder"):
        write_proposal(tmp_path / "x" / "l.toml", Kind.CLASS, rows(["c"]))
    with pytest.raises(DataError, match="numbers"):
        propose(Kind.NUMBER, rows([1.0]))
