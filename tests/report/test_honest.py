"""The delivered recipe's figures, side by side."""

from __future__ import annotations

from typing import Any

from luthier.report.honest import luck_sentence, recipe_sentence, stand

SCORE = {"value": 0.65, "low": 0.6, "high": 0.7}
FRESH: dict[str, Any] = {"recipe": {"value": 0.66, "low": 0.61, "high": 0.71}, "rows": 450, "seeds": 3, "own_rows": True,
                         "finalists": 4}
SEEN: dict[str, Any] = {"raw": {"value": 0.712, "low": 0.68, "high": 0.74}, "shrunk": {"value": 0.68, "low": 0.65, "high": 0.71},
                        "expected": 0.031}
RESULTS: dict[str, Any] = {"fresh": FRESH, "optimism": SEEN, "trials": 60, "repeats": 2, "test": SCORE,
                           "validation": {**SCORE, "value": 0.7},
                           "rows": {"test": 150, "validation": 120}}


def test_figures_stand_from_the_most_flattering_to_the_most_honest() -> None:
    said = stand(RESULTS)
    assert [each.value for each in said] == ["0.712", "0.680", "0.660", "0.650"]
    assert [each.interval for each in said] == ["0.680 to 0.740", "0.650 to 0.710", "0.610 to 0.710", "0.600 to 0.700"]
    assert [each.title for each in said][-2:] == ["the recipe", "the delivered model"]
    assert "+0.031" in said[0].meaning and "30 recipes" in said[0].meaning
    assert "3 fresh seeds, with other training rows held out, 450 rows in all" in said[2].meaning
    assert "150 test rows" in said[3].meaning


def test_seeds_that_share_their_rows_say_so() -> None:
    said = stand(RESULTS | {"fresh": FRESH | {"own_rows": False}})
    assert "by the same 450 validation rows as in the search" in said[2].meaning
    assert "on the validation rows" in recipe_sentence(RESULTS | {"fresh": FRESH | {"own_rows": False}})


def test_rows_held_out_in_turn_take_the_place_of_test_rows() -> None:
    said = stand(RESULTS | {"folds": 5})
    assert said[-1].title == "the recipe, corrected for the choice" and "150 rows held out in turn" in said[-1].meaning


def test_without_fresh_seeds_nothing_is_said_of_the_recipe() -> None:
    said = stand(RESULTS | {"fresh": None})
    assert [each.value for each in said] == ["0.712", "0.680", "0.700", "0.650"]
    assert "all 120 validation rows, by which it was chosen" in said[2].meaning
    assert recipe_sentence(RESULTS | {"fresh": None}) == ""


def test_without_a_search_there_is_no_luck() -> None:
    assert stand(RESULTS | {"optimism": None}) == [] and luck_sentence(RESULTS | {"optimism": None}) == ""
    assert luck_sentence(RESULTS | {"trials": 2}) == "", "one recipe is no choice"
    assert luck_sentence(RESULTS) == ("On the rows that it was chosen by, the search saw 0.712 (95 % interval 0.680 to 0.740); of "
                                      "the best of 30 recipes, +0.031 is expected to be luck.")


def test_one_seed_is_no_each() -> None:
    assert "on 1 fresh seed, with other rows held out, comes" in recipe_sentence(RESULTS | {"fresh": FRESH | {"seeds": 1}})


def test_the_sentence_says_what_to_expect_of_training_the_recipe_again() -> None:
    assert recipe_sentence(RESULTS) == (
        "The recipe itself, trained anew on 3 fresh seeds, each with other rows held out, comes to 0.660 (95 % interval 0.610 to "
        "0.710): that is what to expect of training it again.")
