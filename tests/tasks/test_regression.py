"""Regression: what it tells of its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from luthier.tasks.regression import BANDS, Regression

NUMBERS = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-1e6, 1e6, width=32))


@given(NUMBERS)
def test_details_count_every_row_once(numbers: np.ndarray) -> None:
    details = Regression(()).details(numbers[:, :1], numbers[:, 1])
    assert np.sum(details["counts"]) == len(numbers) == sum(band["rows"] for band in details["by_number"])
    assert len(details["edges"]) == BANDS + 1 and np.shape(details["counts"]) == (BANDS, BANDS)
    assert sum(band["error"] * band["rows"] for band in details["by_number"]) == pytest.approx(
        np.abs(numbers[:, 0] - numbers[:, 1]).sum(), rel=1e-6, abs=1e-6)


def test_details_lay_true_numbers_down_and_predicted_ones_across() -> None:
    details = Regression(()).details(np.array([[0.0], [0.0], [12.0]]), np.array([12.0, 12.0, 0.0]))
    assert details["counts"][BANDS - 1][0] == 2 and details["counts"][0][BANDS - 1] == 1
    assert [(band["true"], band["predicted"], band["error"]) for band in details["by_number"]] == [(0, 12, 12), (12, 0, 12)]


def test_details_of_one_value_are_finite() -> None:
    details = Regression(()).details(np.full((3, 1), 2.0), np.full(3, 2.0))
    assert details["by_number"] == [{"low": 2.0, "high": pytest.approx(2 + 1 / BANDS), "rows": 3, "true": 2.0, "predicted": 2.0,
                                     "error": 0.0}]
