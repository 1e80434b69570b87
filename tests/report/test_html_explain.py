"""What each hyperparameter did, on the page."""

import re

import pytest

from luthier.explain.importance import Importance, Ranking
from luthier.explain.overview import Explanation, explain
from luthier.report.html_explain import MOST_CHARTS, explain_section


@pytest.fixture
def make_page(make_results, make_trials):
    def make(count=12, change=lambda trial: {}):
        trials, curves = make_trials(count)
        trials = [trial | change(trial) for trial in trials]
        return explain_section(make_results(), explain(make_results(), trials, curves), trials)

    return make


def test_section_begins_with_sentences(make_page):
    page = make_page()
    assert page.index("Verdicts: ") < page.index("<h3>Which mattered</h3>") < page.index("<h3>Score and each hyperparameter</h3>")
    assert page.index("<h3>Value by value</h3>") < page.index("seconds per")


def test_section_of_a_training_is_left_out(make_results, make_trials):
    results = make_results(command="train")
    trials, curves = make_trials(1, 0)
    assert explain_section(results, explain(results, trials, curves), trials) == ""


def test_importance_is_drawn_beside_what_noise_reaches(make_results):
    ranking = Ranking((Importance("learning_rate", 0.6, 0.3, 1.0, 0.016, True),
                       Importance("dropout", 0.1, 0.3, 0.4, 0.8, False)), 30)
    page = explain_section(make_results(), Explanation({}, ranking, (), (), 0), [])
    assert "learning_rate stands out from noise" in page
    assert page.count("stands out</b>") == 1 and page.count("not distinguishable from noise") == 1
    assert page.count('<rect class="real"') == 1 and page.count("<line") == 2


def test_too_few_recipes_are_said_to_be_too_few(make_page):
    assert "too few recipes to tell: 6 ran" in make_page(6)


def test_every_trial_has_a_mark_in_every_chart(make_page):
    page = make_page()
    marks = re.findall(r"<title>trial (\d+): [^<]*, [\d.]+, [a-z ]+</title>|<title>trial (\d+): [^<]*, failed, ", page)
    charts = page.count('class="plot"')
    assert charts == 7 and len({one or other for one, other in marks}) == 12
    assert page.count('class="ring default"') == charts + 1  # one in each, and one in the legend


def test_more_hyperparameters_than_charts(make_page):
    page = make_page(change=lambda trial: {"warmup_steps": trial["trial"], "max_grad_norm": 1 + trial["trial"] % 3})
    assert page.count('class="plot"') == MOST_CHARTS
    assert page.count('<tr class="first">') == 9


def test_charts_use_a_log_axis_over_a_wide_spread_only(make_page):
    page = make_page()
    assert "learning_rate, log scale" in page and "weight_decay, log scale" in page
    assert "layer_decay, log scale" not in page and "batch_size, log scale" not in page


def test_charts_show_words_and_blanks_as_categories(make_page):
    page = make_page(change=lambda trial: {"averaging": ("none", "ema", "")[trial["trial"] % 3]})
    assert re.search(r">ema</text>", page) and re.search(r">none</text>", page) and re.search(r">not used</text>", page)


def test_text_from_data_is_escaped(make_page, hostile):
    page = make_page(change=lambda trial: {"averaging": hostile[trial["trial"] % len(hostile)], "verdict": "good",
                                           "evidence": hostile[0]})
    assert "<script>" not in page and "<img" not in page


def test_a_search_without_a_score_is_survived(make_page):
    page = make_page(3, lambda trial: {"state": "failed", "score": "", "reason": "out of memory"})
    assert "Which mattered" in page
