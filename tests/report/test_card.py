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
                  "| negative | 500 | 100 | 100 |", "tried 12 recipes", "4 finals", "before selection among 4 finals",
                  "## Limits"):
        assert words in page
    assert "nothing was searched" in card.render(make_results(command="train"))


def test_card_keeps_hostile_text_as_text(make_results, hostile):
    results = make_results(hostile, name=hostile[5], notes=[*hostile, "# title", "1. one", "www.evil.example"],
                           split=hostile[2], data_hash="`x`|")
    results["best"]["reason"] = hostile[1]
    results["base"] |= {"origin": hostile[0], "hash": hostile[0]}
    page = card.render(results)
    page.encode("utf-8")
    body = re.sub(r"```python.*?\n```", "", page, flags=re.DOTALL)
    assert "<" not in body and "http:" not in body and "](" not in body and "www.evil" not in body
    widths = {line.count("|") for line in table_rows(page)}
    assert widths == {4, 5, 6}
    assert len([line for line in table_rows(page) if line.count("|") == 6]) == len(hostile) + 2
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
