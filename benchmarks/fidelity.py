"""Does the fast way of training lose quality? The same recipes, rows and seeds, trained fast and plainly.

Fast is what a search does on this machine: packed rows, bf16 where it is faster, embeddings of the training rows only, cheap
masks. Plain is none of it: padded rows, fp32, the whole model, torch's own dropout. Both models are scored on the test rows in
fp32. Seeds are paired, and the interval of the mean difference is Student's. Every run is kept and not run again.

    python benchmarks/fidelity.py            # three sets, five seeds
    python benchmarks/fidelity.py --quick    # one set, two seeds
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
SETS = {"vader_3class": 600, "crossner_politics": 200, "stsb_en": 600}
"""Training rows of each."""
WAYS = ("fast", "plain")
EPOCHS, MOST_TEST_ROWS = 4, 2000


def run(name: str, seed: int, way: str) -> dict[str, float]:
    """Train the default recipe on one set by one seed; the headline metric on test rows, and the seconds of training."""
    import numpy as np
    import torch
    from torch import nn

    from luthier.api.measure import fresh_model
    from luthier.api.prepare import check, prepare
    from luthier.api.ready import find_precision
    from luthier.api.settings import Settings
    from luthier.data.sequences import sequences
    from luthier.data.tokens import used_ids
    from luthier.engines.memory import keep_memory
    from luthier.models.classifier import load_classifier
    from luthier.models.layers import Dropout
    from luthier.recipes.seeds import Seeds
    from luthier.sharing.work import cut_of
    from luthier.training.learner import Learner
    from luthier.training.loop import predict_scores, train
    from luthier.training.precision import Precision

    torch.set_num_threads(1)
    keep_memory()
    settings = Settings(data=str(SHARED / "data" / name), max_train_rows=SETS[name], seed=seed,
                        fixed={"epochs": str(EPOCHS), "head_init": "random"})
    prepared = prepare(check(settings, settings.given))
    recipe, task, pad = prepared.default, prepared.asked.task, prepared.start.pad_token_id

    def start() -> nn.Module:
        return load_classifier(prepared.start.pretrained.path, task, recipe, seed=seed, pad_token_id=pad)

    if way == "fast":
        learner = Learner(fresh_model(prepared, recipe, "cpu"), recipe, Seeds.all(seed), find_precision(settings.precision, "cpu"),
                          used_ids(prepared.splits["train"], pad))
    else:
        learner = Learner(start(), recipe, Seeds.all(seed), Precision.FP32)
        for module in list(learner.model.modules()):
            for part, child in module.named_children():
                if isinstance(child, Dropout):
                    setattr(module, part, nn.Dropout(child.p))
    read = sequences(prepared.splits["train"], cut_of(recipe))
    steps = recipe.total_steps(len(read))
    began = time.perf_counter()
    for _ in train(learner, task, read, steps, steps, pad):
        pass
    seconds = time.perf_counter() - began
    model = learner.finish(start())
    found = {}
    for split in ("validation", "test"):
        tokens = prepared.splits[split]
        rows = np.sort(np.random.default_rng(0).permutation(len(tokens))[:MOST_TEST_ROWS])
        found[split] = predict_scores(model, task, tokens, rows, cut_of(recipe), pad), task.truth(tokens, rows)
    tuned = task.tuned(*found["validation"])
    return {"value": float(tuned.metrics(*found["test"])[task.metric]), "seconds": seconds, "steps": steps}


def main() -> None:
    """Run what has not been run, print the table and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one set, two seeds")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        name, seed, way = asked.child
        print(json.dumps(run(name, int(seed), way)))
        return
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    asked.results.mkdir(parents=True, exist_ok=True)
    names, seeds = (["vader_3class"], range(2)) if asked.quick else (list(SETS), range(asked.seeds))
    cells = [(name, seed, way) for name in names for seed in seeds for way in WAYS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each run has one thread of its own
        found = dict(zip(cells, pool.map(lambda cell: kept(*cell, asked.results), cells), strict=True))
    print(json.dumps(summary(found, names, list(seeds))))


def kept(name: str, seed: int, way: str, results: Path) -> dict[str, float]:
    """One run in a process of its own, or what was kept of it."""
    file = results / f"fidelity-{name}-{SETS[name]}-{seed}-{way}.json"
    if not file.exists():
        done = subprocess.run([sys.executable, __file__, "--child", name, str(seed), way], check=True, text=True,
                              stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"})
        file.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
        print(f"{name}, seed {seed}, {way}: {file.read_text(encoding='utf-8')}", file=sys.stderr, flush=True)
    result: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return result


def summary(found: dict[tuple[str, int, str], dict[str, float]], names: list[str], seeds: list[int]) -> dict[str, Any]:
    """Print the means as a table; differences and their intervals by data set."""
    import numpy as np
    from scipy.stats import t

    table: dict[str, Any] = {}
    print(f"{'data set':<20}{'fast':>8}{'plain':>8}{'difference':>12}   95 % interval      {'seconds':>8}{'plain':>8}")
    for name in names:
        fast, plain = (np.array([found[name, seed, way]["value"] for seed in seeds]) for way in WAYS)
        apart = fast - plain
        reach = float(t.ppf(0.975, len(seeds) - 1) * apart.std(ddof=1) / len(seeds)**0.5)
        mean, took = float(apart.mean()), [float(np.median([found[name, seed, way]["seconds"] for seed in seeds])) for way in WAYS]
        table[name] = {"fast": float(fast.mean()), "plain": float(plain.mean()), "difference": mean,
                       "low": mean - reach, "high": mean + reach, "seeds": len(seeds)}
        print(f"{name:<20}{fast.mean():>8.3f}{plain.mean():>8.3f}{mean:>+12.4f}   [{mean - reach:+.4f}, {mean + reach:+.4f}]"
              f"{took[0]:>10.1f}{took[1]:>8.1f}")
    return table


if __name__ == "__main__":
    main()
