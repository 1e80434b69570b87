"""`DataOptions`: how a person wants their files read."""

from __future__ import annotations

from dataclasses import dataclass

OVERLAPS = ("refuse", "longest")
"""What can be done with spans that overlap."""


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which columns hold what, and the rules by which files are read. Empty or None: found out by the usual names.

    Several `label_columns` hold 0 or 1 each, one column a label; `label_separator` parts the labels of one cell.
    `annotators` settles rows that several people labelled: "first", "majority", or the name of one. `spans` says what
    to do with spans that overlap: "refuse", or "longest" to keep the longest. `labels` is a file that renames, merges or
    drops labels. `encoding` is that of text files that are not UTF-8.
    """

    text_columns: tuple[str, ...] = ()
    pair_column: str | None = None
    label_columns: tuple[str, ...] = ()
    label_separator: str | None = None
    id_column: str | None = None
    group_column: str | None = None
    annotators: str = "first"
    spans: str = "refuse"
    encoding: str = "utf-8"
    labels: str | None = None
