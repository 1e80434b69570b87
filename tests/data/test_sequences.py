"""Sequences: which of them a token counts in."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.sequences import Cut, Sequences, sequences
from luthier.data.tokens import Tokens


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
