"""Sharing out a budget: what is planned fits, and what is refused names a budget that works."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import ConfigError
from luthier.recipes.recipe import Recipe
from luthier.search.budget import (
    DEFAULT_SHARE,
    FEWEST_RUNG_STEPS,
    FRESH_FINALS,
    FRESH_SHARE,
    LEAST_STEPS,
    LOOK_SHARE,
    MOST_DEFAULT_SHARE,
    WORKER_START_SECONDS,
    Job,
    Speed,
    check_time,
    duration,
    parse_duration,
    plan_budget,
    prolonged,
    rung_levels,
)
from luthier.sharing.work import Shape, pass_work, step_work


@pytest.mark.parametrize(("text", "seconds"), [
    ("90s", 90), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("1h5s", 3605), ("1.5h", 5400), (" 2M ", 120), ("0h0m1s", 1)])
def test_parse_duration_reads_hours_minutes_and_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "   ", "90", "0s", "0h0m", "-5m", "5 m", "m", "30m1h", "1d", "fast", "1e3s", "nans", "5m5m"])
def test_parse_duration_refuses_anything_else(text: str) -> None:
    with pytest.raises(ConfigError, match="not a duration; write 90s"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0 s"), (-3, "0 s"), (0.4, "0 s"), (45, "45 s"), (89.4, "89 s"), (90, "1 min 30 s"), (120, "2 min"), (270, "4 min 30 s"),
    (600, "10 min"), (3600, "1 h"), (7500, "2 h 5 min"), (3599.6, "1 h"), (86400, "24 h")])
def test_duration_reads_as_a_person_says_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_finals_that_must_be_replayed_are_given_the_time_for_it() -> None:
    recipe, shape = Recipe(schedule="constant"), Shape(np.full(2000, 30), 6)
    speed = Speed(30000.0, 90000.0, 90000.0)
    plans = [plan_budget(50.0, 5.0, Job(recipe, shape, 2, 300, 200, 300, kept_checkpoints=kept), speed)
             for kept in (math.inf, 4, 1, 0)]
    assert plans[0] == plans[1]
    for plan in plans[2:]:
        assert plan.work < plans[0].work and plan.finals_seconds >= plan.full_run_seconds
    assert plans[3].work < plans[2].work, "the default's own pauses too"


def test_a_run_that_has_delivered_needs_the_time_to_deliver_again() -> None:
    recipe, shape = Recipe(schedule="constant"), Shape(np.full(2000, 30), 6)
    job, speed = Job(recipe, shape, 2, 300, 200, 300), Speed(30000.0, 90000.0, 90000.0)
    plan = prolonged(plan_budget(90.0, 5.0, job, speed), 120.0, 60.0, job, speed)
    check_time(plan, 120.0, 60.0)
    check_time(prolonged(plan, None, 1000.0, job, speed), None, 1000.0)
    with pytest.raises(ConfigError, match="too short to go on with a run that has worked for 1 min 59 s") as caught:
        check_time(plan, 120.0, 119.0)
    least = float(re.findall(r"the least that works here is (\d+)s", str(caught.value))[0])
    check_time(prolonged(plan, least, 119.0, job, speed), least, 119.0)


def test_a_run_that_is_given_more_time_or_trials_has_the_finals_of_one_so_long() -> None:
    recipe, shape = Recipe(schedule="constant", epochs=1.0), Shape(np.full(2000, 30), 6)
    job, speed = Job(recipe, shape, 2, 300, 200, 300), Speed(30000.0, 90000.0, 90000.0)
    short = plan_budget(40.0, 5.0, job, speed)
    longer, late = prolonged(short, 3600.0, 38.0, job, speed), prolonged(short, 3600.0, 3590.0, job, speed)
    assert short.fresh == 0 and (longer.challengers, longer.fresh) == (3, 3) and late.fresh == 0, "late: no time is left for them"
    assert longer.levels == short.levels and longer.work == short.work and longer.rung_rows == short.rung_rows
    assert longer.search_until is not None and longer.search_until + longer.finals_seconds == pytest.approx(longer.finals_until)
    few, many = replace(job, trials=6), replace(job, trials=60)
    assert prolonged(plan_budget(None, 5.0, few, speed), None, 9.0, many, speed).fresh == 3


@given(seconds=st.floats(0.6, 10**6))
def test_duration_can_be_given_back_as_a_budget(seconds: float) -> None:
    written = duration(seconds).replace(" ", "").replace("min", "m")
    assert abs(parse_duration(written) - seconds) <= (0.5 if seconds < 599 else 60)


JOBS = st.builds(
    Job,
    recipe=st.builds(Recipe, epochs=st.floats(0.1, 20), batch_size=st.sampled_from([8, 16, 32]), schedule=st.just("constant"),
                     frozen_layers=st.integers(0, 6)),
    shape=st.builds(lambda rows, length: Shape(np.full(rows, length), 6), st.integers(20, 20_000), st.integers(5, 300)),
    workers=st.integers(1, 8), validation_rows=st.integers(10, 5000), rung_rows=st.integers(10, 5000),
    test_rows=st.integers(0, 5000), repeats=st.integers(1, 5), recorded_rows=st.sampled_from([0, 500]))
SPEEDS = st.builds(lambda training, ratio, serving: Speed(training, training * ratio, training * serving),
                   st.floats(300, 1e6), st.floats(0.5, 2), st.floats(0.3, 4))


@settings(max_examples=200, deadline=None)
@given(job=JOBS, speed=SPEEDS, budget=st.floats(30, 36_000), elapsed=st.floats(0, 60))
def test_plan_budget_fits_the_budget_or_names_one_that_works(job: Job, speed: Speed, budget: float, elapsed: float) -> None:
    try:
        plan = plan_budget(budget, elapsed, job, speed)
    except ConfigError as error:
        found = re.search(r"the least that works here is (.*?)\. Give", str(error))
        assert found
        budget = parse_duration(found[1].replace(" ", "").replace("min", "m"))
        plan = plan_budget(budget, elapsed, job, speed)
    assert plan.search_until is not None and plan.finals_until is not None
    assert elapsed + WORKER_START_SECONDS < plan.search_until < plan.finals_until < budget
    assert plan.finals_until - plan.search_until == pytest.approx(plan.finals_seconds)
    assert budget - plan.finals_until == pytest.approx(plan.scoring_seconds)
    room = plan.search_until - elapsed - WORKER_START_SECONDS
    default = math.ceil(job.repeats / job.workers) * plan.full_run_seconds
    assert default <= MOST_DEFAULT_SHARE * room * (1 + 1e-9)
    assert default * min(job.repeats, job.workers) <= DEFAULT_SHARE * room * job.workers * (1 + 1e-9)
    steps = plan.work / step_work(job.recipe, job.shape)
    ideal = job.recipe.total_steps(job.shape.rows(job.recipe))
    assert steps == pytest.approx(round(steps))
    assert min(ideal, LEAST_STEPS) <= round(steps) <= ideal
    assert (plan.challengers, plan.fresh) in [*FRESH_FINALS, (1, 0), (3, 0)]
    if plan.fresh:
        assert plan.finals_seconds <= FRESH_SHARE * (plan.finals_until - elapsed - WORKER_START_SECONDS) * (1 + 1e-9)
        assert plan.fresh_until is not None and plan.search_until < plan.fresh_until < plan.finals_until


@settings(max_examples=100, deadline=None)
@given(job=JOBS, speed=SPEEDS)
def test_plan_budget_without_a_budget_runs_the_recipe_in_full(job: Job, speed: Speed) -> None:
    plan = plan_budget(None, 5.0, job, speed)
    assert plan.work == pytest.approx(job.recipe.total_steps(job.shape.rows(job.recipe)) * step_work(job.recipe, job.shape))
    assert (plan.search_until, plan.finals_until, plan.challengers) == (None, None, 3)
    assert plan.full_run_seconds == pytest.approx(plan.work / speed.training)


@settings(max_examples=100, deadline=None)
@given(job=JOBS, speed=SPEEDS, budget=st.floats(60, 20_000), more=st.floats(1, 3))
def test_more_time_never_buys_a_worse_plan(job: Job, speed: Speed, budget: float, more: float) -> None:
    try:
        short = plan_budget(budget, 0.0, job, speed)
    except ConfigError:
        return
    long = plan_budget(budget * more, 0.0, job, speed)
    assert long.fresh >= short.fresh, "fresh seeds come before more challengers"
    if long.fresh == short.fresh:
        assert long.challengers >= short.challengers
    if (long.fresh, long.challengers) == (short.fresh, short.challengers):
        assert long.work >= short.work


@settings(max_examples=100, deadline=None)
@given(job=JOBS, speed=SPEEDS, budget=st.floats(60, 20_000))
def test_rungs_take_their_share_of_a_run_or_the_fewest_rows(job: Job, speed: Speed, budget: float) -> None:
    assert plan_budget(None, 0.0, job, speed).rung_rows == job.rung_rows
    try:
        plan = plan_budget(budget, 0.0, job, speed)
    except ConfigError:
        return
    paid = pass_work(plan.rung_rows, job.recipe, job.shape) <= LOOK_SHARE * plan.work * (1 + 1e-9)
    assert plan.rung_rows <= job.rung_rows and (paid or plan.rung_rows <= job.fewest_rung_rows)


def test_too_small_a_budget_is_refused_in_words() -> None:
    job = Job(Recipe(), Shape(np.full(1000, 50), 6), 1, 200, 200, 200)
    with pytest.raises(ConfigError) as caught:
        plan_budget(20.0, 5.0, job, Speed(1000.0, 1000.0, 1000.0))
    assert str(caught.value).startswith("--budget 20 s: too short to train the default recipe once on these 1000 rows")


@given(steps=st.integers(1, 100_000), cost=st.floats(0.1, 1e5))
def test_rung_levels_ascend_to_a_full_run_by_thirds(steps: int, cost: float) -> None:
    levels = rung_levels(steps, cost)
    assert levels[-1] == steps * cost
    assert all(later == pytest.approx(3 * earlier) for earlier, later in pairwise(levels))
    assert all(level >= FEWEST_RUNG_STEPS * cost * (1 - 1e-9) for level in levels[:-1])
    assert len(levels) == 1 + (steps >= 3 * FEWEST_RUNG_STEPS) + (steps >= 9 * FEWEST_RUNG_STEPS)
