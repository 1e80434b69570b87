"""What a model sees of tokenised rows: each row cut to a length, or in overlapping windows of that length.

A window takes as many tokens as fit and starts a quarter of them before the last one ended; the last window ends with the
row. Where windows overlap, a token counts in the one in which it stands furthest from an edge that cuts the row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens

Ints = npt.NDArray[np.int64]
OVERLAP = 4
"""Windows overlap by one part in this many."""


@dataclass(frozen=True)
class Cut:
    """How rows longer than `max_length` tokens (special tokens included) are read: their beginning, or all in windows."""

    max_length: int
    windows: bool = False

    def capacity(self, special: int) -> int:
        """Tokens of a text that fit beside the special ones."""
        return max(1, self.max_length - special)

    def step(self, special: int) -> int:
        """How far apart windows begin."""
        capacity = self.capacity(special)
        return max(1, capacity - capacity // OVERLAP)

    def count(self, lengths: Ints, special: int) -> Ints:
        """The sequences that rows of these lengths (special tokens included) are read in. Shape [rows]."""
        if not self.windows:
            return np.ones(len(lengths), np.int64)
        over = np.maximum(0, lengths - special - self.capacity(special))
        return np.asarray(1 + -(-over // self.step(special)))

    def lengths(self, lengths: Ints, special: int) -> Ints:
        """The tokens that are read of each row: special ones, and those in two windows, count each time. Shape [rows]."""
        number, kept = self.count(lengths, special), np.minimum(lengths, max(self.max_length, special + 1))
        return np.asarray(np.where(number == 1, kept, number * (self.capacity(special) + special)))


@dataclass(frozen=True)
class Sequences:
    """The sequences of some rows, in the order of the rows.

    Attributes:
        rows: the row of each sequence, as `tokens` numbers it. Shape [sequences].
        places: where the row stands among those asked for. Shape [sequences].
        low: the first token of the text that is read, counted from the text's first. Shape [sequences].
        high: one past the last. Shape [sequences].
    """

    tokens: Tokens
    cut: Cut
    rows: Ints
    places: Ints
    low: Ints
    high: Ints

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> Ints:
        """Tokens of each sequence, special ones included. Shape [sequences]."""
        return np.asarray(self.high - self.low + self.tokens.special)

    def positions(self, index: int) -> Ints:
        """Where the tokens of one sequence stand in the flat arrays of `tokens`. Shape [length]."""
        tokens, row = self.tokens, int(self.rows[index])
        start, end = int(tokens.starts[row]), int(tokens.starts[row + 1])
        low, high = int(self.low[index]), int(self.high[index])
        if high - low + tokens.special >= end - start:
            return np.arange(start, end)
        if tokens.seconds is not None:
            return self._positions_of_pair(row, high - low)
        text, length = start + tokens.prefix, end - start
        return np.concatenate([np.arange(start, text), np.arange(text + low, text + high), np.arange(end - tokens.suffix, end)]
                              ) if length > tokens.special else np.arange(start, end)

    def _positions_of_pair(self, row: int, kept: int) -> Ints:
        tokens = self.tokens
        assert tokens.seconds is not None
        start, end = int(tokens.starts[row]), int(tokens.starts[row + 1])
        second = start + int(tokens.seconds[row])
        one, two = second - tokens.middle - start - tokens.prefix, end - tokens.suffix - second
        one, two = shorten(one, two, kept)
        return np.concatenate([np.arange(start, start + tokens.prefix + one), np.arange(second - tokens.middle, second + two),
                               np.arange(end - tokens.suffix, end)])

    def owners(self) -> tuple[Ints, Ints]:
        """For every token of the rows asked for, in their order: its sequence, and its place in it. Shapes [tokens].

        A token outside of every sequence, which only a row that is cut has, has -1 for both.
        """
        tokens, lengths = self.tokens, self.tokens.lengths
        wanted = self.rows[np.concatenate([[True], self.places[1:] != self.places[:-1]])] if len(self) else self.rows
        firsts = np.concatenate([[0], np.cumsum(lengths[wanted])])
        whole = self.lengths >= lengths[self.rows]
        sequence, place = self._owners_of_whole(whole, firsts)
        margin = np.full(len(place), -1, np.int64)
        for index in np.flatnonzero(~whole).tolist():
            row, spot = int(self.rows[index]), int(self.places[index])
            positions = self.positions(index) - int(tokens.starts[row]) + int(firsts[spot])
            before = np.arange(len(positions)) if self.low[index] > 0 else np.full(len(positions), len(positions))
            content = int(lengths[row]) - tokens.special
            after = np.arange(len(positions))[::-1] if self.high[index] < content else np.full(len(positions), len(positions))
            own = np.minimum(before, after)
            better = own > margin[positions]
            chosen = positions[better]
            margin[chosen], sequence[chosen], place[chosen] = own[better], index, np.flatnonzero(better)
        return sequence, place

    def _owners_of_whole(self, whole: npt.NDArray[np.bool_], firsts: Ints) -> tuple[Ints, Ints]:
        """What `owners` gives, for the rows that one sequence holds whole; -1 for the tokens of others.

        Args:
            whole: whether a sequence is a whole row [sequences].
            firsts: where the tokens of each row asked for begin, and the end of the last [rows + 1].
        """
        sequence, place = (np.full(int(firsts[-1]), -1, np.int64) for _ in range(2))
        indices = np.flatnonzero(whole)
        low = firsts[self.places[indices]]
        lengths = firsts[self.places[indices] + 1] - low
        own = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        tokens = own + np.repeat(low, lengths)
        sequence[tokens], place[tokens] = np.repeat(indices, lengths), own
        return sequence, place


def sequences(tokens: Tokens, cut: Cut, rows: Ints | None = None) -> Sequences:
    """The sequences of the given rows (default: all)."""
    wanted = np.arange(len(tokens)) if rows is None else rows
    lengths, special = tokens.lengths[wanted], tokens.special
    number = cut.count(lengths, special)
    places = np.repeat(np.arange(len(wanted)), number)
    window = np.arange(len(places)) - np.repeat(np.cumsum(number) - number, number)
    content, capacity = np.maximum(0, lengths - special)[places], cut.capacity(special)
    low = np.minimum(window * cut.step(special), np.maximum(0, content - capacity))
    return Sequences(tokens, cut, np.asarray(wanted)[places], places, low, np.minimum(content, low + capacity))


def shorten(one: int, two: int, total: int) -> tuple[int, int]:
    """The lengths of a pair's texts cut to `total` tokens together: the longer first, as the tokenizers library does."""
    if one + two <= total:
        return one, two
    short, long = min(one, two), max(one, two)
    long = short if short > total else max(short, total - short)
    if short + long > total:
        short = total // 2
        long = short + total % 2
    return (short, long) if one <= two else (long, short)
