"""What a user gets for the same time on the same rows: `luthier tune` against what else could be done with it.

Six public sets of one label a row, two of them cut to less than 300 training rows, three draws of the training rows each. On every
draw the same wall-clock time goes to

- Luthier, as it is;
- Luthier's random search (`--sampler random --scheduler none`), all else equal;
- the peer's script: transformers' `hyperparameter_search` with Optuna and its stock space. Its clock stops when no further trial
  is begun, so it takes longer than its seconds say.

Luthier's default recipe, which costs a part of that time, stands beside them as Luthier scores it. All are scored by macro-F1 on
the same 2,000 test rows, with 1,000 validation rows (always the same, or all where there are fewer): who has 1,000 rows to train
on has no more, and on a slow machine scoring more leaves two minutes too little. Sides are ranked on each draw, and the mean ranks
are printed; "worse than the default" counts the draws on which the paired 95 % interval of Luthier's choice minus its default
recipe lies below 0. Both clocks are those of the whole process. Every finished part is kept under benchmarks/results/ and not run
again.

    python benchmarks/quality.py                    # six sets, three draws, 2 minutes a cell: two hours and a half
    python benchmarks/quality.py --quick            # one small set, one draw
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
SETS = {"vader_3class": 1000, "banking77": 1000, "clinc150": 1000, "goemotions": 1000, "snips_intents": 200, "sms_spam": 200}
QUICK = "sms_spam"
SEEDS = [13, 14, 15]
MOST = {"validation": 1000, "test": 2000}
RANDOM = ("--sampler", "random", "--scheduler", "none")


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
    """The rows as a folder for all sides: the training rows are those that the peer's script picks by the same seed.

    Of sets with several labels a row, the rows with one; and no row of a label that no training row was drawn of.
    """
    known: set[str] = set()
    folder = cell.results / f"data-{cell.name}-{cell.rows}-{cell.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        with (SHARED / "data" / cell.name / f"{split}.jsonl").open(encoding="utf-8") as stream:
            rows = [json.loads(line) for line in stream]
        if isinstance(rows[0]["label"], list):
            rows = [{"text": row["text"], "label": row["label"][0]} for row in rows if len(row["label"]) == 1]
        if split == "train":
            rows = [rows[i] for i in np.random.RandomState(cell.seed).permutation(len(rows))[:cell.rows]]
            known = {str(row["label"]) for row in rows}
        rows = [row for row in rows if str(row["label"]) in known]
        if len(rows) > MOST.get(split, len(rows)):
            rows = [rows[i] for i in sorted(np.random.RandomState(0).permutation(len(rows))[:MOST[split]])]
        lines = [json.dumps({"text": row["text"], "label": row["label"]}) for row in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run_peer(cell: Cell) -> dict[str, Any]:
    """The peer's search, or its kept result."""
    file = cell.file("peer")
    if not file.exists():
        subprocess.run(
            [sys.executable, SHARED / "peers" / "hf_optuna.py", write_rows(cell), "--rows", str(cell.rows),
             "--seed", str(cell.seed), "--trials", "1000", "--seconds", str(cell.seconds), "--save", file],
            check=True, cwd=cell.results, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    result = json.loads(file.read_text(encoding="utf-8"))
    return {"test": result["test"]["eval_macro_f1"], "seconds": result["total_seconds"], "trials": len(result["history"])}


def run_luthier(cell: Cell, side: str = "luthier", options: tuple[str, ...] = ()) -> dict[str, Any]:
    """`luthier tune` from process start to finish, or its kept result."""
    file = cell.file(side)
    if not file.exists():
        output = cell.results / f"run-{side}-{cell.name}-{cell.rows}-{cell.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "luthier", "tune", write_rows(cell), "--budget", f"{cell.seconds}s", "--seed",
             str(cell.seed), "--output", output, "--json", *options], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{side} on {cell.name}, draw {cell.seed}: {done.stderr.splitlines()[-1]}")
        file.write_text(json.dumps(json.loads(done.stdout) | {"wall": round(time.monotonic() - started, 1)}), encoding="utf-8")
    result = json.loads(file.read_text(encoding="utf-8"))
    return {"test": result["test"]["value"], "seconds": result["wall"], "trials": result["trials"], "gain": result["gain"],
            "default": result["controls"]["default"]["value"], "recipe": result.get("fresh")}


SIDES: dict[str, Callable[[Cell], dict[str, Any]]] = {
    "luthier": run_luthier, "random": lambda cell: run_luthier(cell, "random", RANDOM), "peer": run_peer}


def ranks(tests: dict[str, float]) -> dict[str, float]:
    """The rank of each side, 1 the best; equal figures share the mean of their ranks."""
    return {side: 1 + sum(other > test for other in tests.values()) + (sum(other == test for other in tests.values()) - 1) / 2
            for side, test in tests.items()}


def main() -> None:
    """Run what has not been run, print the table and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK}, one draw")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    asked.results.mkdir(parents=True, exist_ok=True)
    sets, seeds = ([QUICK], SEEDS[:1]) if asked.quick else (asked.sets, asked.seeds)
    table: dict[str, Any] = {}
    places: list[dict[str, float]] = []
    worse = 0
    print(f"{'data set':<16}{'rows':>6}{'draw':>6}{'Luthier':>10}{'default':>9}{'random':>9}{'peer':>8}"
          f"{'Luthier minus default, 95 %':>30}{'seconds':>16}{'trials':>12}")
    for name in sets:
        for seed in seeds:
            cell = Cell(name, SETS[name], seed, asked.seconds, asked.results.resolve())
            found = {side: run(cell) for side, run in SIDES.items()}
            tests = {side: part["test"] for side, part in found.items()} | {"default": found["luthier"]["default"]}
            places.append(ranks(tests))
            gain = found["luthier"]["gain"]
            worse += bool(gain and gain["high"] < 0)
            said = f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" if gain else "the default"
            seconds = "/".join(format(part["seconds"], ".0f") for part in found.values())
            print(f"{name:<16}{SETS[name]:>6}{seed:>6}{tests['luthier']:>10.3f}{tests['default']:>9.3f}{tests['random']:>9.3f}"
                  f"{tests['peer']:>8.3f}{said:>30}{seconds:>16}"
                  f"{'/'.join(str(part['trials']) for part in found.values()):>12}", flush=True)
            table.setdefault(name, {})[seed] = {**found, "ranks": places[-1]}
    mean = {side: round(statistics.fmean(place[side] for place in places), 2) for side in places[0]}
    print("Mean rank: " + ", ".join(f"{side} {rank:.2f}" for side, rank in sorted(mean.items(), key=lambda pair: pair[1]))
          + f"; worse than the default beyond noise on {worse} of {len(places)} draws.")
    print(json.dumps({"sets": table, "mean_rank": mean, "worse_than_default": worse}))


if __name__ == "__main__":
    main()
