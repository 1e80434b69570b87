"""How much sooner Luthier is as good as the peer's search: `luthier tune` against the Hugging Face Trainer's, 20 trials.

For each data set, each seed draws the training rows; validation and test rows are all of them. The peer's script (transformers'
`hyperparameter_search` with Optuna and its stock space) makes 20 trials and refits the best, once stock (fp32) and once set well
(bf16, batches of like length); `peers.py` keeps its answers. Then Luthier climbs a ladder of budgets, 30 s and 1.25 times more
at each rung, each a whole `luthier tune` of the same rows. Both clocks are those of the whole process, from its start to its exit:
imports, measuring, controls, search, finals, test. Both have all cores.

A rung matches a peer where the macro-F1 of Luthier's model minus that of the peer's, on the test rows and in the mean over the
seeds, is not below 0. The ratio is the median of the peer's seconds over the median of Luthier's at the least rung that
matches; null where no rung does. The ladder ends at the rung by which all peers are matched, or at the time of the slowest
peer that is not. A rung that Luthier refuses with any seed, because the budget is too short for the rows, does not match.

What this does not say:
- The rung is known only afterwards. No user knows beforehand which budget is enough; Luthier does not stop by itself there.
- The least of several rungs that is not lower may be so by luck. Beside each difference stands its 95 % interval by the paired
  bootstrap over test rows (all seeds on the same draws); where it holds 0 the difference could be noise, to either side. It
  says nothing of the noise between seeds, of which there are three.
- Twenty trials are what the peer was asked for; it may have been as good after fewer.
- Rungs are 1.25 times apart, so a ratio may be too low by as much.
- On a machine with other work Luthier refuses budgets that it takes on a quiet one, and refusals are kept like results.

Every finished part is kept under benchmarks/results/ and not run again: after a change of Luthier delete match-luthier-*.json
there, and the peer's are used again. Weights of Luthier's runs are deleted, the rest of their folders stays. The last line is
JSON, {data set: {vs_stock, vs_well_set, test_luthier, test_stock, test_well_set}}; test_luthier is that of the last rung.

    python benchmarks/time_to_match.py              # three sets, three seeds: most of a day on 2 cores
    python benchmarks/time_to_match.py --quick      # one set of 1,000 rows, one seed
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from quality import HERE, SHARED, Cell, write_rows

from luthier.tasks.bootstrap import Floats, Ints, Statistic, alike, bootstrap_difference
from luthier.tasks.class_metrics import answer_metrics
from luthier.tasks.metrics import Score

SETS = {"vader_3class": 1000, "banking77": 3000, "clinc150": 3000}
QUICK = "vader_3class"
SEEDS = [13, 14, 15]
TRIALS = 20
PEERS: dict[str, list[str]] = {"stock": [], "well_set": ["--well-set"]}
METRIC = "macro_f1"
FIRST_BUDGET, BUDGET_STEP = 30, 1.25
REFUSED = "too short to train the default recipe"
"""What Luthier says, with exit status 2, where a budget is too short for the rows."""
SAME = 1e-6
"""How far the macro-F1 of the answers may be from the one that a side itself says."""


@dataclass(frozen=True)
class Part:
    """One finished process: its wall seconds, and the label that it gave to each test row."""

    seconds: float
    answers: list[str]


@dataclass(frozen=True)
class Rung:
    """Luthier with one budget: the median of its wall seconds, its mean macro-F1, and that minus each peer's.

    Nothing but the budget where Luthier refused it.
    """

    budget: int
    seconds: float | None
    test: float | None
    differences: Mapping[str, Score]


def mean_score(truth: Sequence[str], answers: Sequence[Sequence[str]]) -> float:
    """The mean macro-F1 of several lists of answers to the same rows."""
    true, *parts = _numbered(truth, *answers)
    return float(_pooled(true, parts)(np.ones((1, len(true))))[METRIC][0])


def difference(truth: Sequence[str], ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> Score:
    """The mean macro-F1 of our lists of answers minus that of theirs, paired over the rows."""
    columns = _numbered(truth, *ours, *theirs)
    kinds, counts = alike(*columns)
    true, *parts = (column[kinds] for column in columns)
    return bootstrap_difference(_pooled(true, parts[:len(ours)]), _pooled(true, parts[len(ours):]), counts)[METRIC]


def _numbered(*columns: Sequence[str]) -> list[Ints]:
    number = {label: index for index, label in enumerate(sorted(set(itertools.chain(*columns))))}
    return [np.array([number[label] for label in column], dtype=np.int64) for column in columns]


def _pooled(truth: Ints, answers: Sequence[Ints]) -> Statistic:
    labels = 1 + max(int(column.max()) for column in (truth, *answers))
    parts = [answer_metrics(truth, part, labels) for part in answers]

    def mean(weights: Floats) -> dict[str, Floats]:
        return {METRIC: np.mean([part(weights)[METRIC] for part in parts], axis=0)}

    return mean


def budgets() -> Iterator[int]:
    """The ladder, in seconds."""
    return (round(FIRST_BUDGET * BUDGET_STEP**rung) for rung in itertools.count())


def climb(peers: Mapping[str, float], attempt: Callable[[int], Rung]) -> list[Rung]:
    """The rungs up to the one by which all peers are matched, or to the time of the slowest that is not.

    Args:
        peers: the seconds of each peer.
        attempt: carries out the rung of a budget.
    """
    rungs: list[Rung] = []
    for budget in budgets():
        waiting = [seconds for peer, seconds in peers.items() if matching(rungs, peer) is None]
        if not waiting or budget > max(waiting):
            break
        rungs.append(attempt(budget))
    return rungs


def matching(rungs: Sequence[Rung], peer: str) -> Rung | None:
    """The least rung that is not lower than a peer."""
    return next((rung for rung in rungs if peer in rung.differences and rung.differences[peer].value >= 0), None)


def ratio(seconds: float, rung: Rung | None) -> float | None:
    """A peer's seconds over those of the rung that matches it."""
    return None if rung is None or rung.seconds is None else round(seconds / rung.seconds, 2)


def read_rows(name: str, split: str) -> list[dict[str, Any]]:
    """Rows of a shared data set."""
    with (SHARED / "data" / name / f"{split}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def run_peer(cell: Cell, peer: str, trials: int) -> Part:
    """The peer's search and refit, or what is kept of it."""
    kept = cell.results / f"match-{peer}-{cell.name}-{cell.rows}-{cell.seed}-{trials}.json"
    if not kept.exists():
        saved, answers = kept.with_suffix(".saved"), kept.with_suffix(".answers")
        seconds, done = _timed(
            [HERE / "peers.py", answers, SHARED / "peers" / "hf_optuna.py", SHARED / "data" / cell.name, "--rows", cell.rows,
             "--seed", cell.seed, "--trials", trials, "--save", saved, *PEERS[peer]], kept.with_suffix(".log"))
        if done:
            sys.exit(f"{kept.stem} ended with status {done}; see {kept.with_suffix('.log')}")
        given, result = (json.loads(file.read_text(encoding="utf-8")) for file in (answers, saved))
        labels = sorted({str(row["label"]) for split in ("train", "validation", "test") for row in read_rows(cell.name, split)})
        _keep(kept, cell, seconds, [labels[number] for number in given["answers"]], result["test"]["eval_macro_f1"],
              {"hyperparameters": result["hyperparameters"], "history": result["history"]})
        saved.unlink()
        answers.unlink()
    return _kept(kept)


def run_luthier(cell: Cell) -> Part | None:
    """`luthier tune` of a cell, its seconds as the budget, or what is kept of it; None where the budget was refused."""
    kept = cell.file("match-luthier")
    if not kept.exists():
        output = cell.results / f"run-match-{cell.name}-{cell.rows}-{cell.seed}-{time.strftime('%Y%m%d-%H%M%S')}"
        log = kept.with_suffix(".log")
        seconds, done = _timed(["-m", "luthier", "tune", write_rows(cell), "--budget", f"{cell.seconds}s", "--seed", cell.seed,
                                "--output", output], log)
        if done == 2 and REFUSED in (said := log.read_text(encoding="utf-8")):
            kept.write_text(json.dumps({"refused": said.splitlines()[-1], "seconds": seconds}), encoding="utf-8")
        elif done:
            sys.exit(f"{kept.stem} ended with status {done}; see {log}")
        else:
            results = json.loads((output / "results.json").read_text(encoding="utf-8"))
            _keep(kept, cell, seconds, read_answers(output / "predictions" / "test.csv"), results["test"]["value"],
                  {"trials": results["trials"], "best": results["best"], "controls": results["controls"]})
            shutil.rmtree(output / "model")
    return None if "refused" in json.loads(kept.read_text(encoding="utf-8")) else _kept(kept)


def read_answers(file: Path) -> list[str]:
    """The predicted labels of a run's test rows, in the order of the file that they came from."""
    with file.open(encoding="utf-8", newline="") as lines:
        answers = {int(row["line"]): row["predicted"] for row in csv.DictReader(lines)}
    return [answers[line] for line in sorted(answers)]


def _timed(arguments: Sequence[Any], log: Path) -> tuple[float, int]:
    """Wall seconds and exit status of a Python process that may use all cores; what it says goes to `log`."""
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as stream:
        done = subprocess.run([sys.executable, *map(str, arguments)], check=False, cwd=log.parent, stdout=stream,
                              stderr=subprocess.STDOUT, env=os.environ | {"OMP_NUM_THREADS": str(os.cpu_count() or 1)})
    return round(time.monotonic() - started, 1), done.returncode


def _keep(file: Path, cell: Cell, seconds: float, answers: list[str], said: float, more: dict[str, Any]) -> None:
    """Keep a finished part, if the answers are to the test rows in their order: they must give the score that the side says."""
    truth = [str(row["label"]) for row in read_rows(cell.name, "test")]
    if len(answers) != len(truth) or abs(mean_score(truth, [answers]) - said) > SAME:
        sys.exit(f"{file.stem}: its answers to the test rows do not give the macro-F1 of {said:.6f} that it says.")
    part = file.with_suffix(".partial")
    part.write_text(json.dumps({"seconds": seconds, "test": said, **more, "answers": answers}), encoding="utf-8")
    part.replace(file)


def _kept(file: Path) -> Part:
    found = json.loads(file.read_text(encoding="utf-8"))
    return Part(found["seconds"], found["answers"])


def run_set(name: str, rows: int, seeds: Sequence[int], trials: int, results: Path) -> dict[str, Any]:
    """The peers, then Luthier's ladder, on one data set; prints its part of the table."""
    truth = [str(row["label"]) for row in read_rows(name, "test")]
    peers = {peer: [run_peer(Cell(name, rows, seed, 0, results), peer, trials) for seed in seeds] for peer in PEERS}
    answers = {peer: [part.answers for part in parts] for peer, parts in peers.items()}
    seconds = {peer: statistics.median(part.seconds for part in parts) for peer, parts in peers.items()}
    tests = {peer: mean_score(truth, answers[peer]) for peer in PEERS}
    for peer in PEERS:
        print(f"{name:<14}{peer.replace('_', '-'):<16}{seconds[peer]:>9.0f}{tests[peer]:>8.3f}", flush=True)

    def attempt(budget: int) -> Rung:
        ours: list[Part] = []
        for seed in seeds:
            part = run_luthier(Cell(name, rows, seed, budget, results))
            if part is None:
                print(f"{name:<14}{f'Luthier {budget}s':<16}{'':>17}  refused: too short for these rows", flush=True)
                return Rung(budget, None, None, {})
            ours.append(part)
        given = [part.answers for part in ours]
        rung = Rung(budget, statistics.median(part.seconds for part in ours), mean_score(truth, given),
                    {peer: difference(truth, given, answers[peer]) for peer in PEERS})
        shown = "".join(f"{f'{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]':>26}" for d in rung.differences.values())
        print(f"{name:<14}{f'Luthier {budget}s':<16}{rung.seconds:>9.0f}{rung.test:>8.3f}{shown}", flush=True)
        return rung

    rungs = climb(seconds, attempt)
    for peer in PEERS:
        print(f"{name:<14}{verdict(peer.replace('_', '-'), seconds[peer], matching(rungs, peer), peer)}", flush=True)
    return {**{f"vs_{peer}": ratio(seconds[peer], matching(rungs, peer)) for peer in PEERS},
            "test_luthier": next((rung.test for rung in reversed(rungs) if rung.test is not None), None),
            **{f"test_{peer}": test for peer, test in tests.items()}}


def verdict(title: str, seconds: float, rung: Rung | None, peer: str) -> str:
    """What came of the ladder against one peer, in words."""
    if rung is None:
        return f"does not match {title}: no rung of the ladder is as good"
    found = rung.differences[peer]
    noise = "the difference could be noise" if found.low <= 0 <= found.high else "the difference is more than noise"
    return f"matches {title} with {rung.budget} s, {ratio(seconds, rung)} times as fast; {noise}"


def main() -> None:
    """Run what has not been run, print the table and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK}, {SETS[QUICK]} rows, one seed")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--rows", type=int, help="training rows of every set, instead of its own number")
    parser.add_argument("--trials", type=int, default=TRIALS, help="the peer's")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    asked.results.mkdir(parents=True, exist_ok=True)
    sets, seeds = ([QUICK], SEEDS[:1]) if asked.quick else (asked.sets, asked.seeds)
    print(f"{'data set':<14}{'':<16}{'seconds':>9}{'test':>8}{'minus stock, 95 %':>26}{'minus well-set, 95 %':>26}")
    table = {name: run_set(name, asked.rows or SETS[name], seeds, asked.trials, asked.results.resolve()) for name in sets}
    print(json.dumps(table))


if __name__ == "__main__":
    main()
