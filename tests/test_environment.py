"""Variables are set for a while, and all is as before afterwards, whatever happened meanwhile."""

from __future__ import annotations

import os

import pytest

from luthier.environment import environment


def test_variables_are_set_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTHIER_TEST_A", "before")
    monkeypatch.delenv("LUTHIER_TEST_B", raising=False)
    with pytest.raises(KeyError), environment({"LUTHIER_TEST_A": "1", "LUTHIER_TEST_B": "2"}):
        assert (os.environ["LUTHIER_TEST_A"], os.environ["LUTHIER_TEST_B"]) == ("1", "2")
        raise KeyError
    assert os.environ["LUTHIER_TEST_A"] == "before" and "LUTHIER_TEST_B" not in os.environ


def test_a_variable_that_was_deleted_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTHIER_TEST_A", raising=False)
    with environment({"LUTHIER_TEST_A": "1"}):
        del os.environ["LUTHIER_TEST_A"]
    assert "LUTHIER_TEST_A" not in os.environ
