"""Which annotation tool wrote the records of a JSON file, told by their keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
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


def table(where: object, name: str, items: Sequence[tuple[int, Any]], options: DataOptions) -> Table:
    """The table of the items of a JSON file or a list, each with its line or number; messages on columns name `where`.

    Raises:
        DataError: what the tool's reader raises.
    """
    if spacy_tuples.fits(items):
        return spacy_tuples.read(name, items, options)
    records = [Record(line, value) for line, value in items]
    fitting = [tool for tool in TOOLS if tool.fits(records)]
    if not fitting:
        return marked.settled(Table(name, distinct_columns(where, columns_of(records)), records), options)
    found = fitting[0].read(name, records, options)
    if len(fitting) > 1:
        others = " and ".join(tool.name for tool in fitting[1:])
        said = finding(name, "read-as", f"its records have keys of {others} too; they are read as those of {fitting[0].name}")
        return dataclasses.replace(found, findings=(*found.findings, said))
    return found


def columnar(table: Table, options: DataOptions) -> Table:
    """The table of a format with columns of its own, where it holds Argilla's responses or marked spans; else as it is.

    Raises:
        DataError: what the tool's reader raises.
    """
    if argilla.fits(table.records):
        return argilla.read(table.name, table.records, options)
    return marked.settled(table, options)
