"""What the search tried."""

import csv
import io
import re

import pytest

from luthier.explain.verdicts import Kind, Verdict
from luthier.report.html_search import search_section, validation_curves


def test_search_section_warns_that_the_best_validation_score_is_optimistic(make_results, make_trials):
    trials, curves = make_trials()
    page = search_section(make_results(), trials, curves)
    best = max(trial["score"] for trial in trials if trial["score"] != "")
    scored = sum(trial["score"] != "" for trial in trials)
    assert f"The best validation score, {best:.3f}, is the highest of {scored} and therefore optimistic" in page
    assert "0.780, is the honest one" in page


def test_search_section_draws_each_trial_once_and_highlights_two(make_results, make_trials):
    trials, curves = make_trials()
    page = search_section(make_results(), trials, curves)
    chart = page[page.index("Every trial as it learnt"):page.index("<h3>Every trial</h3>")]
    titles = re.findall(r"<title>trial (\d+) ", chart)
    assert sorted(map(int, titles)) == sorted(validation_curves(make_results(), curves))
    lines = re.findall(r'<polyline class="(\w+)"', chart)
    assert lines[-2:] == ["delivered", "delivered"]  # the trial and the final that continues it, on top
    assert lines.count("default") == 2


def test_search_section_tells_the_shortened_default_from_the_default(make_results, make_trials):
    """Its curve is the default's, and it is another recipe."""
    trials, curves = make_trials(12, 2)
    before = search_section(make_results(), trials, curves)
    trials.append(trials[0] | {"trial": 14, "role": "shortened", "parent": 0, "seconds": 0.0})
    curves += [row | {"trial": 14} for row in curves if row["trial"] == 0 and row["epoch"] < 4]
    page = search_section(make_results(), trials, curves)
    assert "Trial 14 is the default recipe with fewer epochs, read off the curve of trial 0: nothing was trained for it." in page
    assert "shortened of 0" in page and page.count('class="tag default"') == before.count('class="tag default"') > 0
    assert "nothing was trained" not in before


def test_search_section_counts_the_finals_of_the_choice_that_it_reports(make_results, make_trials):
    """A run that was given more time has finals of a choice before, too."""
    trials, curves = make_trials(12, 4)
    assert "Finals among them, 4:" in search_section(make_results(), trials, curves)
    assert "Finals among them, 2:" in search_section(make_results() | {"extended": 14}, trials, curves)
    stood = make_results()
    stood["best"]["recipe"]["schedule"] = "constant"
    assert "finished as they stood." in search_section(stood, trials, curves)


def test_search_section_lists_failures_by_reason(make_results, make_trials):
    trials, curves = make_trials(60)
    page = search_section(make_results(), trials, curves)
    assert "Failed trials" in page
    assert page.count("<li>7 trials (5, 14, 23, 32, 41, 50, 59): the loss is not finite") == 1
    assert "Failed trials" not in search_section(make_results(), [t for t in trials if t["state"] != "failed"], curves)


def test_search_section_says_how_every_trial_ended(make_results, make_trials):
    trials, curves = make_trials()
    page = search_section(make_results(), trials, curves)
    table = page[page.index("<h3>Every trial</h3>"):]
    assert table.count("<tr") == len(trials) + 1
    assert "place 1 of 2 after 44 steps" in table and "lower learning_rate" in table
    assert table.count("delivered</span>") == 1


def test_search_section_of_a_training_shows_one_curve_alone(make_results, make_trials):
    page = search_section(make_results(command="train"), *make_trials(1, 0))
    assert page.count("<polyline") == 1
    assert "<table" not in page and "optimistic" not in page and "this training" in page


def test_search_section_reads_the_rows_of_csv_files_too(make_results, make_trials):
    def through_csv(rows):
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        stream.seek(0)
        return list(csv.DictReader(stream))

    trials, curves = make_trials()
    page = search_section(make_results(), through_csv(trials), through_csv(curves))
    direct = search_section(make_results(), trials, curves)
    assert page.count("<circle") == direct.count("<circle")
    assert page.count("<polyline") == direct.count("<polyline")


@pytest.mark.parametrize("trials", [[], None])
def test_search_section_survives_a_search_without_a_score(make_results, make_trials, trials):
    if trials is None:
        trials = [{**trial, "score": "", "state": "failed"} for trial in make_trials(3, 0)[0]]
    page = search_section(make_results(interrupted=True), trials, [])
    assert "No evaluation was recorded" in page


def test_search_section_shows_verdicts_with_their_evidence(make_results, make_trials, hostile):
    trials, curves = make_trials()
    verdicts = {trial["trial"]: Verdict(Kind.OVERFIT, hostile[0]) for trial in trials}
    page = search_section(make_results(), trials, curves, verdicts)
    assert page.count(">overfit</span>") == len(trials) and "<script>" not in page
    assert ">verdict<" not in search_section(make_results(), trials, curves)


def test_search_section_of_a_training_says_its_verdict(make_results, make_trials):
    results = make_results(command="train")
    page = search_section(results, *make_trials(1, 0), {0: Verdict(Kind.UNDERFIT, "The training loss was still falling.")})
    assert "<b>Underfit.</b> The training loss was still falling." in page
