"""spaCy's DocBin, and docs in a list."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from luthier.data.formats import in_memory
from luthier.data.formats.docbin import read
from luthier.errors import DataError


def docs() -> list[Doc]:
    vocab = spacy.blank("en")
    first, second, third = vocab("EU rejects it"), vocab("nothing here"), vocab("not seen")
    first.ents = [Span(first, 0, 1, "ORG")]
    second.ents = []
    first.cats, second.cats = {"A": 1.0, "B": 0.2}, {"A": 0.0, "B": 0.9}
    return [first, second, third]


def test_read_entities_categories_and_docs_without_either(tmp_path: Path) -> None:
    DocBin(docs=docs()).to_disk(tmp_path / "a.spacy")
    table = read(tmp_path / "a.spacy")
    assert [(record.line, record.values) for record in table.records] == [
        (1, {"text": "EU rejects it", "spans": [{"start": 0, "end": 2, "label": "ORG"}], "label": "A"}),
        (2, {"text": "nothing here", "spans": [], "label": "B"})]
    assert [finding.code for finding in table.findings] == ["read-as", "left-out", "several-questions"]


def test_docs_in_a_list_are_read_as_those_of_a_file(tmp_path: Path) -> None:
    DocBin(docs=docs()).to_disk(tmp_path / "a.spacy")
    assert in_memory.read(docs()).records == read(tmp_path / "a.spacy").records


def test_read_says_that_span_groups_are_not_read(tmp_path: Path) -> None:
    first = docs()[0]
    first.spans["sc"] = [Span(first, 0, 2, "X")]
    assert "1 row with span groups" in str(in_memory.read([first]).findings[-1])


def test_read_without_spacy_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    DocBin(docs=docs()).to_disk(tmp_path / "a.spacy")
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(DataError, match=r"pip install 'luthier\[spacy\]'"):
        read(tmp_path / "a.spacy")
