"""The data and what was found in them."""

import pytest

from luthier.report.html_data import MOST_PLACES, data_section


def test_data_section_gives_rows_split_and_columns(make_results):
    page = data_section(make_results())
    assert "Rows: 1,030 for training, 206 for validation, 206 for test." in page
    assert "seeded hash" in page and "At most 64 tokens" in page
    assert "Texts from <code><bdi>text</bdi></code>, labels from <code><bdi>label</bdi></code>." in page
    assert "second texts from <code><bdi>other</bdi></code>" in data_section(make_results(pairs=True))


def test_data_section_gives_findings_by_severity_with_advice_and_rows(make_results):
    page = data_section(make_results())
    places = [page.index(words) for words in ("Warnings", "Take them out of one of the two.", "Notes", "stand on one")]
    assert places == sorted(places)
    assert "3 rows</summary>" in page and "lines 4, 17, 1,204" in page and "Errors" not in page


def test_data_section_counts_the_rows_that_it_does_not_name(make_results):
    finding = {"code": "x", "severity": "note", "message": "Odd.", "advice": "", "rows": [["a.xlsx", row] for row in range(150)]}
    page = data_section(make_results(findings=[finding]))
    assert "150 rows</summary>" in page and f"and {150 - MOST_PLACES} more" in page and "rows 0, 1, 2" in page


@pytest.mark.parametrize("changes, said", [
    ({}, "At most"), ({"long_texts": "windows"}, "read whole"), ({"task": "entities"}, "read whole")])
def test_data_section_says_what_becomes_of_long_texts(make_results, changes, said):
    assert said in data_section(make_results(**changes))


def test_data_section_without_findings_has_no_heading_for_them(make_results):
    assert "What was found" not in data_section(make_results(findings=[]))
