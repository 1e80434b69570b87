"""Cells, what was searched, and equal recipes."""

from __future__ import annotations

from typing import Any

import pytest

from luthier.explain.rows import branch_share, by_recipe, is_log, meaningful, rounded, searched, varied


def make(number: int, role: str = "tpe", **values: Any) -> dict[str, Any]:
    return {"trial": number, "role": role, "parent": "", "state": "complete", "steps": 100, "seed": 0, "learning_rate": 1e-4,
            "epochs": number, "head_init": "random", "warmup_steps": 4} | values


def test_searched_is_what_the_sampler_varied() -> None:
    rows = [make(0, "default"), make(1, "preset bolder", head_init="probe"), make(2, learning_rate=2e-4), make(3)]
    assert searched(rows) == ["learning_rate"]
    assert varied(rows) == ["learning_rate", "head_init"]
    assert searched(rows[:2]) == ["head_init"] and searched(rows[:1]) == [] and searched([]) == []


def test_a_warmup_that_follows_from_the_steps_was_not_searched() -> None:
    assert searched([make(i, steps=100 * i, warmup_steps=4 * i) for i in range(1, 5)]) == []
    assert searched([make(i, steps=100 * i, warmup_steps=10 * i) for i in range(1, 5)]) == ["warmup_steps"]


def test_replicates_share_a_recipe() -> None:
    rows = [make(0), make(1, seed=1), make(2, learning_rate=2e-4), {**make(3), "learning_rate": "0.0001"}]
    assert [[row["trial"] for row in group] for group in by_recipe(rows)] == [[0, 1, 3], [2]]


@pytest.mark.parametrize(("value", "text"), [
    (0.000834, "0.00083"), (8e-5, "8e-5"), (1.84, "1.8"), (64, "64"), (912, "910"), (0, "0")])
def test_numbers_have_two_significant_digits(value: float, text: str) -> None:
    assert rounded(value) == text


def test_log_scale_is_for_wide_spreads_above_zero() -> None:
    assert is_log([1e-5, 1e-3]) and not is_log([0.6, 1.0]) and not is_log([0, 1, 100]) and not is_log([])


def test_values_that_meant_nothing_are_blank() -> None:
    rows = meaningful([make(0, method="full", lora_rank=16), make(1, method="lora", lora_rank=4)])
    assert [row["lora_rank"] for row in rows] == ["", 4]


@pytest.mark.parametrize(("schedules", "share"), [
    (("warmup-stable-decay", "constant"), 0.81), (("warmup-stable-decay", "warmup-stable-decay"), 1.0),
    (("constant", "constant"), 1.0)])
def test_a_final_branches_off_before_the_decay_that_it_adds(schedules: tuple[str, str], share: float) -> None:
    final, parent = ({"steps": 100, "decay_share": 0.2, "schedule": schedule} for schedule in schedules)
    assert branch_share(final, parent) == pytest.approx(share)
