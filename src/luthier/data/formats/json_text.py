"""JSON read strictly: a key that stands twice in an object is an error, for one of its values would be lost."""

from __future__ import annotations

import json
from typing import Any

MOST_DIGITS = 400
"""No number that a float can hold has more; Python refuses to read whole numbers of more than 4,300."""


def parse(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        json.JSONDecodeError: it is not JSON.
        ValueError: a repeated key, a number of too many digits.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_object, parse_int=_integer)


def what(error: json.JSONDecodeError) -> str:
    """What is wrong with a JSON text, without where."""
    return error.msg.removesuffix(" starting at")


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits; write it as text, or correct it")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key '{twice}' stands twice in one object; remove one of them")
    return found
