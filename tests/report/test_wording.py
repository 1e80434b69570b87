"""Figures and words."""

import pytest

from luthier.report.wording import (
    Difference,
    amount,
    changes,
    clean,
    hyperparameters,
    number,
    sentence,
    short,
    shown,
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


def test_hyperparameters_tell_the_final_decay_from_findings(make_results):
    settings = {setting.name: setting for setting in hyperparameters(make_results())}
    assert settings["learning_rate"].difference is Difference.CHANGED
    assert settings["schedule"].difference is settings["epochs"].difference is Difference.FINAL
    assert settings["head_init"].difference is Difference.NONE
    assert "4 hyperparameters" in changes(make_results())


def test_epochs_that_were_read_off_a_curve_are_a_finding(make_results):
    results = make_results()
    results["best"]["shortened"] = True
    settings = {setting.name: setting for setting in hyperparameters(results)}
    assert settings["epochs"].difference is Difference.CHANGED
    assert settings["schedule"].difference is Difference.FINAL


def test_changes_names_the_default_recipe_as_such(make_results):
    assert changes(make_results(command="train")) == "It is the default recipe."


def test_hyperparameters_may_lack_a_default(make_results):
    results = make_results()
    del results["best"]["default_recipe"]
    assert all(setting.default == "" for setting in hyperparameters(results))


@pytest.mark.parametrize("value, text", [(1.03, "1.030"), (1234.0, "1234"), (0, "0.000"), ("", "-")])
def test_amount_has_four_digits(value, text):
    assert amount(value) == text


@pytest.mark.parametrize("cut, shortened, said", [(True, False, Difference.CUT), (False, False, Difference.FINAL),
                                                  (False, True, Difference.CHANGED)])
def test_epochs_that_a_run_did_not_come_to_are_neither_the_decays_nor_a_finding(make_results, cut, shortened, said):
    results = make_results()
    results["best"] |= {"cut": cut, "shortened": shortened}
    settings = {setting.name: setting for setting in hyperparameters(results)}
    assert settings["epochs"].difference is said
    assert ("ended before the epochs that were planned" in changes(results)) is cut


def test_the_default_with_fewer_epochs_is_told_as_cut_short(make_results):
    """Of a run that did not write down whether it was: an interrupted one, without a decay."""
    results = make_results(default_trial=0)
    default = results["best"]["default_recipe"]
    results["best"] |= {"parent": 0, "recipe": default | {"epochs": 3.9}}
    assert changes(results) == ("It is the default recipe. Its training was ended before the epochs that were planned for it, so "
                                "it has made fewer.")


def test_epochs_of_another_recipe_are_put_down_to_equal_work(make_results):
    assert changes(make_results()).endswith(
        "accounts for schedule. Its number of epochs was not searched: every recipe gets as much computation as the "
        "default, and then the decay.")
