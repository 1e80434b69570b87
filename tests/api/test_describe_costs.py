"""The table of what trials take: what is said, and what is left out where it means nothing."""

from __future__ import annotations

import dataclasses

from luthier.api.costs import Entry, Kind, TrialCosts
from luthier.api.describe_costs import cost_lines

DEFAULT = Kind(is_default=True, blocks=6, trained=6, steps=500, stored=0, stages=3, goes_on=True, seconds_unshared=118,
               seconds_shared=82, whole_seconds=100)
TOP = dataclasses.replace(DEFAULT, is_default=False, trained=1, steps=1125, stored=5, seconds_shared=31, whole_seconds=50)
HEAD = dataclasses.replace(TOP, trained=0, steps=1500, seconds_shared=14, whole_seconds=30)
COSTS = TrialCosts(
    searching=True, shares=True, kinds=(DEFAULT, TOP, HEAD), entries=(Entry(3, 0, 2.6, 29_000_000), Entry(5, 3, 0.2, 29_000_000)),
    why_not_stored="", workers=2, trials=None, search_seconds=300)


def test_each_kind_has_a_line_with_its_seconds_and_what_it_reuses() -> None:
    title, header, default, top, head, *_ = cost_lines(COSTS)
    assert title == "What a full run takes of one worker, unshared and shared:"
    assert header.split() == ["blocks", "trained", "steps", "unshared", "shared", "reuses"]
    assert default == "  default            6 of 6    500  1 min 58 s    82 s  its own checkpoints"
    assert top == "  top 1              1 of 6   1125  1 min 58 s    31 s  blocks 1 to 5 stored, its own checkpoints"
    assert head.startswith("  head only          0 of 6   1500")


def test_what_is_stored_is_said_with_time_and_size() -> None:
    assert cost_lines(COSTS)[5] == (
        "  Stored once a study, by the first trial that needs it: blocks 1 to 3, in about 3 s, 29.0 MB; "
        "blocks 1 to 5, from blocks 1 to 3, in about 1 s, 29.0 MB.")


def test_how_many_trials_fit_counts_all_workers_and_what_is_made_once() -> None:
    assert cost_lines(COSTS)[7] == ("  Full runs that fit in the 5 min of search on 2 workers: 6 × default or 11 × top 1 or "
                                    "19 × head only. Most trials stop at an early rung, so more are tried.")


def test_without_a_budget_the_trials_asked_for_are_timed() -> None:
    lines = cost_lines(dataclasses.replace(COSTS, trials=10, search_seconds=None))
    assert lines[-1].startswith("  10 full runs on 2 workers, finals aside: 8 min 20 s (default) or 4 min 10 s (top 1)")


def test_a_study_that_shares_nothing_has_one_column_of_seconds() -> None:
    alone = dataclasses.replace(COSTS, shares=False, entries=(), why_not_stored="nothing is shared (--no-sharing)")
    lines = cost_lines(alone)
    assert "reuses" not in lines[1] and lines[2].endswith("1 min 58 s")
    assert lines[5] == "  Nothing is shared (--no-sharing): every stage begins anew, and every block is run."


def test_a_study_that_does_not_store_says_why() -> None:
    lines = cost_lines(dataclasses.replace(COSTS, entries=(), why_not_stored="going over all rows would not pay"))
    assert "  What frozen blocks make of rows is not stored: going over all rows would not pay." in lines


def test_a_training_is_one_line_and_neither_fits_nor_stops_early() -> None:
    one = dataclasses.replace(TOP, is_default=True, stored=0, stages=1, goes_on=False)
    lines = cost_lines(dataclasses.replace(COSTS, searching=False, kinds=(one,), entries=(), trials=1, search_seconds=None))
    assert len(lines) == 3 and lines[0].startswith("What the training takes") and lines[2].startswith("  this recipe")
    assert lines[2].endswith("nothing")
