"""A run's tables as pandas DataFrames with typed columns."""

from __future__ import annotations

import enum
import typing
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.config import field_types
from luthier.recipes.recipe import Recipe

if TYPE_CHECKING:
    import pandas


def _is_text(kind: Any) -> bool:
    return (kind is str or typing.get_origin(kind) in (dict, tuple)
            or isinstance(kind, type) and issubclass(kind, enum.Enum))  # noqa: RUF021


TEXTS = {"recipe", "role", "state", "reason", "verdict", "evidence", "split", "rows", "weights", "metric", "file", "text",
         "text_pair", "id", "label", "predicted"} | {name for name, kind in field_types(Recipe).items() if _is_text(kind)}
"""Columns that hold texts whatever they look like: a row's text may be a number, and a blank is an empty text here."""
FLAGS = {name for name, kind in field_types(Recipe).items() if kind is bool}


def read_table(file: Path, numbers: Collection[str] = ()) -> pandas.DataFrame:
    """A table of a run: texts as texts, "true" and "false" as booleans, numbers as numbers, blanks among these as missing.

    pandas alone would make a column's type of what happens to be in it: the words "none" and "" would be missing numbers.

    Args:
        numbers: columns of texts that are numbers in this table, such as the labels of a regression.
    """
    import pandas

    frame = pandas.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
    return pandas.DataFrame({name: _typed(str(name), frame[name], str(name) in TEXTS - set(numbers)) for name in frame.columns})


def _typed(name: str, column: Any, is_text: bool) -> Any:
    """The column by its type; one that may hold words and does, such as "half", stays as it is."""
    import pandas

    if is_text:
        return column
    if name in FLAGS:
        return column == "true"
    blank = column == ""
    try:
        numbers = pandas.to_numeric(column.mask(blank))
    except ValueError:
        return column
    whole = not blank.all() and not column[~blank].str.contains(r"[^0-9-]").any()
    return numbers.astype("Int64") if whole and blank.any() else numbers
