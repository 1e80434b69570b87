"""Studies on purpose: a grid on several seeds, several models, test rows recorded; by way of the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import luthier

QUICK = ["--set", "max_length=24", "--set", "warmup_steps=1", "--threads", "1", "--quiet"]


def tune(data: Path, model: Path, output: Path, *words: str, epochs: float = 0.3) -> luthier.Run:
    done = subprocess.run(
        [sys.executable, "-m", "luthier", "tune", str(data), "--model", str(model), "--output", str(output), "--set",
         f"epochs={epochs}", *QUICK, *words],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return luthier.open_run(output)


def test_grid_of_twelve_cells_on_three_seeds_is_36_trials(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    run = tune(small_data, tiny_model, tmp_path / "run", "--sampler", "grid", "--scheduler", "none", "--repeats", "3",
               "--search", "frozen_layers=0,1,all", "--search", "learning_rate=grid(1e-4..1e-3,4):log", "--record-test")
    trials = run.trials[run.trials["parent"].isna()]
    assert len(trials) == 36 and set(trials["state"]) == {"complete"}
    assert set(trials.groupby(["frozen_layers", "learning_rate"]).size()) == {3} and set(trials["seed"]) == {0, 1, 2}
    assert set(trials["trial"]) <= set(run.curves["trial"])
    assert trials["test_score"].notna().all() and set(run.curves["split"]) == {"train", "validation", "test"}
    assert "Selection is no longer blind" in run.report().read_text(encoding="utf-8")
    finals = run.trials[run.trials["role"] == "final"]
    assert set(finals["seed"]) == {0}, "finals go on from the seed fixed beforehand"
    assert run.importance().columns.tolist()[0] == "name" and set(run.verdicts["trial"]) == set(run.trials["trial"])


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.parametrize("scheduler", ["asha", "median", "none", "top-k"])
@pytest.mark.parametrize("repeats", [1, 2])
def test_every_sampler_works_with_every_scheduler_and_repeats(
        tiny_model: Path, small_data: Path, tmp_path: Path, sampler: str, scheduler: str, repeats: int) -> None:
    run = tune(small_data, tiny_model, tmp_path / "run", "--sampler", sampler, "--scheduler", scheduler, "--repeats",
               str(repeats), "--trials", "6", "--search", "learning_rate=1e-4..1e-2:log", "--search", "l1=off|1e-3..1:log",
               "--search", "method=full,bitfit", epochs=9)
    trials = run.trials[run.trials["parent"].isna()]
    assert len(trials) == 6 * repeats and trials["recipe"].nunique() == 6
    assert set(trials["seed"]) == set(range(repeats)) and trials["role"][0] == "default"
    assert scheduler != "none" or set(trials["state"]) == {"complete"}


def test_models_named_twice_become_a_dimension(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    """The second has one block less, and another vocabulary would do as well: each keeps its own tokens."""
    from transformers import AutoModel, AutoTokenizer

    shallow = tmp_path / "shallow"
    AutoModel.from_pretrained(tiny_model, num_hidden_layers=1).save_pretrained(shallow)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(shallow)
    run = tune(small_data, tiny_model, tmp_path / "run", "--model", str(shallow), "--sampler", "grid",
               "--search", "frozen_layers=0,all")
    trials = run.trials[run.trials["parent"].isna()]
    assert set(trials["model"]) == {tiny_model.name, "shallow"} and len(trials) == 4
    by_model = trials[trials["frozen_layers"] == "0"].set_index("model")["trainable_parameters"]
    assert by_model["shallow"] < by_model[tiny_model.name]
    assert run.recipe.model in set(trials["model"]) and run.model.predict(["It broke."])
    again = luthier.train(str(small_data), run.recipe.replace(epochs=0.1), model=shallow, threads=1, output=tmp_path / "again")
    assert again.model.predict(["It broke."])
