"""Every task on real data: `luthier tune` with one budget on twelve public sets, against every control that fits the task.

The training rows are those of each set, or as many of them as SETS says, drawn by the seed; validation and test rows are
all of them. Every finished set is kept under benchmarks/results/ and not run again.

    python benchmarks/tasks.py                      # twelve sets, 5 minutes each
    python benchmarks/tasks.py --quick              # one small set, 2 minutes
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
SETS: dict[str, int | None] = {
    "vader_3class": None, "vader_regression": None, "nlupp": None, "goemotions": 4000, "wnut17": None, "bc5cdr": 2000,
    "wikigold": None, "crossner_politics": None, "restaurants8k_slots": None, "stsb_en": None, "sms_spam": None, "clinc150": 3000}
QUICK, QUICK_SECONDS = "crossner_politics", 120


def run(name: str, rows: int | None, seconds: int, seed: int, results: Path) -> dict[str, Any] | None:
    """results.json of one set, with the wall-clock time of the whole command; from its kept file where there is one; None where it fails."""
    file = results / f"tasks-{name}-{rows or 'all'}-{seconds}-{seed}.json"
    if not file.exists():
        output = results / f"run-{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        command = [sys.executable, "-m", "luthier", "tune", str(SHARED / "data" / name), "--budget", f"{seconds}s", "--seed",
                   str(seed), "--output", str(output), "--json"]
        if rows is not None:
            command += ["--max-train-rows", str(rows)]
        started = time.monotonic()
        with output.with_suffix(".log").open("w", encoding="utf-8") as log:
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=log)
        if done.returncode:
            print(f"{name}: ended with status {done.returncode}; see {output.with_suffix('.log')}", file=sys.stderr, flush=True)
            return None
        file.write_text(json.dumps(json.loads(done.stdout) | {"wall": round(time.monotonic() - started, 1)}), encoding="utf-8")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Run what has not been run, print the table and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK}, {QUICK_SECONDS} seconds")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    asked.results.mkdir(parents=True, exist_ok=True)
    table, beaten = {}, 0
    print(f"{'data set':<21}{'task':<16}{'rows':>6}  {'metric':<15}{'test':>6}{'95 % interval':>17}  {'controls':<56}"
          f"{'trials':>6}{'s':>5}  beats all")
    for name in [QUICK] if asked.quick else asked.sets:
        found = run(name, SETS[name], QUICK_SECONDS if asked.quick else asked.seconds, asked.seed, asked.results.resolve())
        if found is None:
            continue
        test, rivals = found["test"], {control: score["value"] for control, score in found["controls"].items()
                                       if control != "default"}
        best = all(test["value"] > value for value in rivals.values())
        beaten += best
        table[name] = {"task": found["task"], "metric": found["metric"], "test": test, "controls": found["controls"],
                       "trials": found["trials"], "seconds": found["wall"], "beats_all": best}
        interval = f"[{test['low']:.3f}, {test['high']:.3f}]"
        shown = ", ".join(f"{control} {score['value']:.3f}" for control, score in found["controls"].items())
        print(f"{name:<21}{found['task']:<16}{found['rows']['train']:>6}  {found['metric']:<15}{test['value']:>6.3f}"
              f"{interval:>17}  {shown:<56}{found['trials']:>6}{found['wall']:>5.0f}  {'yes' if best else 'no'}", flush=True)
    print(f"{beaten} of {len(table)} beat every control.")
    print(json.dumps(table))


if __name__ == "__main__":
    main()
