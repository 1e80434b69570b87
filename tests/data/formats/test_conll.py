"""CoNLL and its variants."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.data.formats.conll import fits, read
from luthier.errors import DataError


def write(folder: Path, text: str, name: str = "rows.conll") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(path: Path) -> list[tuple[int, list[str], list[str]]]:
    return [(record.line, record.values["tokens"], record.values["tags"]) for record in read(path).records]


def test_read_conll2003_with_documents(tmp_path: Path) -> None:
    table = read(write(tmp_path, "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nsaid VBD O O\n\nmore JJ O O\n\n-DOCSTART- (9) -X- O\n\n"
                                 "Rome NNP O B-LOC\n"))
    assert [(record.line, record.values) for record in table.records] == [
        (3, {"tokens": ["EU", "said"], "tags": ["B-ORG", "O"], "document": "1"}),
        (6, {"tokens": ["more"], "tags": ["O"], "document": "1"}), (10, {"tokens": ["Rome"], "tags": ["B-LOC"], "document": "9"})]


def test_read_wnut_keeps_tokens_that_begin_with_a_hash(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "#tag\tO\n#\tO\n@Paris\tB-loc\n\n")) == [(1, ["#tag", "#", "@Paris"], ["O", "O", "B-loc"])]
    assert rows(write(tmp_path, "# O\n#tag O\n")) == [(1, ["#", "#tag"], ["O", "O"])]


@pytest.mark.parametrize("comment", ["# id 7f domain=en", "# sent_id = 3", "# text = a b c d", "# global.columns = ID FORM NER"])
def test_read_passes_over_comments(tmp_path: Path, comment: str) -> None:
    assert rows(write(tmp_path, f"{comment}\nEU _ _ B-ORG\n\n{comment}\nUN _ _ B-ORG\n")) == [
        (2, ["EU"], ["B-ORG"]), (5, ["UN"], ["B-ORG"])]


def test_read_conllu_takes_forms_and_tags_among_features(tmp_path: Path) -> None:
    text = ("# newdoc id = d1\n1-2\tdu\t_\t_\n1\tde\t_\tNER=O\n2\tle\t_\tSpaceAfter=No|NER=B-X\n2.1\tx\t_\t_\n\n"
            "1\tParis\t_\tNER=B-LOC\n")
    table = read(write(tmp_path, text, "rows.conllu"))
    assert [record.values for record in table.records] == [
        {"tokens": ["de", "le"], "tags": ["O", "B-X"], "document": "d1"},
        {"tokens": ["Paris"], "tags": ["B-LOC"], "document": "d1"}]


def test_read_with_numbers_as_tokens_keeps_them(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "1\tCD\tO\n5\tCD\tB-N\n")) == [(1, ["1", "5"], ["O", "B-N"])]


def test_read_with_a_tab_keeps_spaces_within_tokens(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "New York\tB-LOC\n\u00a0\tO\n")) == [(1, ["New York", "\u00a0"], ["B-LOC", "O"])]


def test_read_names_each_line_with_other_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(write(tmp_path, "a O\nb\n\nc d O\n"))
    assert "line 2: 1 column where the first line has 2: 'b'" in str(error.value) and "line 4: 3 columns" in str(error.value)


@pytest.mark.parametrize(("text", "found"), [
    ("EU\tB-ORG\nhere\tO\n", True), ("EU NNP B-ORG\nhere RB O\n", True), ("-DOCSTART- O\n\nEU B-ORG\nx O\n", True),
    ("tokens\ttags\nEU\tB-ORG\n", False), ("just a text\nand more O\n", False), ("O\nO\n", False), ("EU B-ORG\n", False),
    ("text\tlabel\na\tO\n", False), ("a b O\nc O\n", False), ("", False)])
def test_fits_only_what_is_clearly_tokens_with_tags(text: str, found: bool) -> None:
    assert fits(text) is found
