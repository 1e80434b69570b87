"""What a dry run says that trials take: the plan of a real study, with sharing and without."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import numpy as np
import pytest

from luthier.api.costs import representatives, trial_costs
from luthier.api.observer import LogObserver
from luthier.api.public import plan_run
from luthier.api.ready import Ready
from luthier.api.settings import Command, SchedulerName, Settings
from luthier.api.stored import entry_bytes, why_not_stored
from luthier.recipes.space import Choice, Interval
from luthier.sharing.plan import NOTHING, Sharing
from luthier.sharing.quota import Quota
from luthier.sharing.work import step_work


def plan_of(command: Command, tiny_model: Path, small_data: Path, **asked: object) -> Ready:
    settings = Settings(data=str(small_data), model=(str(tiny_model),), threads=1, workers=1, **asked)  # type: ignore[arg-type]
    return plan_run(command, settings, settings.given, LogObserver(), time.monotonic())


@pytest.fixture(scope="module")
def ready(tiny_model: Path, small_data: Path) -> Ready:
    return plan_of(Command.TUNE, tiny_model, small_data, budget="10m", search_also={"epochs": "1..100"})


@pytest.fixture(scope="module")
def equal_work(ready: Ready) -> Ready:
    """The same study, where every recipe gets the epochs that one full run's work buys."""
    settings = dataclasses.replace(ready.prepared.asked.settings, search_also={})
    return dataclasses.replace(ready, prepared=dataclasses.replace(
        ready.prepared, asked=dataclasses.replace(ready.prepared.asked, settings=settings)))


def test_each_depth_of_the_space_is_a_kind_of_trial(equal_work: Ready) -> None:
    costs = trial_costs(equal_work, elapsed=10.0)
    assert [(kind.is_default, kind.trained, kind.blocks, kind.stored) for kind in costs.kinds] == [
        (True, 2, 2, 0), (False, 1, 2, 1), (False, 0, 2, 1)]
    assert costs.shares and not costs.why_not_stored
    shared = [kind.seconds_shared for kind in costs.kinds]
    assert shared == sorted(shared, reverse=True) and all(kind.seconds_shared < kind.seconds_unshared for kind in costs.kinds)


def test_kinds_run_as_many_steps_as_equal_work_buys_whatever_is_shared(equal_work: Ready) -> None:
    shared, alone = trial_costs(equal_work, 0), trial_costs(dataclasses.replace(equal_work, sharing=NOTHING), 0)
    assert [kind.steps for kind in shared.kinds] == [kind.steps for kind in alone.kinds]
    assert [kind.steps for kind in shared.kinds] == sorted(kind.steps for kind in shared.kinds)
    work = [kind.steps * step_work(recipe, equal_work.prepared.shape)
            for kind, recipe in zip(shared.kinds, representatives(equal_work), strict=True)]
    assert work == pytest.approx([equal_work.plan.work] * 3, rel=0.05)


def test_epochs_that_are_searched_leave_each_kind_those_of_the_default(ready: Ready) -> None:
    assert len({kind.steps for kind in trial_costs(ready, 0).kinds}) == 1


def test_a_study_that_shares_nothing_saves_nothing(equal_work: Ready) -> None:
    costs = trial_costs(dataclasses.replace(equal_work, sharing=NOTHING), elapsed=0)
    assert not costs.shares and costs.entries == () and "--no-sharing" in costs.why_not_stored
    assert all(kind.seconds_shared == kind.seconds_unshared and kind.stored == 0 for kind in costs.kinds)


def test_where_no_checkpoint_is_kept_none_is_said_to_be_reused(equal_work: Ready) -> None:
    kept, none = (trial_costs(dataclasses.replace(equal_work, kept=number), 0).kinds[0] for number in (4, 0))
    assert kept.stages > 1 and kept.goes_on and not none.goes_on
    assert none.seconds_shared == pytest.approx(none.seconds_unshared) and none.seconds_shared > kept.seconds_shared


def test_a_study_that_stores_nothing_says_why(equal_work: Ready) -> None:
    costs = trial_costs(dataclasses.replace(equal_work, sharing=Sharing(trunk=False)), elapsed=0)
    assert costs.shares and costs.entries == () and "would not pay" in costs.why_not_stored
    prepared = equal_work.prepared
    why = why_not_stored(prepared.default, prepared, equal_work.measured, equal_work.sharing, Quota(4000))
    assert "more than the 800 bytes" in why


def test_one_entry_serves_every_depth_above_it_and_holds_every_token(equal_work: Ready) -> None:
    (entry,) = trial_costs(equal_work, 0).entries
    assert (entry.boundary, entry.lower) == (1, 0) and entry.seconds > 0
    prepared, measured = equal_work.prepared, equal_work.measured
    rows = len(prepared.splits["train"]) + len(prepared.rung_rows)
    assert entry.bytes == entry_bytes(rows, prepared, measured)
    tokens = int(np.minimum(prepared.splits["train"].lengths, prepared.default.max_length).sum())
    size = 2 if measured.precision.value == "bf16" else 4
    assert entry_bytes(len(prepared.splits["train"]), prepared, measured) == tokens * 384 * size


def test_more_of_what_takes_less_fits_in_the_search_and_less_in_what_is_left_of_it(equal_work: Ready) -> None:
    early, late = trial_costs(equal_work, 10.0), trial_costs(equal_work, 100.0)
    fitting = [early.fitting(kind) or 0 for kind in early.kinds]
    assert fitting == sorted(fitting) and fitting[0] > 0
    assert all((late.fitting(kind) or 0) <= most for kind, most in zip(late.kinds, fitting, strict=True))
    over = trial_costs(equal_work, 10_000.0)
    assert [over.fitting(kind) for kind in over.kinds] == [0, 0, 0]


def test_a_schedule_without_rungs_has_one_stage(equal_work: Ready) -> None:
    assert trial_costs(equal_work, 0).kinds[0].stages == len(equal_work.plan.levels)
    asked = equal_work.prepared.asked
    plain = dataclasses.replace(asked, settings=dataclasses.replace(asked.settings, scheduler=SchedulerName.NONE))
    ready = dataclasses.replace(equal_work, prepared=dataclasses.replace(equal_work.prepared, asked=plain))
    kind = trial_costs(ready, 0).kinds[0]
    assert kind.stages == 1 and kind.seconds_shared == pytest.approx(kind.seconds_unshared)


@pytest.mark.parametrize(("dimension", "depths"), [
    (Interval(0, 2, integer=True), [0, 1, 2]), (Interval(1, 2, integer=True), [0, 1, 2]), (Choice((0, "all")), [0, "all"]),
    (Choice((0, "embeddings", "half", 1)), [0, "half"])])
def test_depths_that_cost_the_same_are_one_kind(equal_work: Ready, dimension: Interval | Choice, depths: list[object]) -> None:
    space = equal_work.prepared.space.also({"frozen_layers": dimension})
    asked = equal_work.prepared.asked
    asked = dataclasses.replace(asked, settings=dataclasses.replace(asked.settings, search={"frozen_layers": str(dimension)}))
    ready = dataclasses.replace(equal_work, prepared=dataclasses.replace(equal_work.prepared, space=space, asked=asked))
    assert [recipe.frozen_layers for recipe in representatives(ready)] == depths


def test_a_training_has_one_kind_whose_final_goes_on_from_it(tiny_model: Path, small_data: Path) -> None:
    ready = plan_of(Command.TRAIN, tiny_model, small_data, fixed={"frozen_layers": "1"})
    costs = trial_costs(ready, 0)
    (kind,) = costs.kinds
    assert (kind.trained, kind.stored, kind.stages) == (1, 1, 2) and costs.fitting(kind) is None
    assert kind.seconds_shared == pytest.approx(ready.plan.full_run_seconds)
    per_step = step_work(ready.prepared.default, ready.prepared.shape) / ready.measured.speed.training
    assert kind.seconds_unshared == pytest.approx(2 * kind.steps * per_step)


def test_costs_are_a_table_for_machines(equal_work: Ready) -> None:
    costs = trial_costs(equal_work, 10.0)
    table = json.loads(json.dumps(costs.to_table()))
    assert [kind["fitting"] for kind in table["kinds"]] == [costs.fitting(kind) for kind in costs.kinds]
    assert table["entries"][0]["bytes"] == costs.entries[0].bytes and table["shares"] is True
