"""What is said of each hyperparameter: only what the runs support."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from luthier.explain.effects import findings, respond
from luthier.explain.importance import Importance, Ranking
from luthier.explain.verdicts import Kind, Verdict

Rows = list[dict[str, Any]]
NOTHING = Ranking((), 30)


def make(values: Callable[[int], Any], name: str = "learning_rate", rows: int = 30) -> Rows:
    return [{"trial": i, "parent": "", "role": "random", "state": "complete", "score": 0.5 + i % 7 / 100, "peak_memory_mb": 900,
             "rows_per_second": 50, name: values(i)} for i in range(rows)]


def say(rows: Rows, kinds: Callable[[dict[str, Any]], Kind], name: str = "learning_rate", ranking: Ranking = NOTHING) -> list[str]:
    verdicts = {row["trial"]: Verdict(kinds(row), "") for row in rows}
    response = respond(name, rows, verdicts, {row["trial"]: row["trial"] / 30 for row in rows})
    return findings(rows, verdicts, [response], ranking)


def test_a_threshold_above_which_runs_diverged() -> None:
    rows = make(lambda i: 1e-5 * 1.17 ** i)
    said = say(rows, lambda row: Kind.DIVERGED if row["trial"] in (25, 26, 27, 29) else Kind.GOOD)
    assert said == ["learning_rate above 0.0005: 4 of 5 runs diverged; below, 0 of 25."]


def test_a_threshold_below_which_runs_underfit_counts_only_those_that_were_judged() -> None:
    rows = make(lambda i: 1e-5 * 1.17 ** i)
    said = say(rows, lambda row: Kind.UNDERFIT if row["trial"] < 6 else Kind.SHORT if row["trial"] % 2 else Kind.GOOD)
    assert said == ["learning_rate below 2.4e-5: 6 of 6 runs were underfit; above, 0 of 12."]


def test_verdicts_of_one_cause_are_named_together() -> None:
    rows = make(lambda i: [8, 16, 32, 64][i % 4], "batch_size")
    said = say(rows, lambda row: (Kind.OVERFIT, Kind.OVERCONFIDENT)[row["trial"] % 8 // 4] if row["batch_size"] == 8 else Kind.GOOD,
               "batch_size")
    assert said == ["batch_size at 8 or less: 8 of 8 runs were overfit or overconfident; above, 0 of 22."]


def test_a_word_that_collapsed() -> None:
    rows = make(lambda i: "lora" if i % 3 == 0 else "full", "method")
    said = say(rows, lambda row: Kind.COLLAPSED if row["method"] == "lora" and row["trial"] else Kind.GOOD, "method")
    assert said == ["method = lora: 9 of 10 runs collapsed; otherwise, 0 of 20."]


@pytest.mark.parametrize("bad", [(28, 29), (3, 11, 19, 27), ()])
def test_nothing_is_said_without_support(bad: tuple[int, ...]) -> None:
    rows = make(lambda i: 1e-5 * 1.17 ** i)
    assert say(rows, lambda row: Kind.DIVERGED if row["trial"] in bad else Kind.GOOD) == []


def test_the_best_values_are_named_only_where_they_stand_out() -> None:
    rows = make(lambda i: 0.01 * i, "dropout")
    out = Ranking((Importance("dropout", 0.7, 0.3, 1.0, 0.016, True),), 30)
    assert say(rows, lambda row: Kind.GOOD, "dropout") == []
    assert say(rows, lambda row: Kind.GOOD, "dropout", out) == [
        "dropout between 0.24 and 0.29: the highest scores (6 runs, which beat 88 % of the others; those at 0 to 0.05 beat 8 %)."]


def test_memory_and_time_are_compared_between_dearest_and_cheapest() -> None:
    rows = make(lambda i: [8, 16, 32, 64][i % 4], "batch_size")
    random_ = random.Random(0)
    for row in rows:
        row["peak_memory_mb"] = 500 + 10 * row["batch_size"] + random_.randrange(20)
        row["rows_per_second"] = 40 + row["batch_size"] / 4
    assert say(rows, lambda row: Kind.GOOD, "batch_size") == [
        "batch_size 64 takes 1.9 × the memory of 8.", "batch_size 8 takes 1.3 × the training time a row of 64."]


def test_response_has_bins_of_equal_runs_and_keeps_finals_out() -> None:
    rows = make(lambda i: 1e-5 * 1.17 ** i)
    rows.append({**rows[0], "trial": 30, "parent": 0})
    found = respond("learning_rate", rows, {0: Verdict(Kind.GOOD, "")}, {})
    assert [each.runs for each in found.bins] == [6] * 5
    assert found.bins[0].label == "1e-5 to 2.2e-5" and found.bins[0].verdicts == {"good": 1} and found.bins[0].beats is None
    assert found.bins[0].memory_mb == 900 and found.bins[0].seconds_per_1000_rows == 20


def test_response_to_a_hyperparameter_that_is_not_always_there() -> None:
    rows = make(lambda i: "" if i % 2 else [4, 8][i % 4 // 2], "lora_rank")
    for row in rows:
        row["peak_memory_mb"], row["rows_per_second"] = "", ""
    found = respond("lora_rank", rows, {}, {})
    assert [(each.label, each.runs) for each in found.bins] == [("not used", 15), ("4", 8), ("8", 7)]
    assert found.bins[1].memory_mb is None and found.bins[1].seconds_per_1000_rows is None
    assert findings(rows, {}, [found], NOTHING) == []


def test_bins_of_trials_that_never_made_a_step_have_no_speed() -> None:
    rows = [{"trial": i, "state": "failed", "dropout": 0.1 * (i % 2), "score": "", "rows_per_second": 0.0, "peak_memory_mb": 0}
            for i in range(4)]
    assert all(each.seconds_per_1000_rows is None for each in respond("dropout", rows, {}, {}).bins)
