"""Confidence: what is said of scores, and what is not."""

import pytest

from luthier.report.html_calibration import calibration_section, point_sentence


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_section_gives_errors_before_and_after_the_temperature_with_intervals(make_results, task):
    page = calibration_section(make_results(task=task))
    assert "temperature of 1.37" in page and "too sure of itself" in page
    for words in ("0.060", "[0.040, 0.080]", "0.140", "[0.120, 0.160]", "before the temperature"):
        assert words in page
    assert page.count('<polyline class="delivered"') == page.count('<polyline class="other"') == 1
    assert page.count('<rect class="cell"') == 3


def test_section_without_a_temperature_claims_none(make_results):
    results = make_results(temperature=1.0)
    del results["calibration"]["before"]
    page = calibration_section(results)
    assert "as training left them" in page and "before the temperature" not in page and "[0.040, 0.080]" in page


@pytest.mark.parametrize("task, said", [("entities", "No calibration is claimed"), ("regression", "no measure of how sure")])
def test_section_claims_nothing_where_nothing_can_be(make_results, task, said):
    page = calibration_section(make_results(task=task))
    assert said in page and "<svg" not in page


def test_points_are_sentences_with_intervals(make_results):
    points = make_results()["calibration"]["operating_points"]
    assert point_sentence(points[0]) == ("at confidence ≥ 0.8: 71 % of rows answered, 96 % right [answered 69 to 73 %, "
                                         "right 95 to 97 %]")
    assert point_sentence(points[1]) == "at confidence ≥ 0.95: no row answered"


def test_section_warns_of_a_model_that_was_not_sure_enough(make_results):
    assert "less sure than it could be" in calibration_section(make_results(temperature=0.6))


def test_section_holds_one_bin(make_results):
    results = make_results()
    bins = results["calibration"]["reliability"][:1]
    results["calibration"] = {"ece": {"value": 0.1, "low": 0.0, "high": 0.2}, "reliability": bins}
    page = calibration_section(results)
    assert '<polyline class="delivered"' not in page and 'class="delivered"' in page
