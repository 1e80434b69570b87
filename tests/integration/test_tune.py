"""`tune` and `train` from data to folder, on a tiny real model: what is promised to users, checked where they would look."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

import luthier
from luthier.api.settings import Settings, read_config
from luthier.config import build

SEARCH = {"learning_rate": "1e-4..2e-3:log", "frozen_layers": "0,1", "dropout": "0..0.2"}
FIXED = {"epochs": 2, "warmup_steps": 5, "max_length": 24}


def tune(data: object, model: Path, output: Path, **changes: object) -> luthier.Run:
    asked = {"trials": 8, "workers": 1, "threads": 1, "seed": 3, "search": SEARCH, "fixed": FIXED} | changes
    return luthier.tune(data, model=str(model), output=output, **asked)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> luthier.Run:
    return tune(str(small_data), tiny_model, tmp_path_factory.mktemp("runs") / "one")


def test_tune_writes_the_whole_run_folder(run: luthier.Run) -> None:
    names = {path.name for path in run.path.iterdir()}
    assert names == {"run.toml", "journal.jsonl", "results.json", "trials.csv", "curves.csv", "predictions", "model",
                     "report.html"}
    assert (run.path / "model" / "README.md").exists()


def test_results_hold_what_is_documented(run: luthier.Run) -> None:
    results = json.loads((run.path / "results.json").read_text(encoding="utf-8"))
    assert {"task", "metric", "test", "validation", "controls", "best", "trials", "seconds", "model"} <= set(results)
    assert set(results["controls"]) == {"majority", "tfidf", "probe", "default"}
    for figure in (results["test"], results["validation"], *results["controls"].values()):
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert results["trials"] == 8 and results["best"]["recipe"]["learning_rate"] > 0


def test_figures_are_those_of_the_written_predictions(run: luthier.Run) -> None:
    from sklearn.metrics import f1_score

    for split in ("validation", "test"):
        rows = run.predictions(split)
        assert run.metrics[split].value == pytest.approx(f1_score(rows["label"], rows["predicted"], average="macro"))


def test_trials_hold_every_hyperparameter_and_trial_0_is_the_default(run: luthier.Run) -> None:
    trials = run.trials
    assert set(luthier.Recipe().to_table()) <= set(trials.columns)
    assert trials["role"][0] == "default" and trials["steps"][0] == trials["steps"][:8].max()
    assert (trials["role"] == "final").sum() == run.results["finals"]


def test_curves_are_tidy(run: luthier.Run) -> None:
    curves = run.curves
    assert set(curves["split"]) == {"train", "validation"}
    metrics = {split: set(rows["metric"]) for split, rows in curves.groupby("split")}
    both = {"macro_f1", "accuracy", "weighted_f1", "mcc", "f1", "roc_auc", "pr_auc", "loss"}
    assert metrics == {"train": both | {"objective"}, "validation": both | {"largest_share"}}
    assert list(curves.columns) == ["trial", "recipe", "seed", "split", "rows", "step", "epoch", "work", "seconds", "weights",
                                    "metric", "value"]
    assert (curves.groupby(["trial", "split", "rows", "metric"], dropna=False)["step"].diff().dropna() > 0).all()


def test_model_in_plain_pipeline_equals_predict(run: luthier.Run) -> None:
    rows = run.predictions("test")
    texts = [*rows["text"], "word " * 400, "x"]
    classify = run.model.pipeline()
    ours = run.model.predict(texts)
    for text, answer, own in zip(texts, classify(texts, truncation=True), ours, strict=True):
        assert answer["label"] == own["label"], text[:60]
        assert answer["score"] == pytest.approx(own["score"], abs=1e-5)
    np.testing.assert_allclose(rows["score"], [answer["score"] for answer in ours[:len(rows)]], atol=1e-5)


def test_report_and_card_name_the_figure(run: luthier.Run) -> None:
    report = (run.path / "report.html").read_text(encoding="utf-8")
    assert f"{run.metrics['test'].value:.3f}" in report
    assert 'pipeline("text-classification"' in (run.path / "model" / "README.md").read_text(encoding="utf-8")


def test_two_runs_take_the_same_decisions_with_the_same_scores(
        run: luthier.Run, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    again = tune(str(small_data), tiny_model, tmp_path / "two")
    assert run.export("decisions") == again.export("decisions")
    assert run.metrics == again.metrics


def test_another_seed_takes_other_decisions(run: luthier.Run, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    other = tune(str(small_data), tiny_model, tmp_path / "other", seed=4, trials=3)
    kinds = [[json.loads(line) for line in each.export("decisions").splitlines()] for each in (other, run)]
    trials = [[event["recipe"] for event in events if event["event"] == "trial"][1:3] for events in kinds]
    assert trials[0] != trials[1]


@pytest.mark.parametrize("which", ["search", "final"])
def test_training_one_row_of_trials_gives_its_numbers(run: luthier.Run, tmp_path: Path, which: str) -> None:
    trials = run.trials
    searched = trials[(trials["parent"].isna()) & (trials["trial"] > 0)]
    chosen = trials[trials["role"] == "final"] if which == "final" else searched.sort_values("steps")
    number = int(chosen["trial"].iloc[0])
    settings = build(Settings, read_config(run.path / "trials.csv", number) | {"output": str(tmp_path / "again")})
    again = train(settings)
    assert again.trials["score"][0] == trials["score"][number]
    assert again.trials["steps"][0] == trials["steps"][number]


def train(settings: Settings) -> luthier.Run:
    import time

    from luthier.api.observer import LogObserver
    from luthier.api.public import carry_out, plan_run
    from luthier.api.settings import Command

    observer = LogObserver()
    return carry_out(plan_run(Command.TRAIN, settings, settings.given, observer, time.monotonic()), observer)


def test_run_toml_repeats_the_run(run: luthier.Run) -> None:
    tables = tomllib.loads((run.path / "run.toml").read_text(encoding="utf-8"))
    settings = build(Settings, read_config(run.path / "run.toml", None))
    assert settings.trials == 8 and settings.seed == 3 and settings.search == SEARCH
    assert tables["data"]["rows"] == run.results["rows"] and tables["machine"]["precision"] in ("fp32", "bf16")


def test_run_is_a_base_for_another_task(run: luthier.Run, example_rows: list[dict[str, str]], tmp_path: Path) -> None:
    from safetensors import safe_open

    rows = [{"text": row["text"], "label": f"length {len(row['text']) // 60}"} for row in example_rows[:200]]
    rows = [row for row in rows if row["label"] in ("length 0", "length 1", "length 2")]
    second = luthier.train(rows, model=str(run.path), output=tmp_path / "second", epochs=0.1, max_length=16, threads=1,
                           learning_rate=1e-9, head_lr_multiplier=1.0)
    assert str(run.path) in second.results["base"]["origin"]
    assert str(run.path) in (second.path / "report.html").read_text(encoding="utf-8")
    name = "bert.encoder.layer.0.attention.self.query.weight"
    with safe_open(run.folder.model / "model.safetensors", "np") as a, safe_open(
            second.folder.model / "model.safetensors", "np") as b:
        np.testing.assert_allclose(a.get_tensor(name), b.get_tensor(name), atol=1e-6)
        assert a.get_tensor("classifier.weight").shape != b.get_tensor("classifier.weight").shape


def test_train_takes_frames_data_sets_and_lists(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    import datasets
    import pandas

    with small_data.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    kinds = {"list": rows, "frame": pandas.DataFrame(rows), "set": datasets.Dataset.from_list(rows)}
    runs = {name: luthier.train(data, model=str(tiny_model), output=tmp_path / name, epochs=0.2, max_length=16, threads=1, seed=1)
            for name, data in kinds.items()}
    assert len({run.metrics["test"].value for run in runs.values()}) == 1
    assert len({run.results["data_hash"] for run in runs.values()}) == 1


def test_decoder_is_trained_as_a_classifier(shared: Path, small_data: Path, tmp_path: Path) -> None:
    run = luthier.train(str(small_data), model=str(shared / "models/stories260k"), output=tmp_path / "run", epochs=3,
                        learning_rate=1e-3)
    rows = run.predictions("test")
    answers = run.model.pipeline()(list(rows["text"]), truncation=True)
    assert [answer["label"] for answer in answers] == list(rows["predicted"])
    np.testing.assert_allclose([answer["score"] for answer in answers], rows["score"], atol=1e-5)


def test_trials_that_fail_do_not_end_the_study(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    run = tune(str(small_data), tiny_model, tmp_path / "run", trials=4, fixed={"epochs": 2},
               search={"max_length": "32,5", "batch_size": "8,16"})
    assert (run.trials["state"] != "failed").all()


def test_budget_too_small_says_the_least_that_works(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    with pytest.raises(luthier.ConfigError, match=r"the least that works here is \d+s"):
        tune(str(small_data), tiny_model, tmp_path / "run", trials=None, budget="3s")
    assert not (tmp_path / "run").exists()
