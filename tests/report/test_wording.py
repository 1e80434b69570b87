"""Figures and words."""

import ast

import pytest

from luthier.report.wording import (
    Difference,
    changes,
    clean,
    hyperparameters,
    number,
    per_label_f1,
    sentence,
    short,
    shown,
    snippet,
)


@pytest.mark.parametrize("value, found", [
    (1, 1.0), ("0.5", 0.5), ("", None), (None, None), ("nan", None), (float("inf"), None), ("wsd", None), (True, None)])
def test_number_reads_cells_of_a_table(value, found):
    assert number(value) == found


@pytest.mark.parametrize("value, text", [
    (1e-5, "1e-5"), (0.0001, "0.0001"), (0.000234567, "0.0002346"), (16, "16"), (8.0, "8"), (True, "true"),
    ("ema", "ema"), (1e12, "1e+12")])
def test_shown_is_short_and_exact(value, text):
    assert shown(value) == text
    assert text in ("true", "ema") or float(text) == pytest.approx(value, rel=1e-3)


def test_clean_leaves_nothing_that_cannot_be_written_or_that_turns_text(hostile):
    for text in hostile:
        cleaned = clean(text)
        cleaned.encode("utf-8")
        assert not set(cleaned) & {"\x00", "\x1b", "\r", "\u202e"}


def test_short_is_one_line_of_at_most_the_length():
    assert short("a\nb  c", 10) == "a b c"
    assert len(short("word " * 100, 40)) <= 40


def test_sentence_has_a_capital_and_one_full_stop():
    assert sentence("seeded hash.") == "Seeded hash."
    assert sentence("") == ""


def test_snippet_is_python_for_any_folder(hostile):
    for folder in (*hostile, "C:\\models\\new", "'''", '"""', "\u2028"):
        call = ast.parse(snippet(folder)).body[-1].value
        assert call.keywords[0].arg == "truncation"
        assert isinstance(call.args[0].value, str) and call.args[0].value


def test_hyperparameters_tell_the_final_decay_from_findings(make_results):
    settings = {setting.name: setting for setting in hyperparameters(make_results())}
    assert settings["learning_rate"].difference is Difference.CHANGED
    assert settings["schedule"].difference is settings["epochs"].difference is Difference.FINAL
    assert settings["head_init"].difference is Difference.NONE
    assert "4 hyperparameters" in changes(make_results())


def test_changes_names_the_default_recipe_as_such(make_results):
    assert changes(make_results(command="train")) == "It is the default recipe."


def test_hyperparameters_may_lack_a_default(make_results):
    results = make_results()
    del results["best"]["default_recipe"]
    assert all(setting.default == "" for setting in hyperparameters(results))


def test_per_label_f1_matches_its_definition():
    assert per_label_f1([[3, 1, 0], [2, 4, 0], [0, 0, 0]]) == [pytest.approx(0.6 * 10 / 9), pytest.approx(8 / 11), None]
