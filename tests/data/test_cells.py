"""Cells as files can hold them."""

from __future__ import annotations

import json

from luthier.data.cells import storable


def test_what_no_file_can_hold_is_replaced() -> None:
    given = {"a": float("nan"), "b": [float("inf"), "x \ud800"], "\udc00": 1, "c": (2.5, True, None)}
    kept = storable(given)
    assert kept == {"a": None, "b": [None, "x \ufffd"], "\ufffd": 1, "c": [2.5, True, None]}
    assert json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
