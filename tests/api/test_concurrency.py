"""How many workers share a GPU: the same engine, steps and choice on this processor."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from luthier.api.concurrency import fastest_workers
from luthier.api.prepare import Prepared, check, prepare
from luthier.api.settings import Settings
from luthier.training.precision import Precision


@pytest.fixture(scope="module")
def prepared(tiny_model: Path, small_data: Path) -> Prepared:
    settings = Settings(data=str(small_data), model=(str(tiny_model),))
    return prepare(check(settings, settings.given))


def test_the_fastest_number_of_workers_is_taken(prepared: Prepared) -> None:
    force, speeds = fastest_workers(prepared, "cpu", Precision.FP32, cores=2, candidates=(1, 2))
    assert set(speeds) == {1, 2} and all(speed > 0 for speed in speeds.values())
    assert force.workers == max(speeds, key=lambda workers: speeds[workers]) and force.threads == 2 // force.workers


def test_where_no_number_works_the_first_is_taken(prepared: Prepared) -> None:
    start = prepared.starts[""]
    broken = dataclasses.replace(start, pretrained=dataclasses.replace(start.pretrained, path=Path("/nowhere")))
    force, speeds = fastest_workers(dataclasses.replace(prepared, starts={"": broken}), "cpu", Precision.FP32, 2, (1, 2))
    assert speeds == {} and force.workers == 1
