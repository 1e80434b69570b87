"""What a user gets for the same time on the same rows: `luthier tune` against Hugging Face Trainer's own search.

For each data set of the shared folder and each seed: the same training rows go to the peer's script (transformers'
`hyperparameter_search` with Optuna and its stock space) and to `luthier tune --budget`; both finish by scoring the same
test rows. The peer's clock stops when no further trial is begun, so it takes longer than its seconds say; both totals
are in the table. Every finished part is kept under benchmarks/results/ and not run again.

    python benchmarks/quality.py                    # three sets, 10 minutes each
    python benchmarks/quality.py --quick            # one small set, 2 minutes
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
SETS = {"vader_3class": 1000, "banking77": 3000, "clinc150": 3000}
QUICK = {"sms_spam": 500}
QUICK_SECONDS = 120


@dataclass(frozen=True)
class Cell:
    """One data set, cut to some training rows by a seed, and the seconds that each side gets."""

    name: str
    rows: int
    seed: int
    seconds: int
    results: Path

    def file(self, side: str) -> Path:
        """Where the result of one side is kept."""
        return self.results / f"{side}-{self.name}-{self.rows}-{self.seed}-{self.seconds}.json"


def write_rows(cell: Cell) -> Path:
    """The rows as a folder for Luthier: the training rows are those that the peer's script picks by the same seed."""
    folder = cell.results / f"data-{cell.name}-{cell.rows}-{cell.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        with (SHARED / "data" / cell.name / f"{split}.jsonl").open(encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        if split == "train":
            rows = [rows[i] for i in np.random.RandomState(cell.seed).permutation(len(rows))[:cell.rows]]
        lines = [json.dumps({"text": row["text"], "label": row["label"]}) for row in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run_peer(cell: Cell) -> dict[str, Any]:
    """The peer's search, or its kept result."""
    file = cell.file("peer")
    if not file.exists():
        subprocess.run(
            [sys.executable, SHARED / "peers" / "hf_optuna.py", SHARED / "data" / cell.name, "--rows", str(cell.rows),
             "--seed", str(cell.seed), "--trials", "1000", "--seconds", str(cell.seconds), "--save", file],
            check=True, cwd=cell.results, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    result = json.loads(file.read_text(encoding="utf-8"))
    return {"test": result["test"]["eval_macro_f1"], "seconds": result["total_seconds"],
            "trials": len(result["history"]), "recipe": result["hyperparameters"]}


def run_luthier(cell: Cell) -> dict[str, Any]:
    """`luthier tune` from process start to finish, or its kept result."""
    file = cell.file("luthier")
    if not file.exists():
        output = cell.results / f"run-{cell.name}-{cell.rows}-{cell.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "luthier", "tune", write_rows(cell), "--budget", f"{cell.seconds}s", "--seed",
             str(cell.seed), "--output", output, "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        file.write_text(json.dumps(json.loads(done.stdout) | {"wall": round(time.monotonic() - started, 1)}), encoding="utf-8")
    result = json.loads(file.read_text(encoding="utf-8"))
    return {"test": result["test"]["value"], "low": result["test"]["low"], "high": result["test"]["high"],
            "seconds": result["wall"], "trials": result["trials"], "controls": {
                name: score["value"] for name, score in result["controls"].items()}, "recipe": result["best"]["recipe"]}


def main() -> None:
    """Run what has not been run, print the table and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small set, 2 minutes")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[13])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    asked.results.mkdir(parents=True, exist_ok=True)
    sets = QUICK if asked.quick else {name: SETS[name] for name in asked.sets}
    seconds = QUICK_SECONDS if asked.quick else asked.seconds
    table: dict[str, Any] = {}
    print(f"{'data set':<14}{'seed':>5}{'Luthier':>9}{'95 % interval':>17}{'peer':>8}{'default':>9}{'probe':>8}{'TF-IDF':>8}"
          f"{'s Luthier':>11}{'s peer':>8}{'trials':>8}")
    for name, rows in sets.items():
        for seed in asked.seeds:
            cell = Cell(name, rows, seed, seconds, asked.results.resolve())
            ours, theirs = run_luthier(cell), run_peer(cell)
            table.setdefault(name, {})[seed] = {"luthier": ours, "peer": theirs}
            controls, interval = ours["controls"], f"[{ours['low']:.3f}, {ours['high']:.3f}]"
            print(f"{name:<14}{seed:>5}{ours['test']:>9.3f}{interval:>17}"
                  f"{theirs['test']:>8.3f}{controls['default']:>9.3f}{controls['probe']:>8.3f}{controls['tfidf']:>8.3f}"
                  f"{ours['seconds']:>11.0f}{theirs['seconds']:>8.0f}{ours['trials']:>5}/{theirs['trials']}", flush=True)
    print(json.dumps(table))


if __name__ == "__main__":
    main()
