"""Cutting: equal texts and groups stay together, old rows stay where they are, shares hold."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.data.row import Row, Split, text_key
from luthier.data.split import assign, folds, split


def make(index: int, text: str, target: str = "a", group: str | None = None) -> Row:
    return Row(f"rows.csv:{index}", text, None, target, "rows.csv", index, group)


def plain(number: int, target: str = "a") -> list[Row]:
    return [make(index, f"text {index}", target) for index in range(number)]


TEXTS = st.sampled_from(["one", "One ", "two", "TWO", "three", "four", "five", "six  six", "six six"])
ROWS = st.lists(st.builds(make, st.integers(0, 10**6), TEXTS, st.sampled_from("ab"),
                          st.sampled_from([None, None, "g", "h", "i"])), max_size=25)
SEEDS = st.integers(0, 50)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, seed=SEEDS)
def test_split_never_separates_equal_texts_or_groups(rows: list[Row], seed: int) -> None:
    sides: dict[tuple[str, str], set[Split]] = {}
    for row, side in zip(rows, assign(rows, seed=seed), strict=True):
        sides.setdefault(("text", text_key(row.text)), set()).add(side)
        if row.group is not None:
            sides.setdefault(("group", row.group), set()).add(side)
    assert all(len(found) == 1 for found in sides.values())


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, seed=SEEDS)
def test_split_leaves_no_label_without_training_row(rows: list[Row], seed: int) -> None:
    train, validation, test = split(rows, seed=seed)
    assert {row.target for row in train} == {row.target for row in rows}
    assert Counter(map(id, train + validation + test)) == Counter(map(id, rows))


@settings(max_examples=150, deadline=None)
@given(old=ROWS, new=ROWS, seed=SEEDS)
def test_split_never_moves_old_rows_when_rows_are_added(old: list[Row], new: list[Row], seed: int) -> None:
    anchors = [make(-index, f"anchor {index}", "ab"[index % 2]) for index in range(40)]  # each label has training rows
    old = anchors + [dataclasses.replace(row, group=None) for row in old]
    new = [dataclasses.replace(row, group=None) for row in new]
    assert assign(old + new, seed=seed)[:len(old)] == assign(old, seed=seed)
    assert assign(new + old, seed=seed)[len(new):] == assign(old, seed=seed)


@settings(max_examples=100, deadline=None)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6), added=st.lists(st.integers(0, 5), max_size=10),
       seed=SEEDS)
def test_split_never_moves_a_group_when_new_texts_join_it(sizes: list[int], added: list[int], seed: int) -> None:
    anchors = plain(30)
    old = anchors + [make(0, f"{group}/{index}", "a", f"g{group}") for group, size in enumerate(sizes)
                     for index in range(size)]
    new = [make(0, f"new {index}", "a", f"g{group}") for index, group in enumerate(added)]
    assert assign(old + new, seed=seed)[:len(old)] == assign(old, seed=seed)


def test_split_keeps_rows_tied_through_a_chain_of_texts_and_groups_together() -> None:
    chain = [make(0, "t0", group="g0")]
    for link in range(30):
        chain += [make(0, f"t{link}", group=f"g{link + 1}"), make(0, f"t{link + 1}", group=f"g{link + 1}")]
    assert all(len(set(assign(chain + plain(50), seed=seed)[:len(chain)])) == 1 for seed in range(20))


def test_split_of_one_part_keeps_its_rows_where_they_were() -> None:
    rows = plain(400)
    train, validation, test = split(rows, seed=3)
    assert split(rows, seed=3, test=False) == (
        [row for row in rows if row in train or row in test], validation, [])
    assert split(rows, seed=3, validation=False) == (
        [row for row in rows if row in train or row in validation], [], test)
    assert split(rows, seed=3, validation=False, test=False) == (rows, [], [])


def test_split_keeps_a_label_without_training_row_in_training() -> None:
    rows = plain(200)
    outside = [row for row, side in zip(rows, assign(rows, seed=0), strict=True) if side is not Split.TRAIN][:2]
    rare = [dataclasses.replace(row, target="rare") if row in outside else row for row in rows]
    sides = dict(zip((row.id for row in rare), assign(rare, seed=0), strict=True))
    assert [sides[row.id] for row in outside] == [Split.TRAIN, Split.TRAIN]
    others = [side for row, side in zip(rows, assign(rows, seed=0), strict=True) if row not in outside]
    assert [sides[row.id] for row in rows if row not in outside] == others


def test_split_with_another_seed_differs_and_with_the_same_does_not() -> None:
    rows = plain(200)
    assert assign(rows, seed=1) == assign(rows, seed=1) != assign(rows, seed=2)


def test_split_does_not_change_between_versions() -> None:
    """Written down once: another result would move everyone's test rows into training."""
    signs = {Split.TRAIN: ".", Split.VALIDATION: "v", Split.TEST: "t"}
    assert "".join(signs[side] for side in assign(plain(40), seed=0)) == ".tt....tt....v.v...t..t.t.v....v..tt.t.."


@pytest.mark.parametrize("seed", [0, 1])
def test_split_shares_of_each_label_are_within_binomial_bounds_on_real_data(shared: Path, seed: int) -> None:
    with (shared / "data/clinc150/train.jsonl").open(encoding="utf-8") as file:
        items = [json.loads(line) for line in file]
    rows = [make(index, item["text"], item["label"]) for index, item in enumerate(items)]
    sides = assign(rows, seed=seed)
    totals, parts = Counter(row.target for row in rows), Counter(zip((row.target for row in rows), sides, strict=True))
    for side, share in ((Split.TEST, 0.15), (Split.VALIDATION, 0.15)):
        assert abs(sides.count(side) - share * len(rows)) < bound(len(rows), share)
        for target, total in totals.items():
            assert abs(parts[target, side] - share * total) < bound(total, share), (target, side)


def bound(rows: int, share: float) -> float:
    """4.5 standard deviations: among the 600 counts compared, one beyond it by chance in about 250 seeds."""
    return 4.5 * math.sqrt(rows * share * (1 - share))


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, seed=SEEDS, number=st.integers(1, 4))
def test_folds_never_separate_equal_texts_or_groups_and_leave_each_label_outside(rows: list[Row], seed: int, number: int) -> None:
    held = folds(rows, number, 0.2, seed=seed)
    together: dict[tuple[str, str], set[int]] = {}
    for row, fold in zip(rows, held, strict=True):
        assert 0 <= fold <= number
        together.setdefault(("text", text_key(row.text)), set()).add(fold)
        if row.group is not None:
            together.setdefault(("group", row.group), set()).add(fold)
    assert all(len(found) == 1 for found in together.values())
    for fold in range(1, number + 1):
        outside = {row.target for row, own in zip(rows, held, strict=True) if own != fold}
        assert outside == {row.target for row in rows}


def test_folds_hold_out_their_share_and_are_disjoint_from_what_the_search_was_judged_by() -> None:
    rows = plain(6000)
    train, validation, _ = split(rows, seed=3)
    share = len(validation) / (len(train) + len(validation))
    held = Counter(folds(train, 3, share, seed=3))
    assert [held[fold] / len(train) for fold in (1, 2, 3)] == pytest.approx([share] * 3, abs=0.02)
    assert set(Counter(folds(plain(50), 8, 0.5, seed=0))) <= set(range(9))


def test_old_rows_stay_in_their_fold_when_rows_are_added() -> None:
    few, many = folds(plain(200), 3, 0.2, seed=1), folds(plain(400), 3, 0.2, seed=1)
    assert many[:200] == few
