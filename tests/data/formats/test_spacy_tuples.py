"""spaCy's training tuples."""

from __future__ import annotations

from luthier.data.formats import spacy_tuples
from luthier.data.options import DataOptions


def test_read_entities_and_categories() -> None:
    items = [(1, ["EU here", {"entities": [[0, 2, "ORG"]], "cats": {"A": 1.0, "B": 0.0}}]),
             (2, ["more", {"entities": [], "cats": {"A": 0.0, "B": 1}}])]
    table = spacy_tuples.read("a.json", items, DataOptions())
    assert [record.values for record in table.records] == [
        {"text": "EU here", "spans": [{"start": 0, "end": 2, "label": "ORG"}], "label": "A"},
        {"text": "more", "spans": [], "label": "B"}]
    assert table.findings[-1].code == "several-questions"


def test_fits_needs_a_text_and_its_object() -> None:
    assert spacy_tuples.fits([(1, ("a", {"cats": {}}))])
    assert not spacy_tuples.fits([(1, ["a", {"x": 1}]), (2, {"text": "a"}), (3, ["a", "b"])])
