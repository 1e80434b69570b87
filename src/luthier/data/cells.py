"""Single cells of a table: missing ones, and names."""

from __future__ import annotations

import datetime
import decimal
import math
import numbers
import re
import uuid
from collections.abc import Mapping
from typing import Any

SCALARS = (str, bool, int, float, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a UTF-16 pair, as tools leave when they cut a text inside an emoji; no UTF-8 and no tokeniser can hold it."""


def is_missing(value: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, or pandas' own values for that."""
    return value is None or (isinstance(value, float | decimal.Decimal) and value != value) or type(value).__name__ in (
        "NAType", "NaTType")  # pandas' own, inside a list of dicts


def storable(value: Any) -> Any:
    """A cell as every file can hold it: NaN and infinite numbers are None, half characters U+FFFD; so within lists and tables."""
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if is_missing(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    if isinstance(value, Mapping):
        return {storable(key): storable(part) for key, part in value.items()}
    return [storable(part) for part in value] if isinstance(value, list | tuple) else value


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing, or nothing but white space."""
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def whole_number(value: Any) -> int | None:
    """A whole number of any type (7, 7.0, numpy's own) below 2^53 as an int; None for anything else, True and False included."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else None


def name_of(value: Any) -> str | None:
    """A scalar cell as the name of a label or group: 1.0 is '1', True is 'true', None, NaN and blanks are None.

    Raises:
        TypeError: a list, an object, bytes.
    """
    if is_missing(value):
        return None
    if not isinstance(value, SCALARS):
        raise TypeError(type(value).__name__)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return SURROGATE.sub("\ufffd", str(value)).strip() or None
