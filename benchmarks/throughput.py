"""Training throughput against the Hugging Face Trainer: as it comes (fp32), and set well (bf16, batches of like length).

The same model, rows, batch size and frozen layers on each side. Luthier runs as in a search on this machine, two workers of
one thread each; the Trainer has all threads. Sides take turns, each measured over a window after its warm-up, and ratios are
of neighbouring windows; the table holds medians. Windows are kept under benchmarks/results/ and not measured again. Where
blocks are frozen, Luthier reads what they make of rows from the store of a study, as its trials do; making the entry, once a
study, is not within the window, and its seconds stand in the results.

    python benchmarks/throughput.py                 # all cases, three rounds
    python benchmarks/throughput.py --quick         # short texts, one round

Useful operations are 6 a trained encoder weight and real token; `peak_share` is Luthier's share of what bf16 matrices reach.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared"
ROWS, BATCH, SEED, WORKERS = 3000, 16, 0, 2
WINDOW, QUICK_WINDOW, WARM_UP_STEPS = 20.0, 8.0, 3
LONG_TOKENS, LONGEST = 250, 384
CASES = {"short": 0, "long": 0, "entities": 0, "short, half frozen": 3, "short, all but one frozen": 5}
"""Case and how many of the six blocks are frozen, with the embeddings."""
SIDES = ("luthier", "stock", "well-set")


def rows_of(case: str) -> list[dict[str, Any]]:
    """Rows of a case: {text, label}, or {tokens, tags}."""
    import numpy as np

    random = np.random.default_rng(SEED)
    if case == "entities":
        found = []
        for block in (SHARED / "data" / "wnut17" / "train.conll").read_text(encoding="utf-8").split("\n\n"):
            pairs = [line.split("\t") for line in block.splitlines() if "\t" in line]
            if pairs:
                found.append({"tokens": [pair[0] for pair in pairs], "tags": [pair[-1] for pair in pairs]})
    else:
        with (SHARED / "data" / "vader_3class" / "train.jsonl").open(encoding="utf-8") as lines:
            found = [{name: row[name] for name in ("text", "label")} for row in map(json.loads, lines)]
    found = [found[index] for index in random.permutation(len(found))[:ROWS]]
    if not case.startswith("long"):
        return found
    texts = [row["text"] for row in found]
    sizes = random.integers(4, 16, len(found))  # tweets of some 25 tokens, joined to texts of some 250
    return [{"text": " ".join(random.choice(texts, size)), "label": row["label"]} for size, row in zip(sizes, found, strict=True)]


def wait_for_start() -> None:
    """Tell the parent that all is warm, and wait until it says so of the others."""
    print("ready", flush=True)
    sys.stdin.readline()


def measure_luthier(case: str, seconds: float, worker: int) -> dict[str, float]:
    """Rows and tokens a second of one worker of one thread."""
    import torch

    from luthier.api.measure import fresh_model
    from luthier.api.prepare import check, prepare
    from luthier.api.ready import find_precision
    from luthier.api.settings import Given, Settings
    from luthier.data.sequences import sequences
    from luthier.data.tokens import used_ids
    from luthier.engines.memory import keep_memory
    from luthier.recipes.seeds import Seeds
    from luthier.sharing.plan import boundary
    from luthier.sharing.trunk import Trunk, TrunkStore
    from luthier.sharing.work import cut_of
    from luthier.training.learner import Learner
    from luthier.training.loop import train

    torch.set_num_threads(1)
    keep_memory()
    fixed = {"max_length": str(LONGEST), "batch_size": str(BATCH), "frozen_layers": str(CASES[case])}
    settings = Settings(fixed=fixed)
    prepared = prepare(check(settings, Given(rows_of(case))))
    recipe, precision, pad = prepared.default, find_precision(settings.precision, "cpu"), prepared.start.pad_token_id
    read, model = sequences(prepared.splits["train"], cut_of(recipe)), fresh_model(prepared, prepared.default, "cpu")
    depth = boundary(recipe, prepared.shape.layers)
    trunk = Trunk(model, depth) if depth else None
    learner = Learner(model, recipe, Seeds.all(worker), precision, used_ids(prepared.splits["train"], pad))
    given, making = None, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if trunk is not None:
            stored = TrunkStore(Path(folder), 2**40).get(learner.model, prepared.start.pretrained.hash, depth, read, precision, pad)
            assert stored is not None
            given = partial(trunk.give, stored)
        making = time.perf_counter() - making
        steps = train(learner, prepared.asked.task, read, 10**6, 10**6, pad, given)
        return _window(steps, seconds) | {"making": making}


def _window(steps: Any, seconds: float) -> dict[str, float]:
    """Rows and tokens a second of some steps, after the first ones."""
    for _ in range(WARM_UP_STEPS):
        next(steps)
    wait_for_start()
    started, rows, tokens = time.perf_counter(), 0, 0
    for step in steps:
        rows, tokens = rows + step.rows, tokens + step.tokens
        if (passed := time.perf_counter() - started) > seconds:
            break
    return {"rows": rows / passed, "tokens": tokens / passed}


def measure_trainer(case: str, seconds: float, well_set: bool) -> dict[str, float]:
    """Rows a second of the Trainer with all threads."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers

    from luthier.models.pretrained import resolve_model

    transformers.logging.set_verbosity_error()
    path, rows = resolve_model("minilm").path, rows_of(case)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    if case == "entities":
        names = sorted({tag for row in rows for tag in row["tags"]})
        data = [_tagged(row, tokenizer, names) for row in rows]
        made: Any = transformers.AutoModelForTokenClassification
        collator: Any = transformers.DataCollatorForTokenClassification(tokenizer)
    else:
        names = sorted({row["label"] for row in rows})
        encoded = [tokenizer(row["text"], truncation=True, max_length=LONGEST) for row in rows]
        data = [{**ids, "labels": names.index(row["label"])} for ids, row in zip(encoded, rows, strict=True)]
        made, collator = transformers.AutoModelForSequenceClassification, transformers.DataCollatorWithPadding(tokenizer)
    model = made.from_pretrained(path, num_labels=len(names), dtype=torch.float32)
    if frozen := CASES[case]:
        for part in (model.bert.embeddings, *model.bert.encoder.layer[:frozen]):
            part.requires_grad_(False)

    class Clock(transformers.TrainerCallback):
        started, first = 0.0, 0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == WARM_UP_STEPS:
                wait_for_start()
                self.started, self.first = time.perf_counter(), state.global_step
            elif self.started and time.perf_counter() - self.started > seconds:
                control.should_training_stop = True
                self.passed, self.made = time.perf_counter() - self.started, state.global_step - self.first

    clock = Clock()
    faster: dict[str, Any] = {"bf16": True, "train_sampling_strategy": "group_by_length"} if well_set else {}
    arguments = transformers.TrainingArguments(
        str(HERE / "results" / "trainer"), save_strategy="no", report_to="none", disable_tqdm=True, logging_strategy="no",
        per_device_train_batch_size=BATCH, use_cpu=True, max_steps=10**6, seed=SEED, **faster)
    transformers.Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator, callbacks=[clock]).train()
    return {"rows": BATCH * clock.made / clock.passed}


def _tagged(row: dict[str, Any], tokenizer: Any, names: list[str]) -> dict[str, Any]:
    encoded = tokenizer(row["tokens"], is_split_into_words=True, truncation=True, max_length=LONGEST)
    return {**encoded, "labels": [-100 if word is None else names.index(row["tags"][word]) for word in encoded.word_ids()]}


def measure_peak() -> float:
    """GFLOPS of bf16 matrices with all threads."""
    import torch

    left, right = (torch.ones(2048, 2048, dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(10):
        started = time.perf_counter()
        left @ right
        best = max(best, 2 * 2048**3 / (time.perf_counter() - started) / 1e9)
    return best


def run_side(case: str, side: str, seconds: float) -> dict[str, float]:
    """One window of one side: its processes warmed up, started together, and added up."""
    workers, threads = (WORKERS, 1) if side == "luthier" else (1, os.cpu_count() or 1)
    command = [sys.executable, __file__, "--child", side, "--case", case, "--seconds", str(seconds)]
    processes = [subprocess.Popen([*command, "--worker", str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env=os.environ | {"OMP_NUM_THREADS": str(threads)}) for number in range(workers)]
    for process in processes:
        assert process.stdout is not None
        while (line := process.stdout.readline()) and line.strip() != "ready":
            pass
        if not line:
            sys.exit(f"{case}: {side} ended before its first window; what it said stands above.")
    found = [json.loads(process.communicate("go\n")[0].splitlines()[-1]) for process in processes]
    return {name: (max if name == "making" else sum)(part[name] for part in found) for name in found[0]}


def main() -> None:
    """Measure what has not been measured, print the table and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short texts, one short round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    for name, kind in (("--child", str), ("--case", str), ("--seconds", float), ("--worker", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child == "luthier":
        print(json.dumps(measure_luthier(asked.case, asked.seconds, asked.worker)))
        return
    if asked.child:
        print(json.dumps(measure_trainer(asked.case, asked.seconds, asked.child == "well-set")))
        return
    if not SHARED.exists():
        sys.exit(f"The public data sets are not here ({SHARED}).")
    cases, rounds = (["short"], 1) if asked.quick else (list(CASES), asked.rounds)
    seconds = QUICK_WINDOW if asked.quick else WINDOW
    asked.results.mkdir(parents=True, exist_ok=True)
    kept = asked.results / f"throughput-{seconds:g}.json"
    windows: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for number in range(rounds):
        for case in cases:
            for side in SIDES:
                name = f"{case}/{side}/{number}"
                if name not in windows:
                    windows[name] = run_side(case, side, seconds)
                    kept.write_text(json.dumps(windows, indent=1), encoding="utf-8")
                    print(f"{name}: {windows[name]['rows']:.1f} rows a second", file=sys.stderr, flush=True)
    print(json.dumps(summary(windows, cases, rounds)))


def summary(windows: dict[str, Any], cases: list[str], rounds: int) -> dict[str, Any]:
    """Print the medians as a table; the ratios by case."""
    from safetensors import safe_open

    from luthier.models.pretrained import resolve_model

    with safe_open(resolve_model("minilm").path / "model.safetensors", "np") as weights:
        encoder = sum(int(weights.get_tensor(name).size) for name in weights.keys() if ".layer." in f".{name}")  # noqa: SIM118
    peak = measure_peak()

    def median(case: str, over: str | None = None, by: str = "luthier", at: str = "") -> float:
        return statistics.median(windows[f"{case}/{by}/{n}"]["rows"] / (windows[f"{at or case}/{over}/{n}"]["rows"] if over else 1)
                                 for n in range(rounds))

    found: dict[str, Any] = {}
    print(f"{'case':<28}{'luthier':>9}{'stock':>9}{'well-set':>9}   rows a second;{'vs stock':>9}{'vs well-set':>12}{'peak':>7}")
    for case in cases:
        tokens = statistics.median(windows[f"{case}/luthier/{n}"]["tokens"] for n in range(rounds))
        share = 6 * encoder * tokens / 1e9 / peak if not CASES[case] else None
        found[case] = {"vs_stock": median(case, "stock"), "vs_well_set": median(case, "well-set"), "peak_share": share}
        print(f"{case:<28}{median(case):>9.1f}{median(case, by='stock'):>9.1f}{median(case, by='well-set'):>9.1f}{'':>17}"
              f"{found[case]['vs_stock']:>9.2f}{found[case]['vs_well_set']:>12.2f}{'' if share is None else f'{share:.0%}':>7}")
    if (top := "short, all but one frozen") in cases:
        found["frozen_top1"] = {"vs_stock_same": median(top, "stock"), "vs_stock_full": median(top, "stock", at="short")}
        print(f"all but one frozen against the stock Trainer's full fine-tuning: {found['frozen_top1']['vs_stock_full']:.1f}")
    return found


if __name__ == "__main__":
    main()
