"""Metrics by name."""

import numpy as np
import pytest

from luthier.report.metrics import article, positive_label, shown_metrics, test_metrics
from luthier.tasks.classification import Classification
from luthier.tasks.multilabel import Multilabel
from luthier.tasks.regression import Regression

test_metrics.__test__ = False


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression", "entities"])
def test_every_metric_has_a_title_a_meaning_and_an_interval(make_results, task):
    results = make_results(task=task)
    found = test_metrics(results)
    assert {metric.name for metric in found} == set(results["test_metrics"]) and found[0].name == results["metric"]
    assert all(metric.title and metric.meaning and "_" not in metric.title for metric in found)
    assert (found[0].value, found[0].low, found[0].high) == ("0.780", "0.730", "0.830")


@pytest.mark.parametrize("task, scores, truth", [
    (Classification(("a", "b"), positive=1), np.array([[0.6, 0.4], [0.2, 0.8]]), np.array([0, 1])),
    (Multilabel(("a", "b")), np.array([[0.6, 0.4], [0.2, 0.8]]), np.array([[True, False], [False, True]])),
    (Regression(()), np.array([[0.6], [0.2]]), np.array([0.0, 1.0]))])
def test_every_metric_that_a_task_has_is_known(make_results, task, scores, truth):
    figures = {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in task.metrics(scores, truth)}
    results = make_results(("a", "b"), task=task.name, test_metrics=figures)
    assert {metric.name for metric in test_metrics(results)} == set(figures)
    assert all(metric.meaning for metric in test_metrics(results))


def test_both_readings_of_entities_are_named(make_results):
    titles = [metric.title for metric in test_metrics(make_results(task="entities"))]
    assert titles[:2] == ["entity F1, conventional", "entity F1, strict IOB2"]


def test_a_metric_of_one_label_names_the_rarer_one(make_results):
    results = make_results(("ham", "spam"))
    results["counts"]["spam"]["train"] = 1
    results["test_metrics"]["roc_auc"] = {"value": 0.9, "low": 0.8, "high": 1.0}
    assert positive_label(results) == "spam"
    assert [metric.title for metric in test_metrics(results)] == ["macro-F1", "accuracy", "ROC-AUC of 'spam'", "log loss"]
    results["counts"]["ham"]["train"] = 1
    assert positive_label(results) == "spam" and Classification.make(("ham", "spam")).positive == 1


def test_metrics_of_a_model_are_named_as_those_of_a_run():
    scores = {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in ("loss", "f1", "macro_f1")}
    found = shown_metrics("classification", "macro_f1", scores, "spam")
    assert [metric.title for metric in found] == ["macro-F1", "F1 of 'spam'", "log loss"]


def test_errors_keep_four_digits_of_any_unit(make_results):
    results = make_results(task="regression")
    results["test_metrics"]["rmse"] = {"value": 0.0001234, "low": 0.0001, "high": 12345.6}
    metric = next(metric for metric in test_metrics(results) if metric.name == "rmse")
    assert (metric.value, metric.low, metric.high) == ("0.0001234", "0.0001000", "1.235e+04")


@pytest.mark.parametrize("title, word", [
    ("macro-F1", "a"), ("accuracy", "an"), ("entity F1", "an"), ("F1 of 'spam'", "an"), ("R²", "an"),
    ("Pearson correlation", "a"), ("ROC-AUC", "a")])
def test_article(title, word):
    assert article(title) == word
