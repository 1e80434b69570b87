"""The model card: front matter that parses, the snippet that works, and text that stays text."""

import ast
import json
import re

import pytest

from luthier.report import card
from luthier.report.opening import opening


def front_matter(text):
    """The YAML of a card, which uses top-level `key: value` and lists of plain words only."""
    opening_line, *lines = text.split("\n")
    assert opening_line == "---"
    found, key = {}, ""
    for line in lines[:lines.index("---")]:
        if line.startswith("- "):
            found[key].append(line.removeprefix("- "))
            assert re.fullmatch(r"[\w-]+", found[key][-1])
            continue
        key, _, value = line.partition(":")
        assert re.fullmatch(r"\w+", key)
        value = value.strip()
        found[key] = json.loads(value) if value.startswith('"') else value or []
    return found


def table_rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_card_front_matter_says_what_the_hub_needs(make_results):
    found = front_matter(card.render(make_results()))
    assert found == {"library_name": "transformers", "pipeline_tag": "text-classification",
                     "tags": ["luthier", "text-classification"], "metrics": ["f1", "accuracy"]}


@pytest.mark.parametrize("task, tag, metrics", [
    ("multilabel", "text-classification", ["f1", "accuracy"]),
    ("regression", "text-classification", ["pearsonr", "spearmanr", "r_squared", "mae", "mse"]),
    ("entities", "token-classification", ["f1", "precision", "recall"])])
def test_card_front_matter_is_that_of_the_task(make_results, task, tag, metrics):
    found = front_matter(card.render(make_results(task=task)))
    assert (found["pipeline_tag"], found["tags"], found["metrics"]) == (tag, ["luthier", tag], metrics)


@pytest.mark.parametrize("name, revision, base_model", [
    ("prajjwal1/bert-tiny", "6f75de8b", "prajjwal1/bert-tiny"),
    ("models/mine", None, None), ("minilm", None, None), ("x\nlicense: mit", "1", None)])
def test_card_names_the_base_model_only_when_it_is_on_the_hub(make_results, name, revision, base_model):
    results = make_results()
    results["base"] |= {"name": name, "revision": revision}
    assert front_matter(card.render(results)).get("base_model") == base_model


def test_card_snippet_is_exact_python(make_results):
    page = card.render(make_results())
    code = page[page.index("```python\n") + 10:page.index("\n```\n")]
    assert [ast.unparse(node) for node in ast.parse(code).body[:2]] == [
        "from transformers import pipeline", "classify = pipeline('text-classification', model='model')"]
    call = ast.parse(code).body[2].value
    assert call.func.id == "classify" and ast.unparse(call.keywords[0]) == "truncation=True"
    assert "`top_k=None`" in page


def test_card_begins_with_the_opening(make_results):
    page = card.render(make_results())
    assert "# reviews\n\n" + " ".join(opening(make_results())) in page


def test_card_shows_controls_beside_the_model(make_results):
    page = card.render(make_results())
    assert "| **this model** | **0.780** | 0.730 to 0.830 | 0.790 |" in page
    assert "| frozen probe | 0.700 | 0.650 to 0.750 | 0.710 |" in page
    assert "| `learning_rate` | **0.000234** | 0.0001 |" in page


def test_card_says_what_it_was_trained_on_and_how_it_was_found(make_results):
    page = card.render(make_results())
    for words in ("hash `ab12cd34ef56`", "1,030 for training", "Seeded hash of the normalised text",
                  "| negative | 500 | 100 | 100 | 0.812 | 0.750 | 0.780 |",
                  "tried 12 recipes", "4 finals", "before selection among 4 finals",
                  "## Limits"):
        assert words in page
    assert "nothing was searched" in card.render(make_results(command="train"))


def test_card_keeps_hostile_text_as_text(make_results, hostile):
    results = make_results(hostile, name=hostile[5], findings=[
        {"code": text, "severity": "warning", "message": text, "advice": text, "rows": []}
        for text in (*hostile, "# title", "1. one", "www.evil.example")],
                           metric_title=hostile[5], control_titles={"probe": hostile[1]},
                           split=hostile[2], data_hash="`x`|")
    results["best"]["reason"] = hostile[1]
    results["base"] |= {"origin": hostile[0], "hash": hostile[0]}
    page = card.render(results)
    page.encode("utf-8")
    body = re.sub(r"```python.*?\n```", "", page, flags=re.DOTALL)
    assert "<" not in body and "http:" not in body and "](" not in body and "www.evil" not in body
    widths = {line.count("|") for line in table_rows(page)}
    assert widths == {4, 5, 8}
    assert len([line for line in table_rows(page) if line.count("|") == 8]) == len(hostile) + 2
    assert body.count("`") % 2 == 0
    assert [line for line in body.splitlines() if line.startswith("# ")] == ["# " + card._md(hostile[5])]
    front_matter(page)


def test_card_names_labels_with_few_rows(make_results):
    results = make_results()
    results["counts"]["positive"]["train"] = 4
    assert "1 label had fewer than 10 training rows: positive." in card.render(results)


def test_card_says_how_often_the_test_rows_were_scored(make_results):
    assert "the test rows were scored once" in card.render(make_results())
    text = card.render(make_results(record_test=True))
    assert "the test rows were scored once" not in text and "scored for every trial" in text


def test_card_of_labels_lists_what_weighs_them(make_results):
    page = card.render(make_results())
    assert "| `label_smoothing` |" in page and "| `class_weighting` |" in page


def test_card_of_many_labels_gives_their_thresholds(make_results):
    page = card.render(make_results(task="multilabel"))
    assert "| negative | 500 | 100 | 100 | 0.812 | 0.750 | 0.780 | 0.375 |" in page and "given from" in page
    assert 'classify.model.config.luthier["thresholds"]' in page and "It knows these labels alone" in page


def test_card_of_entities_gives_both_readings_and_every_error(make_results):
    page = card.render(make_results(task="entities"))
    for words in ("| entity F1, conventional | 0.780 |", "| entity F1, strict IOB2 | 0.740 |", "14 wrong boundary", "31 missed",
                  "| label | training entities |", "No calibration is claimed", "| names seen in training | 0.610 |",
                  "`stride=16`", "overlapping windows"):
        assert words in page, words
    assert "most frequent label" not in page and "one of its labels" not in page


def test_card_of_numbers_speaks_of_no_label(make_results):
    page = card.render(make_results(task="regression"))
    assert "label" not in page and "class_weighting" not in page and "log loss" not in page
    assert "| RMSE | 1.250 | 1.200 to 1.300 |" in page
    assert "| the mean of the training rows | 0.170 |" in page and "ridge regression" in page


@pytest.mark.parametrize("task", ["classification", "multilabel"])
def test_card_says_how_scores_were_calibrated(make_results, task):
    page = card.render(make_results(task=task))
    assert "temperature of 1.37" in page and "0.060 (95 % interval 0.040 to 0.080; before, 0.140 (0.120 to 0.160))" in page
    assert "- at confidence ≥ 0.8: 71 % of rows answered, 96 % right" in page
    assert "without a temperature" in card.render(make_results(task=task, temperature=1.0))


def test_card_gives_every_metric_with_its_interval(make_results):
    page = card.render(make_results())
    assert "| accuracy | 0.800 | 0.750 to 0.850 |" in page and "| log loss | 0.600 | 0.550 to 0.650 |" in page


@pytest.mark.parametrize("origin, said", [
    ("folder /home/me/models/mine", "folder mine"), ("the model of run C:\\Users\\me\\run", "the model of run run"),
    ("owner/name of the hub", "owner/name of the hub")])
def test_card_keeps_folders_to_itself(make_results, origin, said):
    results = make_results()
    results["base"] |= {"origin": origin}
    page = card.render(results)
    assert "/home" not in page and "Users" not in page and f"Pre-trained weights: {said}," in page


def test_card_quotes_no_row(make_results):
    findings = [{"code": code, "severity": severity, "message": "Jane Doe's text: 'my card was stolen'", "advice": "Ask Jane.",
                 "rows": [["/home/me/jane.csv", line] for line in range(rows)]}
                for code, severity, rows in (("near-leak", "warning", 1204), ("contradiction", "warning", 1),
                                             ("spacing", "note", 3), ("uncased", "warning", 0))]
    page = card.render(make_results(findings=findings))
    assert "Jane" not in page and "stolen" not in page and "jane.csv" not in page
    named = "near leak (1,204 rows), contradiction (1 row), uncased; and 1 other finding."
    assert f"- Warnings of the check of the data: {named}" in page
    assert "found 1 thing to note and none to warn of" in card.render(make_results(findings=findings[2:3]))
    assert "check of the data" not in card.render(make_results(findings=[]))


def test_card_names_ten_warnings_at_most(make_results):
    findings = [{"code": f"odd-{letter}", "severity": "warning", "message": "x", "advice": "", "rows": []}
                for letter in "abcdefghijklmn"]
    page = card.render(make_results(findings=findings))
    assert "odd j; and 4 other findings." in page and "odd k" not in page


@pytest.mark.parametrize("changes, said", [
    ({"long_texts": "windows"}, "read whole, in overlapping windows"), ({}, "first 64 tokens")])
def test_card_says_what_becomes_of_long_texts(make_results, changes, said):
    assert said in card.render(make_results(**changes))


def test_card_of_rows_held_out_in_turn_tells_whose_figure_it_is(make_results):
    text = card.render(make_results(folds=5, fresh=None, opening=None))
    for words in ("each of them held out once in turn", "| **its recipe** | **0.780** |",
                  "All metrics of its recipe on the rows held out", "the validation rows never",
                  "each answered by models that had not been trained on it",
                  "They are of its recipe", "F1 on rows held out", "like the rows held out"):
        assert words in text, words
    for words in ("this model** |", "of this one model", "nothing was trained or chosen on", "on the test rows", "| test rows",
                  "all rows were held out", "for test"):
        assert words not in text, words


def test_card_of_rows_that_were_opened_before_does_not_call_them_unseen(make_results):
    seen = make_results(opening={"count": 3, "first": "2026-11-20", "note": ""})
    text = card.render(seen)
    assert "unseen" not in text and "On 206 test rows, which had been opened before, the delivered model" in text
    assert "though they had been opened 2 times before" in text and "opened before, 2 times on this machine" in text
    assert "206 unseen test rows" in card.render(make_results(opening={"count": 1, "first": "2026-11-20", "note": ""}))


def test_card_of_a_model_that_was_trained_once_more_tells_whose_the_validation_figure_is(make_results):
    results = make_results(refit=True)
    results["best"]["refit"] = 17
    text = card.render(results)
    assert "The figure on the validation rows is trial 13's" in text and "Trial 13 is delivered" not in text
    assert "Trial 13 was chosen: ahead of" in text and "trained once more as trial 17" in text
    assert "trial 13's" not in card.render(make_results())


def test_card_says_what_confidence_is(make_results):
    assert "the probability that it has the labels given and no others" in card.render(make_results(task="multilabel"))
    assert "confidence is the score of the label given" in card.render(make_results())
