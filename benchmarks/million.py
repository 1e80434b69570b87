"""A million rows of some 30 tokens: seconds and resident memory of each stage, from the file to 200 steps of training.

Makes a CSV file of texts and labels by joining pieces of vader_3class's rows (one row in ten repeats another, half of these in
capitals), then does what `luthier train` does: reads, checks and parts the rows, tokenises them, measures the machine, fits the
controls, writes the tokens, and trains 200 steps in one worker process. The goal: coordinator and worker together stay
under 4 GiB resident.

    python benchmarks/million.py                    # 1,000,000 rows
    python benchmarks/million.py --rows 100000

Stages that are part of another are indented below it. `peak` is the most that the coordinator held until then.
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib
import json
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
SEED, STEPS, WORDS, REPEATED, REMEMBERED = 0, 200, 24, 10, 10_000
RUNG_ROWS = 2000
LIMIT = 4 * 2**30


def write_rows(path: Path, rows: int) -> None:
    """Write the file: each text is the words of a few rows, one after another, the first of which gives the label."""
    import numpy as np

    random = np.random.default_rng(SEED)
    with (SHARED / "data" / "vader_3class" / "train.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    pieces = [(row["text"].split()[:WORDS // 2], row["label"]) for row in found]
    recent: list[tuple[str, str]] = []
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "label"))
        for number in range(rows):
            if recent and number % REPEATED == 0:
                text, label = recent[int(random.integers(len(recent)))]
                writer.writerow((text.upper() if number % (2 * REPEATED) else text, label))
                continue
            words, label = pieces[int(random.integers(len(pieces)))]
            words, wanted = list(words), int(random.integers(WORDS - 8, WORDS + 8))
            while len(words) < wanted:
                words += pieces[int(random.integers(len(pieces)))][0]
            row = " ".join(words[:wanted]), label
            if len(recent) < REMEMBERED:
                recent.append(row)
            else:
                recent[int(random.integers(REMEMBERED))] = row
            writer.writerow(row)


def peak_of(process: int | str = "self") -> int:
    """The most bytes that a process has held so far."""
    match = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="ascii"), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


class Watch:
    """Prints the seconds and the peak of each stage as it ends, and keeps them."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[str, float]] = {}
        self.peak = 0
        self._depth = 0

    def over(self, name: str, stage: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Run a stage. One of them resets what the system says of the peak, so it is read before each as well."""
        self._depth += 1
        self.peak = max(self.peak, peak_of())
        started = time.perf_counter()
        try:
            return stage(*given, **named)
        finally:
            self._depth -= 1
            own = self.stages.setdefault(name, {"seconds": 0.0, "peak": 0.0})
            own["seconds"] += time.perf_counter() - started
            own["peak"] = self.peak = max(self.peak, peak_of())
            print(f"{'  ' * self._depth + name:<34}{own['seconds']:>9.1f} s{own['peak'] / 2**20:>9.0f} MiB", flush=True)

    def within(self, module: ModuleType, *names: str) -> None:
        """Watch functions that a module calls, under their names."""
        for name in names:
            setattr(module, name, functools.partial(self.over, name, getattr(module, name)))


def train_steps(ready: Any, folder: Any) -> dict[str, float]:
    """Write the tokens and train in a worker; its peak, and the rows a second."""
    from luthier.api.session import make_setup
    from luthier.engines.local import LocalEngine, Workforce
    from luthier.recipes.seeds import Seeds
    from luthier.recipes.trial import Finished, Lost, Stage, Trial

    setup = make_setup(ready, folder)
    engine = LocalEngine(setup, Workforce(1, 1))
    try:
        engine.submit(Stage(Trial(0, ready.prepared.default, SEED, "default", Seeds.all(SEED)), 0, STEPS, STEPS))
        while True:
            for event in engine.events(timeout=1.0):
                if isinstance(event, Lost) or (isinstance(event, Finished) and event.result.failure):
                    sys.exit(f"The trial failed: {event.reason if isinstance(event, Lost) else event.result.failure}")
                if isinstance(event, Finished):
                    worker = max(peak_of(child.pid or "self") for child in multiprocessing.active_children())
                    return {"worker_peak": worker, "steps": event.result.step,
                            "rows_per_second": event.result.costs.rows_per_second}
    finally:
        engine.close()


def measure(rows: int, folder: Path) -> dict[str, Any]:
    """All stages on so many rows."""
    watch = Watch()
    watch.over("write the file", write_rows, folder / "rows.csv", rows)

    from luthier.api import measure as measure_module
    from luthier.api import prepare, ready, session
    from luthier.api.folder import RunFolder
    from luthier.api.observer import LogObserver
    from luthier.api.settings import Given, Settings
    from luthier.data import check, sources

    load = importlib.import_module("luthier.data.load")  # the package has a function of this name

    watch.within(sources, "find_with")
    watch.within(load, "read_rows", "cut", "content_hash")
    watch.within(check, "check_given", "near_duplicates", "check_parts")
    watch.within(prepare, "encode", "token_findings")
    watch.within(ready, "prepare", "measure", "fit_controls")
    watch.within(measure_module, "reset_peak")
    watch.within(session, "make_setup")
    settings = Settings(model=("minilm",), workers=1, threads=1, rung_rows=RUNG_ROWS)
    asked = watch.over("check", prepare.check, settings, Given(folder / "rows.csv"))
    got = watch.over("get ready", ready.get_ready, ready.Command.TRAIN, asked, LogObserver(), time.monotonic())
    run = RunFolder(folder / "run")
    with run.held():
        trained = watch.over(f"train {STEPS} steps", train_steps, got, run)
    tokens = got.prepared.splits["train"]
    return {"rows": rows, "tokens_a_row": float(tokens.lengths.mean()), "stages": watch.stages, **trained,
            "coordinator_peak": watch.peak, "together": watch.peak + trained["worker_peak"], "limit": LIMIT}


def main() -> None:
    """Measure, and print a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(asked.rows, Path(folder))
    print(f"coordinator {found['coordinator_peak'] / 2**20:.0f} MiB, worker {found['worker_peak'] / 2**20:.0f} MiB, together "
          f"{found['together'] / 2**30:.2f} of {LIMIT / 2**30:.0f} GiB; {found['tokens_a_row']:.1f} tokens a row")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
