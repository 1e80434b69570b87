"""`Finding`: one thing that is odd about the data: how bad it is, where it stands, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Severity(enum.StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The data cannot be used as it is."""
    WARNING = "warning"
    """The result will be worse, or look better than it is."""
    NOTE = "note"
    """Something was repaired, left out, or is worth knowing."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row: its file (or what else the table is called), and its line or number there."""

    file: str
    line: int


@dataclass(frozen=True)
class Finding:
    """One thing found in the data.

    `code` names its kind in a word or two ("empty-text"); `message` is a sentence with figures and the first rows;
    `advice` says what to do; `rows` are all rows that it is about.
    """

    code: str
    severity: Severity
    message: str
    advice: str = ""
    rows: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()

    def to_table(self) -> dict[str, Any]:
        """{code, severity, message, advice, rows}, as JSON holds it."""
        return {"code": self.code, "severity": self.severity.value, "message": self.message, "advice": self.advice,
                "rows": [[place.file, place.line] for place in self.rows]}


def errors(findings: Sequence[Finding]) -> list[str]:
    """What forbids to use the data, as sentences."""
    return [str(finding) for finding in findings if finding.severity is Severity.ERROR]
