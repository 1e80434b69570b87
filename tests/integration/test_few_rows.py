"""Where rows are few: figures of rows held out in turn, and a final fit on training and validation rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import luthier
from luthier.errors import ConfigError

SEARCH = {"learning_rate": "1e-4..2e-3:log"}
FIXED = {"epochs": 2, "warmup_steps": 5, "max_length": 24}


@pytest.fixture(scope="module")
def run(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> luthier.Run:
    """A search whose figure is of all training rows, held out in turn."""
    return luthier.tune(str(small_data), model=str(tiny_model), test="cv", trials=3, search=SEARCH, fixed=FIXED, seed=1,
                        output=tmp_path_factory.mktemp("runs") / "cv")


def test_every_training_row_is_answered_once_by_a_model_that_has_not_seen_it(run: luthier.Run, small_data: Path) -> None:
    rows = run.predictions("test")
    sizes = run.results["rows"]
    assert sizes["test"] == sizes["train"] == len(rows) == len(set(rows["line"]))
    assert sizes["train"] + sizes["validation"] == 240, "no row was kept for a test alone"
    fresh = run.trials[run.trials["role"] == "fresh"]
    assert set(fresh["fold"]) == {1, 2, 3, 4, 5} and len(fresh) % 5 == 0
    assert not set(rows["line"]) & set(run.predictions("validation")["line"])


def test_the_figure_is_corrected_for_the_choice_and_controls_are_held_out_too(run: luthier.Run) -> None:
    from sklearn.metrics import f1_score

    rows = run.predictions("test")
    plain = f1_score(rows["label"], rows["predicted"], average="macro")
    assert run.metrics["test"].low < plain < run.metrics["test"].high
    assert run.metrics["test"].value != pytest.approx(plain, abs=1e-6), "the plain figure would be that of the rows that chose"
    assert {"majority", "tfidf", "probe", "default"} <= set(run.controls)
    assert run.results["opening"] is None, "no test rows were opened"


def test_the_page_says_that_there_were_no_test_rows(run: luthier.Run) -> None:
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "There were no test rows" in page and "held out in turn" in page and "BBC-CV" in page


def test_few_rows_are_all_trained_on_in_the_end(run: luthier.Run) -> None:
    """The delivered weights are those of the refit, not of the final that was chosen."""
    trials = run.trials
    (refit,) = trials[trials["role"] == "refit"].to_dict("records")
    assert refit["parent"] == run.best and refit["fold"] == -1 and np.isnan(refit["score"])
    assert run.results["refit"]
    assert "training and validation rows together: 240 in all" in (run.path / "report.html").read_text(encoding="utf-8")


def test_no_refit_delivers_the_final_itself(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    run = luthier.tune(str(small_data), model=str(tiny_model), trials=2, search=SEARCH, fixed=FIXED, seed=1, refit=False,
                       output=tmp_path / "run")
    assert "refit" not in set(run.trials["role"]) and not run.results["refit"]
    assert run.results["opening"]["count"] >= 1


def test_rows_cannot_be_held_out_in_turn_beside_test_rows_nor_in_one_training(
        tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / f"{name}.csv").write_bytes(small_data.read_bytes())
    with pytest.raises(luthier.DataError, match="there are test rows"):
        luthier.tune(str(folder), model=str(tiny_model), test="cv", trials=2)
    with pytest.raises(ConfigError, match="--test cv is for luthier tune"):
        luthier.train(str(small_data), model=str(tiny_model), test="cv")
