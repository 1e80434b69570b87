"""Controls look at no more rows at once than a regression needs, however many there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from luthier.api import baselines
from luthier.api.baselines import control_scores, fit_controls
from luthier.api.measure import Frozen, Measured, fresh_model
from luthier.api.prepare import check, prepare
from luthier.api.settings import Given, Settings
from luthier.data.row import Split
from luthier.search.budget import Speed
from luthier.training.precision import Precision

FEW = 25


def test_controls_of_many_rows_are_fitted_and_scored_in_parts(tiny_model: Path, small_data: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(check(Settings(model=(str(tiny_model),)), Given(str(small_data))))
    frozen = Frozen(prepared, fresh_model(prepared, prepared.default, "cpu"))
    few = np.arange(min(FEW, len(prepared.splits["validation"]) - 1))
    features = {"train": frozen.look("train"), "validation": frozen.look("validation", few)}
    measured = Measured(frozen, features, Speed(1.0, 1.0, 1.0), Precision.FP32, (), 1)
    whole = control_scores(prepared, measured, fit_controls(prepared, measured), Split.TEST)

    monkeypatch.setattr(baselines, "MOST_ROWS", 7)
    fitted = fit_controls(prepared, measured)
    assert [control.rows.tolist() for control in fitted] == [few.tolist()] * 3
    assert all(len(control.scores) == len(few) for control in fitted)
    parts = control_scores(prepared, measured, fitted, Split.TEST)
    for name, scores in whole.items():
        assert len(scores) == len(prepared.splits["test"])
        np.testing.assert_allclose(parts[name], scores, atol=1e-4, err_msg=name)

    monkeypatch.setattr(baselines, "MOST_COUNTED", FEW)
    assert fit_controls(prepared, measured)[1].title.endswith(f"on {FEW} training rows")
