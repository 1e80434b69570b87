"""Strict JSON."""

from __future__ import annotations

import pytest

from luthier.data.formats.json_text import parse


def test_parse_refuses_a_key_that_stands_twice() -> None:
    with pytest.raises(ValueError, match="the key 'a' stands twice"):
        parse('{"x": [{"a": 1, "a": 1}]}')


def test_parse_refuses_numbers_of_absurd_length() -> None:
    with pytest.raises(ValueError, match="a number of 5,000 digits"):
        parse("1" * 5000)
    assert parse(f'[{"1" * 30}, -7, "{"1" * 5000}"]')[:2] == [int("1" * 30), -7]
