"""`Row`: one text with its label, and where it stands in the user's data; `Split`: the part that it belongs to."""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import dataclass


class Split(enum.StrEnum):
    """The part of a corpus that a row belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Kind(enum.StrEnum):
    """What labels are: the type of `Row.target`."""

    CLASS = "class"
    """One of several names: str."""
    LABELS = "labels"
    """Any number of several names, also none: tuple[str, ...], sorted."""
    NUMBER = "number"
    """A score: float."""
    SPANS = "spans"
    """Named parts of the text: tuple[Span, ...], in the order of the text, none overlapping another."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A named part of a text, `text[start:end]`, in characters (code points)."""

    start: int
    end: int
    label: str


Target = str | float | tuple[str, ...] | tuple[Span, ...]
"""The label of a row; its type follows from the corpus's `Kind`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its label; `pair` is the second text where rows are pairs.

    `line` is the line of `file` on which the row starts, or its number (from 1) where the format has no lines. Rows of one
    `group` belong together: they are never parted by a split, and intervals resample them together.
    """

    id: str
    text: str
    pair: str | None
    target: Target | None
    file: str
    line: int
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """A row whose target is what a model says of it, and how sure the model is: of the whole row, and of each span."""

    row: Row
    confidence: float
    scores: tuple[float, ...] = ()


def names_in(target: Target | None) -> tuple[str, ...]:
    """The label names that a target holds, each as often as it does; none for a number."""
    if target is None or isinstance(target, float):
        return ()
    if isinstance(target, str):
        return (target,)
    return tuple(part.label if isinstance(part, Span) else part for part in target)


def target_text(row: Row) -> str:
    """A row's label on one line, for people and for tables."""
    if isinstance(row.target, tuple):
        parts = [f"{row.text[part.start:part.end]} ({part.label})" if isinstance(part, Span) else part for part in row.target]
        spans = any(isinstance(part, Span) for part in row.target)
        return ("; " if spans else ", ").join(parts) or "(none)"
    return "" if row.target is None else f"{row.target:g}" if isinstance(row.target, float) else row.target


def text_key(text: str) -> str:
    """What equal texts share: letters in one case, one Unicode form (NFKC), every run of whitespace one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
