"""Rows cut or in windows: nothing is lost, and each token counts once, where it stands best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.row import Row
from luthier.data.sequences import Cut, Sequences, sequences, shorten
from luthier.data.tokens import Tokens, tokenize
from luthier.models.classifier import load_tokenizer

TEXTS = st.lists(st.integers(0, 90), min_size=1, max_size=8)
CUTS = st.integers(4, 40)


def make(contents: list[int]) -> Tokens:
    """Rows of so many tokens between two special ones; every token has an id of its own."""
    starts = np.cumsum([0, *(content + 2 for content in contents)], dtype=np.int64)
    return Tokens(np.arange(starts[-1], dtype=np.int32), starts, np.zeros(len(contents), np.int32), 1, 1)


@given(contents=TEXTS, length=CUTS)
def test_windows_cover_every_token_and_keep_the_special_ones(contents: list[int], length: int) -> None:
    tokens = make(contents)
    read = sequences(tokens, Cut(length, windows=True))
    for row, (start, end) in enumerate(zip(tokens.starts[:-1], tokens.starts[1:], strict=True)):
        own = [read.positions(i) for i in range(len(read)) if read.rows[i] == row]
        assert own and sorted({int(p) for part in own for p in part}) == list(range(start, end))
        for part in own:
            assert len(part) <= length and part[0] == start and part[-1] == end - 1 and (np.diff(part) > 0).all()
            assert (np.diff(part[1:-1]) == 1).all(), "a window is one stretch of the text"


@given(contents=TEXTS, length=CUTS, windows=st.booleans())
def test_numbers_and_lengths_foretell_what_is_read(contents: list[int], length: int, windows: bool) -> None:
    tokens, cut = make(contents), Cut(length, windows)
    read = sequences(tokens, cut)
    assert read.lengths.tolist() == [len(read.positions(i)) for i in range(len(read))]
    assert np.bincount(read.rows, minlength=len(tokens)).tolist() == cut.count(tokens.lengths, 2).tolist()
    assert np.bincount(read.rows, read.lengths, len(tokens)).tolist() == cut.lengths(tokens.lengths, 2).tolist()


@given(contents=TEXTS, length=CUTS)
def test_rows_that_fit_are_read_once_and_others_by_their_beginning_where_they_are_cut(contents: list[int], length: int) -> None:
    tokens = make(contents)
    cut, windows = sequences(tokens, Cut(length)), sequences(tokens, Cut(length, windows=True))
    assert cut.rows.tolist() == list(range(len(tokens)))
    for row, content in enumerate(contents):
        start = int(tokens.starts[row])
        kept = min(content, length - 2)
        assert cut.positions(row).tolist() == [*range(start, start + 1 + kept), int(tokens.starts[row + 1]) - 1]
        assert ((windows.rows == row).sum() == 1) == (content + 2 <= length)


@given(contents=TEXTS, length=CUTS, data=st.data())
def test_each_token_has_one_owner_in_which_it_stands_furthest_from_a_cutting_edge(
        contents: list[int], length: int, data: st.DataObject) -> None:
    tokens = make(contents)
    asked = np.array(data.draw(st.lists(st.sampled_from(range(len(contents))), min_size=1, unique=True)))
    read = sequences(tokens, Cut(length, windows=True), asked)
    owner, place = read.owners()
    units = tokens.starts[asked[0]] + np.arange(0) if not len(asked) else np.concatenate(
        [np.arange(tokens.starts[row], tokens.starts[row + 1]) for row in asked])
    positions = [read.positions(i) for i in range(len(read))]
    for unit, own, at in zip(units, owner, place, strict=True):
        assert positions[own][at] == unit
        assert _margin(read, positions, own, at) == max(
            _margin(read, positions, i, int(np.flatnonzero(part == unit)[0])) for i, part in enumerate(positions) if unit in part)


def _margin(read: object, positions: list[np.ndarray], index: int, at: int) -> float:
    """Tokens up to the nearer edge at which the window cuts its row."""
    low, high = read.low[index], read.high[index]  # type: ignore[attr-defined]
    tokens, row = read.tokens, int(read.rows[index])  # type: ignore[attr-defined]
    last = len(positions[index]) - 1
    return min(at if low > 0 else np.inf, last - at if high < tokens.lengths[row] - 2 else np.inf)


@pytest.mark.parametrize("length", [4, 5, 6, 7, 8, 11, 16, 23, 40, 64])
@pytest.mark.parametrize("model", ["tiny_model", "byte_level_model"])
def test_pairs_are_cut_as_the_tokenizer_cuts_them(
        model: str, request: pytest.FixtureRequest, reviews: list[Row], length: int) -> None:
    path: Path = request.getfixturevalue(model)
    tokenizer = load_tokenizer(path)
    if length < special(tokenizer) + 1:
        pytest.skip("shorter than the special tokens of a pair")
    chance = np.random.default_rng(0)
    words = " ".join(row.text for row in reviews[:50]).split()
    one, two = ([" ".join(words[i:i + chance.integers(1, 25)]) for i in chance.integers(0, 400, 120)] for _ in range(2))
    read = sequences(tokenize(one, tokenizer, None, two), Cut(length))
    expected = tokenizer(one, two, truncation="longest_first", max_length=length)
    assert [read.tokens.ids[read.positions(i)].tolist() for i in range(len(read))] == expected["input_ids"]
    if read.tokens.types is not None:
        assert [read.tokens.types[read.positions(i)].tolist() for i in range(len(read))] == expected["token_type_ids"]


def special(tokenizer: object) -> int:
    return int(tokenizer.num_special_tokens_to_add(pair=True))  # type: ignore[attr-defined]


@given(one=st.integers(0, 60), two=st.integers(0, 60), total=st.integers(0, 80))
def test_a_pair_is_shortened_to_the_total_and_the_longer_text_first(one: int, two: int, total: int) -> None:
    first, second = shorten(one, two, total)
    assert first + second == min(total, one + two) and 0 <= first <= one and 0 <= second <= two
    if first + second < one + two and min(one, two) <= total // 2:
        assert min(one, two) == (first if one <= two else second), "the shorter one is whole while it is under half"


def _one_by_one(read: Sequences) -> tuple[list[int], list[int]]:
    """The sequence of each token and its place there: of those that hold it, the first in which it is furthest from a cut."""
    tokens, owner, place = read.tokens, [], []
    for spot in dict.fromkeys(read.places.tolist()):
        own = [index for index in range(len(read)) if read.places[index] == spot]
        row = int(read.rows[own[0]])
        start, length = int(tokens.starts[row]), int(tokens.lengths[row])
        for token in range(length):
            best, found = -1, (-1, -1)
            for index in own:
                positions = (read.positions(index) - start).tolist()
                if token in positions:
                    at = positions.index(token)
                    ends = ([at] if read.low[index] > 0 else []) + (
                        [len(positions) - 1 - at] if read.high[index] < length - tokens.special else [])
                    margin = min(ends, default=len(positions))
                    if margin > best:
                        best, found = margin, (index, at)
            owner.append(found[0])
            place.append(found[1])
    return owner, place


@given(texts=st.lists(st.integers(0, 23), min_size=1, max_size=7), longest=st.integers(3, 12), windows=st.booleans(),
       seed=st.integers(0, 9))
def test_owners_are_those_found_one_by_one(texts: list[int], longest: int, windows: bool, seed: int) -> None:
    starts = np.concatenate([[0], np.cumsum([length + 2 for length in texts])])
    tokens = Tokens(np.arange(starts[-1], dtype=np.int32), starts, np.zeros(len(texts)), 1, 1)
    rows = np.random.default_rng(seed).permutation(len(texts))[:1 + seed]
    read = sequences(tokens, Cut(longest, windows), rows)
    owner, place = read.owners()
    assert (owner.tolist(), place.tolist()) == _one_by_one(read)


def test_owners_of_rows_that_are_read_whole_take_no_loop() -> None:
    rows = 50_000
    starts = np.arange(rows + 1) * 4
    tokens = Tokens(np.zeros(starts[-1], np.int32), starts, np.zeros(rows), 1, 1)
    read = sequences(tokens, Cut(8, windows=True))
    looked: list[int] = []

    class Watched(Sequences):
        def positions(self, index: int) -> np.ndarray:
            looked.append(index)
            return super().positions(index)

    owner, place = Watched(read.tokens, read.cut, read.rows, read.places, read.low, read.high).owners()
    assert not looked
    assert (owner == np.repeat(np.arange(rows), 4)).all() and (place == np.tile(np.arange(4), rows)).all()
