"""Texts that are nearly the same."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.near_duplicates import SIMILAR, near_duplicates

LONG = ("the committee met on tuesday morning to talk about the budget for the next year and decided after two hours of debate "
        "that the library would stay open on sundays")


@pytest.mark.parametrize(("one", "other"), [
    ("Fine", "fine"), ("peace out", "peace out!"), ("no that is not right", "No, that is not right."),
    ("can you tell me how to set up direct depost", "can you tell me how to set up direct deposit"),
    ("could you please say what kind of account this is", "could you please say what knid of account this is"),
    ("on my statement there is a charge I don't recognise", "on my statement there is a charge I dont recognise"),
    ("“so it goes”", "so it goes"),
    ("Which currencies do you accept for adding money?", "For adding money, which currencies do you accept?"),
    (LONG, LONG.replace("tuesday", "monday")),
    (LONG, f"as reported, {LONG}"), ("!!!", "!!!"), ("我想取消我的订单。", "我想取消我的订单。 "),
])
def test_alike(one: str, other: str) -> None:
    assert near_duplicates([one, "something else entirely", other]) == [(0, 2)]


@pytest.mark.parametrize(("one", "other"), [
    ("turn on the light", "turn off the light"), ("is it open", "is it not open"), ("call mum", "call tum"),
    ("how many miles before i need to change my tires", "how many miles before i need to change my oil"),
    ("order number 12345 please", "order number 12346 please"), ("good :)", "good :("), ("ok 👍", "ok 👎"), ("!!!", "???"),
    ("", "a"), ("A man is playing a guitar.", "A girl is playing a guitar."), ("我想取消我的订单", "我想确认我的订单"),
    ("1.5 million", "15 million"),
    (LONG, LONG.replace("library would stay", "museum could remain").replace("sundays", "mondays")),
])
def test_not_alike(one: str, other: str) -> None:
    assert near_duplicates([one, "something else entirely", other]) == []


def test_nothing_is_alike_in_nothing() -> None:
    assert near_duplicates([]) == [] and near_duplicates(["a"]) == [] and near_duplicates(["", "", "x"]) == [(0, 1)]


def test_groups_hang_together_and_are_in_order() -> None:
    changed = LONG.replace("tuesday", "monday")
    texts = ["zebra", LONG, "x", changed, "Zebra!", changed.replace("two", "six")]
    assert near_duplicates(texts) == [(0, 4), (1, 3, 5)]


def runs(text: str) -> set[str]:
    return {text[place:place + 4] for place in range(len(text) - 3)}


def test_finds_what_comparing_all_pairs_finds() -> None:
    draw = random.Random(4)
    words = ["".join(draw.choices("abcdefgh", k=draw.randint(2, 7))) for _ in range(300)]
    texts = [" ".join(draw.choices(words, k=draw.randint(18, 40))) for _ in range(150)]
    for _ in range(150):
        copy = draw.choice(texts[:150]).split()
        for _ in range(draw.randint(1, 5)):
            copy[draw.randrange(len(copy))] = draw.choice(words)
        texts.append(" ".join(copy))
    sets = [runs(text) for text in texts]
    alike = {(one, other) for one in range(300) for other in range(one)
             if len(sets[one] & sets[other]) >= SIMILAR * len(sets[one] | sets[other])}
    group = {index: number for number, members in enumerate(near_duplicates(texts)) for index in members}
    assert len(alike) > 60
    missed = [pair for pair in alike if group.get(pair[0], -1) != group.get(pair[1], -2)]
    assert len(missed) <= 0.01 * len(alike)
    linked = {index for pair in alike for index in pair}
    assert set(group) <= linked


@given(st.lists(st.text(alphabet="ab .!é中", max_size=30), max_size=8))
def test_copies_are_always_found_and_groups_are_disjoint(texts: list[str]) -> None:
    groups = near_duplicates([*texts, *texts])
    members = [index for group in groups for index in group]
    assert sorted(members) == list(range(2 * len(texts)))
    number = {index: place for place, group in enumerate(groups) for index in group}
    assert all(number[index] == number[index + len(texts)] for index in range(len(texts)))


def test_many_rows_of_one_pattern_take_no_more_than_moments() -> None:
    draw = random.Random(0)
    short = [f"your order {draw.randrange(10**6)} was sent to {draw.choice(['Rome', 'Oslo'])}" for _ in range(3000)]
    long = [f"{LONG} as number {draw.randrange(10**6)} of the minutes says" for _ in range(3000)]
    started = time.process_time()
    groups = near_duplicates([*short, *long])
    assert time.process_time() - started < 20
    assert max(map(len, groups)) == 3000


def test_real_requests_with_different_labels_are_hardly_ever_called_alike(shared: Path) -> None:
    rows = [json.loads(line) for line in (shared / "data/clinc150/train.jsonl").read_text(encoding="utf-8").splitlines()]
    groups = near_duplicates([row["text"] for row in rows])
    assert len(groups) > 40
    assert sum(len({rows[index]["label"] for index in group}) > 1 for group in groups) <= 4
