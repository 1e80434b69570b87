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


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its label.

    `line` is the line of `file` on which the row starts, or its number (from 1) where the format has no lines.
    """

    id: str
    text: str
    pair: str | None
    target: str | None
    file: str
    line: int
    group: str | None = None


def text_key(text: str) -> str:
    """What equal texts share: letters in one case, one Unicode form (NFKC), every run of whitespace one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
