"""What the report says of how often the test rows have been opened."""

from __future__ import annotations

from luthier.report.ledger import openings


def test_once_is_said_and_nothing_more() -> None:
    assert openings({"count": 1, "first": "2026-11-21", "note": ""}) == (
        "These test rows have been opened once by luthier on this machine, by this run.")


def test_more_than_once_says_what_it_means() -> None:
    assert openings({"count": 1204, "first": "2026-11-20", "note": ""}) == (
        "These test rows have been opened 1,204 times by luthier on this machine (first on 2026-11-20): they are no longer unseen. "
        "If any choice since then - of data, settings, or which run to keep - went by their scores, the figures on them are "
        "optimistic; new rows would tell the truth.")


def test_a_ledger_that_was_not_read_is_not_taken_for_a_first_look() -> None:
    said = openings({"count": 1, "first": "2026-11-21", "note": "the ledger cannot be kept (Permission denied)."})
    assert said == ("As far as is known, these test rows have been opened once by luthier on this machine, by this run. It may "
                    "have been more often: the ledger cannot be kept (Permission denied).")
    assert "may have been more often: 2 lines" in openings({"count": 3, "first": "2026-11-20", "note": "2 lines"})
