"""Controls by name."""

import pytest

from luthier.report.controls import ORDER, control_meaning, control_title, named


def test_titles_are_those_of_the_run(make_results):
    results = make_results(task="regression")
    assert control_title(results, "tfidf") == "TF-IDF + ridge regression"
    assert named(results, "majority") == "the mean of the training rows" and named(results, "probe") == "the frozen probe"
    assert control_title(make_results(control_titles={}), "majority") == "most frequent label"


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression", "entities"])
@pytest.mark.parametrize("control", ORDER)
def test_every_control_of_every_task_has_a_meaning(make_results, task, control):
    results = make_results(task=task)
    said = control_meaning(results, control)
    assert said
    if task in ("regression", "entities") and control in results["controls"]:
        assert "label" not in said and "logistic" not in said


def test_the_probe_of_pairs_is_of_both_texts(make_results):
    assert "|u−v|" in control_meaning(make_results(pairs=True), "probe")
    assert "a text" in control_meaning(make_results(), "probe")
    assert "each token" in control_meaning(make_results(task="entities"), "probe")
