"""What each hyperparameter does when it alone is changed: real runs on one data set, side by side.

    python benchmarks/effects.py DATA.csv [--rows 600] [--epochs 3] [--only NAME ...] [--output TABLE.md]

For every change: training loss over the last part of the run, validation loss and score, seconds, peak memory, how far
the encoder moved, the share of exact zeros, and whether the effect has the sign that the definition predicts.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from luthier.api.prepare import check, prepare
from luthier.api.settings import Given, Settings
from luthier.engines.execute import Base, Setup, run_stage
from luthier.recipes.recipe import Recipe, Schedule
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Stage, StageResult, Trial

FIGURES = ("train_loss", "objective", "validation_loss", "score", "largest_share", "seconds", "memory", "trainable", "drift",
           "zeros")
NOISE = {"seconds": 0.08, "memory": 0.03, "score": 0.0}
"""Relative differences below this are called no effect; seconds and memory waver on a busy machine."""


@dataclass(frozen=True)
class Change:
    """One change; `predicts` gives the sign (+1, -1, or 0 for none) of its effect on a figure, against `beside`."""

    name: str
    changes: dict[str, Any]
    predicts: dict[str, int]
    beside: dict[str, Any] = field(default_factory=dict)
    seeds: Seeds = Seeds.all(0)


CHANGES = [
    Change("learning_rate = 5e-4", {"learning_rate": 5e-4}, {"drift": 1}),
    Change("learning_rate = 2e-5", {"learning_rate": 2e-5}, {"drift": -1, "train_loss": 1}),
    Change("head_lr_multiplier = 1", {"head_lr_multiplier": 1}, {"train_loss": 1}),
    Change("layer_decay = 0.5", {"layer_decay": 0.5}, {"drift": -1}),
    Change("layer_lr: embeddings=0, 0-2=0.1", {"layer_lr": {"embeddings": 0, "0-2": 0.1}}, {"drift": -1}),
    Change("warmup_steps = 100", {"warmup_steps": 100}, {"drift": -1, "train_loss": 1}),
    Change("schedule = constant", {"schedule": "constant"}, {"drift": 1}),
    Change("schedule = linear", {"schedule": "linear"}, {"drift": -1}),
    Change("schedule = cosine", {"schedule": "cosine"}, {"drift": -1}),
    Change("schedule = slanted-triangular", {"schedule": "slanted-triangular"}, {"drift": -1}),
    Change("decay_share = 0.8", {"decay_share": 0.8}, {"drift": -1}),
    Change("batch_size = 64", {"batch_size": 64}, {"drift": -1, "train_loss": 1}),
    Change("epochs doubled", {}, {"train_loss": -1, "seconds": 1, "drift": 1}),
    Change("max_length = 12", {"max_length": 12}, {"seconds": -1}),
    Change("frozen_layers = embeddings", {"frozen_layers": "embeddings"}, {"trainable": -1}),
    Change("frozen_layers = half", {"frozen_layers": "half"}, {"drift": -1, "seconds": -1, "memory": -1, "train_loss": 1}),
    Change("frozen_layers = all", {"frozen_layers": "all"}, {"drift": -1, "seconds": -1, "memory": -1, "train_loss": 1}),
    Change("dropout_in_frozen (with half)", {"dropout_in_frozen": True}, {"train_loss": 1}, {"frozen_layers": "half"}),
    Change("unfreeze_every = 15", {"unfreeze_every": 15}, {"drift": -1, "seconds": -1, "train_loss": 1}),
    Change("reinit_layers = 1", {"reinit_layers": 1}, {"train_loss": 1}),
    Change("head_init = probe", {"head_init": "probe", }, {"train_loss": -1}),
    Change("dropout = 0", {"dropout": 0.0}, {"train_loss": -1}),
    Change("dropout = 0.3", {"dropout": 0.3}, {"train_loss": 1}),
    Change("attention_dropout = 0.4", {"attention_dropout": 0.4}, {"train_loss": 1}),
    Change("weight_decay = 10", {"weight_decay": 10.0}, {"drift": 1}),
    Change("l1 = 1", {"l1": 1.0}, {"zeros": 1, "drift": 1}),
    Change("l2_sp = 300", {"l2_sp": 300.0}, {"drift": -1, "train_loss": 1}),
    Change("label_smoothing = 0.2", {"label_smoothing": 0.2}, {"objective": 1}),
    Change("class_weighting = 1", {"class_weighting": 1.0}, {"largest_share": -1}),
    Change("class_weighting = auto", {"class_weighting": "auto"}, {}),
    Change("r_drop = 2", {"r_drop": 2.0}, {"seconds": 1, "objective": 1}),
    Change("max_grad_norm = 0.05", {"max_grad_norm": 0.05}, {}),
    Change("method = lora (rate × 10)", {"method": "lora", "learning_rate": 1e-3, "head_lr_multiplier": 1},
           {"trainable": -1}),
    Change("lora_rank = 2 (with lora)", {"lora_rank": 2, "lora_alpha": 4}, {"trainable": -1, "train_loss": 1},
           {"method": "lora", "learning_rate": 1e-3, "head_lr_multiplier": 1}),
    Change("lora_alpha = 4 (with lora)", {"lora_alpha": 4}, {"drift": -1, "train_loss": 1},
           {"method": "lora", "learning_rate": 1e-3, "head_lr_multiplier": 1}),
    Change("lora_dropout = 0.5 (with lora)", {"lora_dropout": 0.5}, {"train_loss": 1},
           {"method": "lora", "learning_rate": 1e-3, "head_lr_multiplier": 1}),
    Change("lora_targets = query, value (with lora)", {"lora_targets": ["query", "value"]}, {"trainable": -1, "train_loss": 1},
           {"method": "lora", "learning_rate": 1e-3, "head_lr_multiplier": 1}),
    Change("method = bitfit (rate × 10)", {"method": "bitfit", "learning_rate": 1e-3, "head_lr_multiplier": 1},
           {"trainable": -1, "drift": -1}),
    Change("averaging = none", {"averaging": "none"}, {"train_loss": 0}),
    Change("averaging = swa", {"averaging": "swa"}, {"train_loss": 0}),
    Change("swa_share = 0.75 (with swa)", {"swa_share": 0.75}, {"train_loss": 0, "drift": -1}, {"averaging": "swa"}),
    Change("another initialisation", {}, {}, seeds=Seeds(1, 0, 0)),
    Change("another order", {}, {}, seeds=Seeds(0, 1, 0)),
    Change("other dropout", {}, {}, seeds=Seeds(0, 0, 1)),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Bench(asked.data, asked.rows, asked.epochs, Path(folder)).table(asked.only)
    print("\n".join(table))
    if asked.output:
        asked.output.write_text("\n".join(table) + "\n", encoding="utf-8")


class Bench:
    """Runs one recipe after another on the same rows, in this process."""

    def __init__(self, data: Path, rows: int, epochs: float, folder: Path) -> None:
        import pandas

        frame = pandas.read_json(data, lines=True) if data.suffix == ".jsonl" else pandas.read_csv(data)
        frame = frame.sample(frac=1, random_state=0)
        checked = check(Settings(data=str(data)), Given(frame.head(round(rows / 0.7))))
        self.prepared = prepare(checked)
        start = self.prepared.start
        for name, tokens in start.splits.items():
            tokens.save(folder / "tokens" / name)
        validation = len(start.splits["validation"])
        self.setup = Setup(
            bases={"": Base(start.pretrained.path, start.pretrained.hash, folder / "tokens", start.pad_token_id,
                            start.pretrained.layers)},
            task=checked.task, rung_rows=np.arange(validation), cache=folder, device="cpu")
        self.base = self.prepared.default.replace(schedule=Schedule.WARMUP_STABLE_DECAY, epochs=epochs, warmup_steps=5,
                                                  class_weighting=0.0)
        self.folder, self.count = folder, 0
        self.done: dict[str, dict[str, float]] = {}

    def table(self, only: list[str]) -> list[str]:
        self.run(self.base)  # warm-up: first steps of a process are slow
        plain = self.figures(self.base, Seeds.all(0))
        lines = [f"{len(self.prepared.splits['train'])} training rows, {len(self.prepared.splits['validation'])} validation "
                 f"rows, {self.base.epochs:g} epochs, batch {self.base.batch_size}, rate {self.base.learning_rate:g}", "",
                 "| change | " + " | ".join(FIGURES) + " | predicted |", "|---|" + "---:|" * len(FIGURES) + "---|",
                 _line("(base)", plain, "")]
        for change in CHANGES:
            if only and not any(word in change.name for word in only):
                continue
            beside = self.base.replace(**change.beside)
            recipe = beside.replace(**change.changes)
            if change.name == "epochs doubled":
                recipe = beside.replace(epochs=2 * beside.epochs)
            before, after = self.figures(beside, Seeds.all(0)), self.figures(recipe, change.seeds)
            lines.append(_line(change.name, after, _judged(change, before, after)))
            print(lines[-1], flush=True)
        return lines

    def figures(self, recipe: Recipe, seeds: Seeds) -> dict[str, float]:
        key = f"{recipe.hash}-{seeds}"
        if key not in self.done:
            self.done[key] = self.run(recipe, seeds)
        return self.done[key]

    def run(self, recipe: Recipe, seeds: Seeds = Seeds.all(0)) -> dict[str, float]:  # noqa: B008
        self.count += 1
        steps = recipe.total_steps(len(self.prepared.splits["train"]))
        deliver = self.folder / f"model-{self.count}"
        stage = Stage(Trial(self.count, recipe, 0, "made up", seeds), 0, steps, steps, deliver=deliver,
                      evaluate_at=(round(steps * 0.8),))
        result = [event for event in run_stage(stage, self.setup, lambda: False) if isinstance(event, StageResult)][-1]
        if result.failure:
            raise SystemExit(f"{recipe}: {result.failure}")
        point, costs = result.points[-2], result.costs
        return {"train_loss": point.train["loss"], "objective": point.train["objective"],
                "validation_loss": point.metrics["loss"], "score": point.metrics[self.setup.task.metric],
                "largest_share": point.metrics["largest_share"], "seconds": costs.seconds,
                "memory": costs.peak_memory / 2**20, "trainable": costs.trainable_parameters,
                "drift": costs.drift or 0.0, "zeros": _zeros(deliver / "model.safetensors")}


def _zeros(file: Path) -> float:
    """The share of exact zeros among all weights."""
    with safe_open(file, framework="np") as tensors:
        arrays = [tensors.get_tensor(name) for name in tensors.keys()]  # noqa: SIM118
    return sum(int((array == 0).sum()) for array in arrays) / sum(array.size for array in arrays)


def _judged(change: Change, before: dict[str, float], after: dict[str, float]) -> str:
    words = []
    for name, sign in change.predicts.items():
        difference = after[name] - before[name]
        relative = abs(difference) / max(abs(before[name]), 1e-12)
        found = 0 if relative <= NOISE.get(name, 1e-6) else int(np.sign(difference))
        words.append(f"{name} {'+0-'[1 - sign]}: {'yes' if found == sign else 'NO'}")
    return "; ".join(words) or "-"


def _line(name: str, figures: dict[str, float], judged: str) -> str:
    cells = [f"{figures[figure]:.0f}" if figure in ("memory", "trainable") else f"{figures[figure]:.1f}" if figure == "seconds"
             else f"{figures[figure]:.4f}" for figure in FIGURES]
    return f"| {name} | " + " | ".join(cells) + f" | {judged} |"


if __name__ == "__main__":
    main()
