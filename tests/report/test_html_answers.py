"""What is right and wrong, for every task."""

import pytest

from luthier.report.html_answers import MOST_CONFUSIONS, answers_section


@pytest.mark.parametrize("labels, whole", [(2, True), (20, True), (21, False), (151, False)])
def test_answers_section_shows_the_matrix_whole_up_to_20_labels(make_results, labels, whole):
    page = answers_section(make_results(tuple(f"label {index}" for index in range(labels))))
    assert ("true / predicted" in page) is whole
    assert page.count("--a:") <= labels * labels
    if not whole:
        assert f"The {MOST_CONFUSIONS} most frequent" in page


def test_answers_section_orders_confusions_by_rows(make_results):
    labels = tuple(f"label {index}" for index in range(25))
    confusion = [[4 * (true == predicted) for predicted in range(25)] for true in range(25)]
    confusion[3][7], confusion[1][2] = 6, 2
    page = answers_section(make_results(labels, details={"confusion": confusion}, examples=[]))
    worst = page[page.index("Which labels it confuses"):]
    assert worst.index("label 3") < worst.index("label 7") < worst.index("label 1<")
    assert "60 %" in worst and "33 %" in worst and "2 most frequent of 2 kinds" in worst


def test_answers_section_of_a_perfect_model_says_so(make_results):
    labels = tuple(f"label {index}" for index in range(25))
    confusion = [[4 * (true == predicted) for predicted in range(25)] for true in range(25)]
    page = answers_section(make_results(labels, details={"confusion": confusion}, examples=[]))
    assert "No row was given a wrong label" in page
    assert "Confident mistakes" not in page


def test_answers_section_shows_confident_mistakes(make_results):
    page = answers_section(make_results())
    assert "Loved the popcorn" in page and "0.981" in page


def test_answers_section_names_an_empty_label(make_results, hostile):
    assert "(empty)" in answers_section(make_results(hostile))


def test_answers_section_gives_precision_recall_and_f1_of_each_label(make_results):
    page = answers_section(make_results())
    assert page.index("negative") < page.index("neutral") < page.index("positive")
    assert page.count("0.812") == 3 and page.count("0.750") == 3 and page.count("0.780") == 3
    results = make_results()
    del results["details"]["per_label"]["neutral"]["precision"]
    assert answers_section(results).count("0.812") == 2


def test_answers_section_of_many_labels_gives_thresholds_and_no_matrix(make_results):
    page = answers_section(make_results(task="multilabel"))
    assert page.count("0.375") == 3 and "given from" in page and "tuned on the validation rows" in page
    assert "true / predicted" not in page and "score of being wrong" in page


def test_answers_section_of_entities_gives_every_kind_of_error(make_results):
    page = answers_section(make_results(task="entities"))
    for words in ("wrong type", "wrong boundary", "missed", "spurious", "training entities", "true entities"):
        assert words in page
    assert "True entities: 176; found: 156." in page
    assert "conventional way" in page


def test_answers_section_of_numbers_draws_predicted_against_true(make_results):
    page = answers_section(make_results(task="regression"))
    assert page.count('<rect class="cell"') == 4 and 'class="ideal"' in page
    assert "true 0.000 to 2.500, predicted 2.500 to 5.000: 20 rows" in page
    assert "Greatest errors" in page and "off by" in page and "Label by label" not in page


def test_answers_section_shows_both_texts_of_a_pair(make_results):
    page = answers_section(make_results(pairs=True))
    assert "Loved the popcorn" in page and page.count("What the other one says") == 2


def test_answers_section_gives_no_score_to_what_was_only_missed(make_results):
    results = make_results(task="entities")
    results["examples"][0]["score"] = 0.0
    page = answers_section(results)
    assert "0.000" not in page and "0.930" in page
