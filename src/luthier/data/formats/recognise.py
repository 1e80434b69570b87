"""Which annotation tool wrote the records of a JSON file, told by their keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from luthier.data.formats import argilla, doccano, label_studio, marked, prodigy, spacy_tuples
from luthier.data.formats.table import Record, Table, columns_of, distinct_columns, finding
from luthier.data.options import DataOptions


@dataclasses.dataclass(frozen=True)
class Tool:
    """An annotation tool: `fits` tells its records by their keys, `read` makes their table."""

    name: str
    fits: Callable[[Sequence[Record]], bool]
    read: Callable[[str, Sequence[Record], DataOptions], Table]


TOOLS = (Tool("Label Studio", label_studio.fits, label_studio.read), Tool("Argilla", argilla.fits, argilla.read),
         Tool("Prodigy", prodigy.fits, prodigy.read), Tool("Doccano", doccano.fits, doccano.read))
"""The first that fits is taken: those with the most particular keys come first."""


def table(path: Path, items: Sequence[tuple[int, Any]], options: DataOptions) -> Table:
    """The table of the items of a JSON file, each with its line or number.

    Raises:
        DataError: what the tool's reader raises.
    """
    if spacy_tuples.fits(items):
        return spacy_tuples.read(path.name, items, options)
    records = [Record(line, value) for line, value in items]
    fitting = [tool for tool in TOOLS if tool.fits(records)]
    if not fitting:
        return marked.settled(Table(path.name, distinct_columns(path, columns_of(records)), records), options)
    found = fitting[0].read(path.name, records, options)
    if len(fitting) > 1:
        others = " and ".join(tool.name for tool in fitting[1:])
        said = finding(path.name, "read-as", f"its records have keys of {others} too; they are read as those of {fitting[0].name}")
        return dataclasses.replace(found, findings=(*found.findings, said))
    return found
