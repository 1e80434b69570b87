"""The data and the mistakes."""

import pytest

from luthier.report.html_data import MOST_CONFUSIONS, data_section


@pytest.mark.parametrize("labels, whole", [(2, True), (20, True), (21, False), (151, False)])
def test_data_section_shows_the_matrix_whole_up_to_20_labels(make_results, labels, whole):
    page = data_section(make_results(tuple(f"label {index}" for index in range(labels))))
    assert ("true / predicted" in page) is whole
    assert page.count("--a:") <= labels * labels
    if not whole:
        assert f"The {MOST_CONFUSIONS} most frequent" in page


def test_data_section_orders_confusions_by_rows(make_results):
    labels = tuple(f"label {index}" for index in range(25))
    confusion = [[4 * (true == predicted) for predicted in range(25)] for true in range(25)]
    confusion[3][7], confusion[1][2] = 6, 2
    page = data_section(make_results(labels, confusion=confusion, examples=[]))
    worst = page[page.index("Which labels it confuses"):]
    assert worst.index("label 3") < worst.index("label 7") < worst.index("label 1<")
    assert "60 %" in worst and "33 %" in worst and "2 most frequent of 2 kinds" in worst


def test_data_section_of_a_perfect_model_says_so(make_results):
    labels = tuple(f"label {index}" for index in range(25))
    confusion = [[4 * (true == predicted) for predicted in range(25)] for true in range(25)]
    page = data_section(make_results(labels, confusion=confusion, examples=[]))
    assert "No test row was given a wrong label" in page
    assert "Confident mistakes" not in page


def test_data_section_gives_rows_notes_split_and_counts(make_results):
    page = data_section(make_results())
    assert "1,030 rows to train on, 206 to choose by (validation) and 206 to judge by (test)" in page
    assert "stand on one side of the split" in page and "seeded hash" in page
    assert page.index("negative") < page.index("neutral") < page.index("positive")


def test_data_section_shows_confident_mistakes(make_results):
    page = data_section(make_results())
    assert "Loved the popcorn" in page and "0.981" in page


def test_data_section_names_an_empty_label(make_results, hostile):
    assert "(empty)" in data_section(make_results(hostile))
