"""Cutting rows into training, validation and test rows by a seeded hash.

Which part a row falls into is a pure function of the seed and of what identifies the row, so adding rows never moves an
old one: yesterday's test row is never trained on tomorrow. Two rows with equal texts (regardless of case, spacing and
Unicode form) or of one group fall into the same part.

Rows that never move and exact shares of each label exclude one another: to keep a share exact, a new row would have to
push an old one out. So shares hold in expectation, for all rows and for each label, with one guarantee: a label that
would have no training row keeps all its rows in training, for a label that is never seen cannot be learnt.

Two things do move old rows. A new row may tie together rows that were separate (it has the group of one and the text of
another): both then follow the smaller key. And rows of a label kept in training leave it when a new row of their label
falls there by itself.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Sequence

from luthier.data.row import Row, Split, names_in, text_key

TEST_SHARE = 0.15
VALIDATION_SHARE = 0.15


def split(rows: Sequence[Row], *, seed: int, validation: bool = True,
          test: bool = True) -> tuple[list[Row], list[Row], list[Row]]:
    """The training, validation and test rows, each in the order given.

    A part that is not wanted (the user brought a file for it) stays in training; the other part's rows are the same
    as if both were cut.
    """
    sides = assign(rows, seed=seed, validation=validation, test=test)
    train, held_out, tested = ([row for row, side in zip(rows, sides, strict=True) if side is part] for part in Split)
    return train, held_out, tested


def assign(rows: Sequence[Row], *, seed: int, validation: bool = True, test: bool = True) -> list[Split]:
    """The part of each row; see `split`."""
    members = components(rows)
    points = _points(rows, members, seed)
    sides = [_side(points[member], validation, test) for member in members]
    trained = {name for row, side in zip(rows, sides, strict=True) if side is Split.TRAIN for name in names_in(row.target)}
    kept = {member for row, member in zip(rows, members, strict=True) if not trained.issuperset(names_in(row.target))}
    return [Split.TRAIN if member in kept else side for member, side in zip(members, sides, strict=True)]


def folds(rows: Sequence[Row], number: int, share: float, *, seed: int) -> list[int]:
    """The fold in which each training row is held out, from 1 to `number`; 0 for the rows that are in none.

    Folds are disjoint, hold out about `share` of the rows each (less where so many do not fit), never separate equal texts or
    rows of a group, and leave every label rows outside of each fold.
    """
    members, width = components(rows), min(share, 1 / number)
    points = _points(rows, members, seed, "fold")
    held = [fold if (fold := 1 + int(points[member] / width)) <= number else 0 for member in members]
    outside = [{name for row, own in zip(rows, held, strict=True) if own != fold for name in names_in(row.target)}
               for fold in range(number + 1)]
    kept = {member for row, member, own in zip(rows, members, held, strict=True)
            if own and not outside[own].issuperset(names_in(row.target))}
    return [0 if member in kept else own for member, own in zip(members, held, strict=True)]


def components(rows: Sequence[Row]) -> list[int]:
    """For each row the index of the first row that it must stay with, through equal texts and groups."""
    parents = list(range(len(rows)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    first: dict[bytes, int] = {}
    for index, row in enumerate(rows):
        for kind, value in _keys(row):  # a text of its own would be held for each key
            key = hashlib.blake2b(f"{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
            one, other = root(first.setdefault(key, index)), root(index)
            parents[max(one, other)] = min(one, other)
    return [root(index) for index in range(len(rows))]


def _keys(row: Row) -> list[tuple[str, str]]:
    """What ties the row to others: its text, and its group if it has one."""
    text = text_key(row.text) if row.pair is None else f"{text_key(row.text)}\0{text_key(row.pair)}"
    return [("text", text)] + ([("group", row.group)] if row.group is not None else [])


def _points(rows: Sequence[Row], members: Sequence[int], seed: int, purpose: str = "") -> Sequence[float]:
    """The place of each component in [0, 1), at its first row: that of its smallest group, or of its text when it has no group.

    Texts do not count beside groups, or each new text of an old group could move the group. Places for different purposes
    have nothing to do with each other.
    """
    points, grouped = array("d", [math.inf]) * len(rows), bytearray(len(rows))
    for row, member in zip(rows, members, strict=True):
        for kind, value in _keys(row):
            if kind == "group" and not grouped[member]:
                points[member], grouped[member] = math.inf, True
            if (kind == "group") == grouped[member]:
                points[member] = min(points[member], _uniform(seed, f"{purpose}{kind}", value))
    return points


def _uniform(seed: int, kind: str, value: str) -> float:
    """A number in [0, 1) that looks random but depends on nothing else than the arguments."""
    content = f"{seed}\0{kind}\0{value}".encode("utf-8", "surrogatepass")
    return (int.from_bytes(hashlib.blake2b(content, digest_size=8).digest()) >> 11) / 2**53


def _side(point: float, validation: bool, test: bool) -> Split:
    if point < TEST_SHARE:
        return Split.TEST if test else Split.TRAIN
    if point < TEST_SHARE + VALIDATION_SHARE:
        return Split.VALIDATION if validation else Split.TRAIN
    return Split.TRAIN
