"""Checks that need a tokenizer, on arrays made by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from luthier.data import check_tokens as check
from luthier.data.findings import Severity
from luthier.data.row import Kind, Row, Span


def rows(number: int, text: str = "some words", pair: str | None = None) -> list[Row]:
    return [Row(str(line), text, pair, "a", "train.csv", line) for line in range(2, number + 2)]


def named(text: str, *spans: tuple[int, int]) -> Row:
    return Row("1", text, None, tuple(Span(start, end, "x") for start, end in spans), "train.jsonl", 1)


def ints(values: Sequence[int]) -> Any:
    return np.asarray(values, dtype=np.int64)


def test_too_long_recommends_windows_from_one_row_in_twenty_on() -> None:
    (found,) = check.too_long(Kind.CLASS, rows(100), ints([300] * 31 + [20] * 69), 256, 512)
    assert found.message.startswith("31 % of rows exceed 256 tokens: 31 rows of 100, the longest has 300 (train.csv lines 2, 3")
    assert "--set long_texts=windows" in found.advice and "--set max_length=512" in found.advice and len(found.rows) == 31
    assert found.severity is Severity.WARNING
    (few,) = check.too_long(Kind.CLASS, rows(100), ints([300] * 5 + [20] * 95), 256, 512)
    assert few.severity is Severity.NOTE and "long_texts" not in few.advice
    assert check.too_long(Kind.CLASS, rows(2), ints([256, 3]), 256, 512) == []


def test_too_long_pairs_cannot_be_read_in_windows() -> None:
    (found,) = check.too_long(Kind.CLASS, rows(2, pair="b"), ints([600, 600]), 512, 512)
    assert "long_texts" not in found.advice


def test_too_long_counts_entities_that_would_be_cut() -> None:
    given = [named("Rome and Oslo", (0, 4), (9, 13)), named("Rome", (0, 4))]
    (found,) = check.too_long(Kind.SPANS, given, ints([9, 3]), 4, 512, [0])
    assert "1 of 3 entities would be cut" in found.message


def test_find_cut_entities_keeps_those_within() -> None:
    given = [named("Rome and Oslo", (0, 4), (9, 13)), named("Rome", (0, 4))]
    offsets = np.asarray([(0, 0), (0, 4), (5, 8), (9, 13), (0, 0), (0, 0), (0, 4), (0, 0)], dtype=np.int32)
    starts = ints([0, 5, 8])
    assert check.find_cut_entities(given, starts, offsets, 2) == [0] and check.find_cut_entities(given, starts, offsets, 3) == []


def test_find_misaligned_shows_the_nearest_span() -> None:
    given = [named("un-Romelike Oslo", (3, 7), (12, 16)), named("in Rome", (3, 7))]
    offsets = np.asarray([(0, 0), (0, 7), (7, 11), (12, 16), (0, 0), (0, 0), (0, 2), (2, 7), (0, 0)], dtype=np.int32)
    heads = np.asarray([0, 1, 0, 1, 0, 0, 1, 1, 0], dtype=bool)
    (one,) = check.find_misaligned(given, ints([0, 5, 9]), offsets, heads)
    assert one == check.Misaligned(0, Span(3, 7, "x"), Span(0, 11, "x"))
    (found,) = check.misaligned_spans(given, [one])
    assert "'Rome' (x, 3–7) beside 'un-Romelike' (0–11)" in found.message and len(found.rows) == 1


@pytest.mark.parametrize(("unknown", "severity"), [(1, Severity.NOTE), (5, Severity.WARNING)])
def test_unknown_tokens_are_loud_when_many(unknown: int, severity: Severity) -> None:
    (found,) = check.unknown_tokens(rows(2), ints([unknown, 0]), ints([100, 100]))
    assert found.severity is severity and [place.line for place in found.rows] == [2]
    assert check.unknown_tokens(rows(1), ints([0]), ints([5])) == []


@pytest.mark.parametrize(("text", "words", "tokens", "unknown", "found"), [
    ("some words", 100, 140, 0, False), ("some words", 100, 300, 0, False), ("Это слова", 100, 400, 0, True),
    ("some words", 100, 300, 30, True), ("字", 1, 40, 30, True), ("Это слова", 100, 150, 0, False), ("字", 10, 10, 9, True)])
def test_fertility_tells_a_language_that_the_vocabulary_hardly_knows(
        text: str, words: int, tokens: int, unknown: int, found: bool) -> None:
    assert bool(check.fertility(rows(1, text), ints([words]), ints([unknown]), ints([tokens]))) is found


def test_case_lost_is_said_where_capitals_tell_entities() -> None:
    (found,) = check.case_lost([named("yesterday we met Ana in Rome", (17, 20), (24, 28))] * 3)
    assert "100 % of their words begin with one, 0 % of the other words" in found.message
    assert check.case_lost([named("we met ana in rome", (7, 10), (14, 18))]) == []
    assert check.case_lost([named("We Met Ana In Rome", (7, 10), (14, 18))]) == []


def test_check_tokens_asks_about_case_only_where_it_is_lost() -> None:
    given = [named("yesterday we met Ana", (17, 20))]
    arrays = {name: ints([6]) for name in ("lengths", "words", "tokens")} | {"unknown": ints([0])}
    for uncased, codes in ((True, ["uncased"]), (False, [])):
        found = check.check_tokens(Kind.SPANS, given, max_length=64, limit=512, uncased=uncased, **arrays)
        assert [one.code for one in found] == codes


def test_count_words() -> None:
    assert check.count_words(["a b  c", "", " x "]).tolist() == [3, 0, 1]


def test_the_share_of_foreign_letters_takes_no_memory_for_each_letter() -> None:
    long = rows(1, "слово и word " * 100_000)
    tracemalloc.start()
    (found,) = check.fertility(long, ints([300_000]), ints([0]), ints([1_000_000]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "60 % of the letters are not Latin" in found.message and peak < 1_000_000
