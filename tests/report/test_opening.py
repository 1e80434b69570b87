"""The first sentences tell the truth in every case."""

import pytest

from luthier.report.opening import opening, unbeaten


def test_opening_names_figure_interval_rows_and_best_control(make_results):
    first = opening(make_results())[0]
    assert first == ("On 206 unseen test rows the delivered model reaches a macro-F1 of 0.780 (95 % interval 0.730 to "
                     "0.830), above the best control, the default recipe (0.750).")


@pytest.mark.parametrize("name, value, beaten", [
    ("probe", 0.80, False), ("probe", 0.78, False), ("probe", 0.779, True), ("tfidf", 0.9, False),
    ("majority", 0.78, False), ("default", 0.79, False)])
def test_opening_says_first_that_a_control_is_not_beaten(make_results, score, name, value, beaten):
    results = make_results()
    results["controls"][name] = score(value)
    assert ("does not beat" not in opening(results)[0]) is beaten
    assert unbeaten(results) == ([] if beaten else [name])


def test_opening_lists_every_control_that_is_not_beaten(make_results, score):
    results = make_results()
    results["controls"] |= {"tfidf": score(0.81), "probe": score(0.83)}
    sentences = opening(results)
    assert "does not beat the frozen probe and the TF-IDF + logistic regression" in sentences[0]
    assert "the frozen probe 0.830" in sentences[0]
    assert "fine-tuning did not pay" in sentences[1]


def test_opening_does_not_blame_fine_tuning_when_only_the_default_is_ahead(make_results, score):
    results = make_results(gain={"value": -0.01, "low": -0.03, "high": 0.02})
    results["controls"]["default"] = score(0.79)
    assert "did not pay" not in " ".join(opening(results))


def test_opening_doubts_a_lead_inside_the_interval(make_results, score):
    results = make_results(command="train")
    assert len(opening(results)) == 1
    results["controls"]["probe"] = score(0.74)
    assert "may be chance" in opening(results)[1]


@pytest.mark.parametrize("low, high, said", [
    (0.008, 0.055, "The search gained +0.030"), (0.0, 0.055, "bought nothing provable"),
    (-0.02, 0.055, "bought nothing provable"), (-0.02, 0.0, "bought nothing provable"),
    (-0.08, -0.01, "is worse than the default recipe")])
def test_opening_says_what_the_search_bought(make_results, low, high, said):
    value = 0.03 if high > 0.03 else low / 2
    assert said in opening(make_results(gain={"value": value, "low": low, "high": high}))[1]


@pytest.mark.parametrize("best", [{"trial": 12, "parent": 0}, {"trial": 0, "parent": None}])
def test_opening_says_that_the_default_itself_is_delivered(make_results, best):
    results = make_results(gain=None)
    results["best"] |= best
    results["controls"]["default"] = results["test"]
    sentences = opening(results)
    assert "does not beat" not in sentences[0]
    assert "nothing provably better than the default recipe" in sentences[1]


def test_opening_admits_that_the_default_is_missing(make_results):
    results = make_results(gain=None)
    del results["controls"]["default"]
    assert "not known" in opening(results)[1]


@pytest.mark.parametrize("command", ["tune", "train"])
def test_opening_says_that_the_run_was_interrupted(make_results, command):
    assert "interrupted" in opening(make_results(command=command, interrupted=True))[-1]
    assert "interrupted" not in " ".join(opening(make_results(command=command)))


def test_opening_of_a_training_says_nothing_of_a_search(make_results):
    assert "search" not in " ".join(opening(make_results(command="train")))


def test_opening_says_that_recorded_test_rows_end_blind_selection(make_results):
    assert not any("blind" in sentence for sentence in opening(make_results()))
    said = " ".join(opening(make_results(record_test=True)))
    assert "Selection is no longer blind" in said and "unseen" not in said


def test_opening_says_that_the_budget_cut_the_epochs(make_results):
    said = " ".join(opening(make_results(epochs={"usual": 19.23, "afforded": 2.654})))
    assert "the default recipe would train 19 epochs, and the budget afforded 2.7" in said
    assert "cut short" not in " ".join(opening(make_results(epochs=None)))


@pytest.mark.parametrize("value, half, epochs, said", [
    (0.80, 0.05, None, "did not pay in this run: a simpler method does as well. Their intervals overlap, so this may be chance."),
    (0.95, 0.02, None, "did not pay here: a simpler method does better."),
    (0.95, 0.02, {"usual": 20.0, "afforded": 4.0}, "did not pay in this run: a simpler method does better.")])
def test_opening_says_how_sure_it_is_that_fine_tuning_did_not_pay(make_results, score, value, half, epochs, said):
    results = make_results(epochs=epochs)
    results["controls"]["probe"] = score(value, half)
    assert opening(results)[1] == f"By this figure fine-tuning {said}"
