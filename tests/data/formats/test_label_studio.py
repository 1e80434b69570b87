"""Label Studio: JSON and JSON-MIN in the shapes that it documents."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.data.formats.label_studio import fits, read, results
from luthier.data.formats.table import Record
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Span
from luthier.errors import DataError


def choice(*names: str, control: str = "sentiment") -> dict[str, Any]:
    return {"id": "x", "from_name": control, "to_name": "text", "type": "choices", "value": {"choices": list(names)}}


def annotation(*found: dict[str, Any], who: Any = 1, **more: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": who, "result": list(found), "was_cancelled": False, "lead_time": 3.2} | more


def task(text: str, *annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": 7, "data": {"text": text} | data, "annotations": list(annotations), "predictions": []}


def values(*items: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    return [record.values for record in read("a.json", numbered(*items), DataOptions(**options)).records]


def numbered(*items: dict[str, Any]) -> list[Record]:
    return [Record(number, item) for number, item in enumerate(items, 1)]


def test_read_tasks_keeps_data_and_drops_what_was_cancelled() -> None:
    items = numbered(task("a", annotation(choice("pos")), source="web"), task("b"), task("c", annotation(was_cancelled=True)),
                     task("d", annotation(was_cancelled=True), annotation(choice("neg"))), task("e", annotation()))
    table = read("a.json", items, DataOptions())
    assert [record.values for record in table.records] == [
        {"text": "a", "source": "web", "id": 7, "label": "pos"}, {"text": "d", "id": 7, "label": "neg"},
        {"text": "e", "id": 7, "label": None}]
    assert [str(finding) for finding in table.findings] == [
        "a.json: read as Label Studio tasks.", "a.json: 1 row left out: skipped by the annotator (was_cancelled) (row 3).",
        "a.json: 1 row left out: not annotated (row 2)."]


def test_read_tasks_of_older_versions() -> None:
    assert values({"data": {"text": "a"}, "completions": [{"result": [choice("pos")]}]}) == [{"text": "a", "label": "pos"}]


def test_read_several_choices_and_none_as_lists() -> None:
    assert [row["labels"] for row in values(task("a", annotation(choice("x", "y"))), task("b", annotation()))] == [["x", "y"], []]


def test_read_takes_the_text_from_another_field_and_says_so() -> None:
    item = {"data": {"body": "the text", "n": 3}, "annotations": [annotation(choice("pos"))]}
    table = read("a.json", numbered(item), DataOptions())
    assert table.columns == ("text", "n", "label") and "the text is taken from 'data.body'" in str(table.findings[-1])
    assert values(item, text_columns=("body",)) == [{"body": "the text", "n": 3, "label": "pos"}]


def test_read_ratings_numbers_and_taxonomies() -> None:
    rating = {"from_name": "stars", "type": "rating", "value": {"rating": 4}}
    assert values(task("a", annotation(rating)))[0]["label"] == 4
    number = {"from_name": "n", "type": "number", "value": {"number": 2.5}}
    assert values(task("a", annotation(number)))[0]["label"] == 2.5
    tree = {"from_name": "t", "type": "taxonomy", "value": {"taxonomy": [["Animal", "Dog"], ["Plant"]]}}
    assert values(task("a", annotation(tree)))[0]["labels"] == ["Animal / Dog", "Plant"]


def test_read_two_controls_as_two_columns() -> None:
    found = values(task("a", annotation(choice("pos"), choice("menu", control="topic"))))
    assert (found[0]["sentiment"], found[0]["topic"]) == ("pos", "menu")


def test_read_counts_results_that_are_not_read() -> None:
    textarea = {"from_name": "why", "type": "textarea", "value": {"text": ["so"]}}
    table = read("a.json", numbered(task("a", annotation(choice("pos"), textarea, textarea))), DataOptions())
    assert "1 row with results of the type 'textarea', which is not read" in str(table.findings[-1])


@pytest.mark.parametrize(("rule", "label"), [("first", "pos"), ("b@c.org", "neg"), ("majority", "neg")])
def test_read_settles_annotators_by_id_or_mail(rule: str, label: str) -> None:
    item = task("a", annotation(choice("pos")), annotation(choice("neg"), who={"id": 2, "email": "b@c.org"}),
                annotation(choice("neg"), who=3))
    assert values(item, annotators=rule)[0]["label"] == label


def test_read_spans_with_html_labels_alone_is_refused() -> None:
    html = {"from_name": "l", "type": "hypertextlabels", "value": {"start": "/p[1]", "end": "/p[1]", "hypertextlabels": ["X"]}}
    with pytest.raises(DataError, match="results are of types that are not read: hypertextlabels"):
        values(task("a", annotation(html)))


def test_read_json_min_groups_annotators_of_a_task() -> None:
    item = {"text": "EU here", "id": 1, "sentiment": "pos", "topics": {"choices": ["a", "b"]},
            "ner": [{"start": 0, "end": 2, "text": "EU", "labels": ["ORG"]}], "stars": [{"rating": 4}], "annotator": 1,
            "annotation_id": 3, "created_at": "2021", "updated_at": "2021", "lead_time": 2.1}
    other = item | {"annotator": 2, "annotation_id": 4, "sentiment": "neg"}
    table = read("a.json", numbered(item, other), DataOptions(annotators="2"))
    record = table.records[0].values
    assert record["spans"] == [{"start": 0, "end": 2, "label": "ORG"}]
    assert (record["sentiment"], record["topics"], record["stars"]) == ("neg", ["a", "b"], 4)
    assert any("further answers to a text above" in str(finding) and "row 2" in str(finding) for finding in table.findings)


def test_fits_tells_tasks_and_json_min_by_their_keys() -> None:
    assert fits(numbered({"data": {"text": "a"}, "annotations": []})) and fits(numbered({"annotation_id": 1, "annotator": 2}))
    assert not fits(numbered({"text": "a", "annotations": []})) and not fits(numbered({"data": "x"}))


def test_results_are_those_that_are_read_again() -> None:
    found = results("EU", (Span(0, 2, "ORG"),), Kind.SPANS, scores=[0.5])
    assert found[0]["score"] == 0.5
    assert values(task("EU", annotation(*found)))[0]["spans"] == [{"start": 0, "end": 2, "label": "ORG"}]
    assert results("a", (), Kind.LABELS) == [] and results("a", "x", Kind.CLASS)[0]["value"] == {"choices": ["x"]}
