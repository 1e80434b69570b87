"""`DataOptions`: how a person wants their files read."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from luthier.errors import ConfigError, nearest

KNOWN = ("utf-8", "cp1252", "latin-1", "utf-16", "cp1251", "shift_jis", "gb18030", "big5")
"""Encodings that a message names; Python knows about a hundred."""
OVERLAPS = ("refuse", "longest")
"""What can be done with spans that overlap."""


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which columns hold what, and the rules by which files are read. Empty or None: found out by the usual names.

    Several `label_columns` hold 0 or 1 each, one column a label, where blank is 0; `label_separator` parts the labels of one
    cell, where blank is none of them (in JSON null is a row without a label, and [] one with none).
    `annotators` settles rows that several people labelled: "first", "majority", or the name of one. `spans` says what
    to do with spans that overlap: "refuse", or "longest" to keep the longest. `labels` is a file that renames, merges or
    drops labels. `encoding` is that of text files that are not UTF-8.

    Raises:
        ConfigError: no such rule for spans, or no such encoding.
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

    def __post_init__(self) -> None:
        problems = []
        if self.label_separator == "":
            problems.append("--label-separator is empty: give what parts the labels of a cell, such as ';', or leave it out")
        if self.spans not in OVERLAPS:
            problems.append(f"--spans {self.spans}: must be {' or '.join(OVERLAPS)}.{nearest(self.spans, OVERLAPS)}")
        try:
            codec(self.encoding)
        except ConfigError as error:
            problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(problems))


def codec(encoding: str) -> str:
    """The standard name of an encoding of text; "utf-8-sig" is "utf-8".

    Raises:
        ConfigError: there is no such encoding.
    """
    try:
        found = codecs.lookup(encoding)
        "".encode(found.name)  # refuses codecs between bytes, such as hex
    except (LookupError, ValueError):
        raise ConfigError(f"--encoding {encoding}: no such encoding of text.{nearest(encoding, KNOWN)} Give one such as "
                          f"{', '.join(KNOWN)}.") from None
    return "utf-8" if found.name == "utf-8-sig" else found.name
