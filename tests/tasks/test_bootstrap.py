"""The bootstrap against a plain one over rows, and against what an interval promises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.tasks.bootstrap import (
    CHUNK,
    RESAMPLES,
    Floats,
    Statistic,
    alike,
    bootstrap,
    bootstrap_difference,
    ratio,
    resamples,
    sums_by,
)
from luthier.tasks.metrics import Score


def _mean(values: Floats) -> Statistic:
    return lambda weights: {"mean": weights @ values / weights.sum(1)}


def _mean_above_zero(values: Floats) -> Statistic:
    """Undefined where no value above 0 was drawn."""
    def statistic(weights: Floats) -> dict[str, Floats]:
        drawn = weights @ (values > 0)
        return {"above": np.where(drawn > 0, ratio(weights @ np.maximum(values, 0), drawn), np.nan)}
    return statistic


def test_every_resample_holds_as_many_units_as_there_are() -> None:
    for units, rows in ((7, [1] * 7), (np.array([3, 1, 2, 1, 0]), [3, 1, 2, 1, 0]), (np.array([80, 20]), [80, 20])):
        weights = np.concatenate(list(resamples(units)))
        assert weights.shape == (RESAMPLES, len(rows))
        assert (weights.sum(1) == sum(rows)).all()
        shares = np.array(rows) / sum(rows)
        spread = np.sqrt(sum(rows) * shares * (1 - shares))
        assert weights.mean(0) == pytest.approx(rows, abs=4 * spread.max() / np.sqrt(RESAMPLES))
        assert weights.std(0) == pytest.approx(spread, rel=0.12)


def test_weights_come_in_chunks_of_bounded_size_and_one_seed_gives_one_draw() -> None:
    chunks = list(resamples(2_500, seed=4))
    assert len(chunks) > 1
    assert max(chunk.size for chunk in chunks) <= CHUNK
    assert (np.concatenate(chunks) == np.concatenate(list(resamples(2_500, seed=4)))).all()
    assert (chunks[0] != next(resamples(2_500, seed=5))).any()


def test_the_interval_agrees_with_a_plain_bootstrap_over_rows() -> None:
    values = np.random.default_rng(0).exponential(size=80)
    random = np.random.default_rng(1)
    plain = [values[random.integers(0, 80, 80)].mean() for _ in range(4000)]
    score = bootstrap(_mean(values), 80)["mean"]
    assert score.value == pytest.approx(values.mean())
    assert [score.low, score.high] == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=0.03)
    assert score.error == pytest.approx(np.std(plain), rel=0.1)


def test_intervals_of_a_known_proportion_hold_it_about_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(2)
    scores = [bootstrap(_mean((random.random(150) < 0.7).astype(float)), 150, seed)["mean"] for seed in range(200)]
    assert 0.9 * 200 <= sum(score.low <= 0.7 <= score.high for score in scores) <= 0.99 * 200
    assert np.mean([score.error for score in scores]) == pytest.approx(np.sqrt(0.7 * 0.3 / 150), rel=0.05)


def test_rows_of_a_group_are_drawn_together() -> None:
    groups = np.array(["x", "y", "x", "z", "y", "x"])
    weights = np.concatenate(list(resamples(6, groups=groups)))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()


def test_intervals_over_groups_hold_the_truth_where_intervals_over_rows_do_not() -> None:
    """Ten rows a group that all say the same are one witness, not ten."""
    held = {"groups": 0, "rows": 0}
    groups = np.repeat(np.arange(40), 10)
    for seed in range(60):
        values = np.repeat((np.random.default_rng(seed).random(40) < 0.5).astype(float), 10)
        for name, score in (("groups", bootstrap(_mean(values), 400, seed, groups)["mean"]),
                            ("rows", bootstrap(_mean(values), 400, seed)["mean"])):
            held[name] += score.low <= 0.5 <= score.high
    assert held["groups"] >= 52
    assert held["rows"] <= 40


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.integers(0, 3), min_size=1, max_size=40), seed=st.integers(0, 50))
def test_alike_rows_as_one_unit_give_the_same_figure_and_the_interval_holds_it(values: list[int], seed: int) -> None:
    column = np.array(values)
    first, counts = alike(column)
    assert sorted(column[first]) == sorted(set(values))
    assert counts.sum() == len(values)
    score = bootstrap(_mean(column[first].astype(float)), counts, seed)["mean"]
    assert score.value == pytest.approx(column.mean())
    assert min(values) - 1e-9 <= score.low <= score.value <= score.high <= max(values) + 1e-9


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**9), st.integers(0, 2)), min_size=1, max_size=30))
def test_alike_rows_are_alike_in_all_columns(rows: list[tuple[int, int, int]]) -> None:
    first, counts = alike(*np.array(rows).T)
    assert {rows[row]: number for row, number in zip(first, counts, strict=True)} == {row: rows.count(row) for row in rows}


@settings(deadline=None)
@given(index=st.lists(st.integers(0, 4), max_size=20), seed=st.integers(0, 9))
def test_sums_by_an_index(index: list[int], seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, (3, len(index))).astype(float)
    expected = np.array([[sum(w for w, i in zip(row, index, strict=True) if i == place) for place in range(5)] for row in weights])
    assert (sums_by(np.array(index, dtype=np.int64), 5)(weights) == expected).all()


def test_differences_are_paired_and_of_shared_figures_alone() -> None:
    random = np.random.default_rng(3)
    one = random.normal(size=200)
    two = one + 0.1 + 0.01 * random.normal(size=200)
    both = bootstrap_difference(_mean(two), lambda weights: {**_mean(one)(weights), "own": weights.sum(1)}, 200)
    assert set(both) == {"mean"}
    assert both["mean"].value == pytest.approx(0.1, abs=0.01)
    assert both["mean"].error < 0.05 * bootstrap(_mean(one), 200)["mean"].error
    assert bootstrap_difference(_mean(one), _mean(one), 200)["mean"] == Score(0.0, 0.0, 0.0, 0.0)


def test_resamples_that_leave_a_figure_undefined_do_not_count() -> None:
    score = bootstrap(_mean_above_zero(np.array([0.0, 0.0, 2.0])), 3)["above"]
    assert score == Score(2.0, 2.0, 2.0, 0.0)


def test_a_figure_that_is_undefined_is_left_out() -> None:
    assert bootstrap(_mean_above_zero(np.zeros(3)), 3) == {}


@pytest.mark.parametrize("call", [
    lambda: bootstrap(_mean(np.zeros(0)), 0),
    lambda: bootstrap(_mean(np.zeros(2)), np.array([1, 2]), groups=np.array([0, 0]))])
def test_what_cannot_be_resampled_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        call()
