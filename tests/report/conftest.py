"""Made-up but plausible results.json, trials and curves, for the tests of the page and the card."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from luthier.recipes.recipe import Recipe

Table = dict[str, Any]
HOSTILE = ("<script>alert(1)</script>", "a|b", "`tick` **bold** [x](http://evil.example/)", "two\nlines\r\nof it", "",
           '"><img src=http://evil.example/x onerror=alert(1)>', "\u202egnorw\u202d", "nul\x00\x1b[31m\ud800", "---",
           "&amp;")


def _score(value: float, half: float = 0.05) -> Table:
    """A figure with an interval of half-width `half`."""
    return {"value": value, "low": round(value - half, 6), "high": round(value + half, 6)}


def _make_results(labels: tuple[str, ...] = ("negative", "neutral", "positive"), command: str = "tune",
                 best: int = 13, task: str = "classification", pairs: bool = False, **changes: Any) -> Table:
    """results.json of a run on `labels` in which the delivered model is provably the best."""
    if task == "regression":
        labels = ()
    random_ = random.Random(len(labels))
    rows = max(150, 12 * len(labels))
    titles = {"classification": "most frequent label", "multilabel": "the most frequent labels",
              "regression": "the mean of the training rows"}
    metric, metric_title = {"classification": ("macro_f1", "macro-F1"), "multilabel": ("micro_f1", "micro-F1"),
                            "regression": ("pearson", "Pearson correlation"), "entities": ("f1", "entity F1")}[task]
    counts, confusion = {}, []
    for index, label in enumerate(labels):
        test = max(1, round(2 * rows / len(labels) * (1 + math.cos(index)) / 2))
        counts[label] = {"train": test * 5, "validation": test, "test": test}
        row = [0] * len(labels)
        for _ in range(test):
            row[index if random_.random() < 0.8 else random_.randrange(len(labels))] += 1
        confusion.append(row)
    totals = {split: sum(count[split] for count in counts.values()) or 200 for split in ("train", "validation", "test")}
    default = Recipe(epochs=8.0, max_length=64)
    recipe = default.replace(learning_rate=0.000234, layer_decay=0.8123, dropout=0.17, batch_size=32,
                             epochs=10.0) if command == "tune" else default
    table = default.to_table()
    results: Table = {
        "luthier": "0.1.0", "command": command, "name": "reviews", "created": "2026-11-21 04:30",
        "task": task, "metric": metric, "metric_title": metric_title, "labels": list(labels), "pairs": pairs,
        "head": "token-classification" if task == "entities" else "text-classification",
        "counts": counts, "rows": totals, "data_hash": "ab12cd34ef56",
        "split": "seeded hash of the normalised text: 70 % training, 15 % validation, 15 % test",
        "columns": {"text": ["text"], "label": ["label"], "pair": "other" if pairs else None},
        "findings": [
            {"code": "note", "severity": "note", "advice": "", "rows": [],
             "message": "12 rows with a text that occurs more than once stand on one side of the split."},
            {"code": "leak", "severity": "warning", "message": "3 test rows have a text of the training rows.",
             "advice": "Take them out of one of the two.", "rows": [["/home/me/test.csv", line] for line in (4, 17, 1204)]}],
        "max_length": 64, "long_texts": "cut",
        "base": {"name": "minilm", "origin": "the embedded model all-MiniLM-L6-v2", "hash": "8f3a90c1d2e4b5a6",
                 "revision": None, "parameters": 22_700_000, "layers": 6},
        "test": _score(0.78), "test_metrics": {metric: _score(0.78)} | _OTHERS[task],
        "validation": _score(0.79), "details": _details(task, labels, counts, confusion),
        "calibration": _CALIBRATION if task in ("classification", "multilabel") else {},
        "temperature": 1.37 if task in ("classification", "multilabel") else 1.0,
        "controls": {"majority": _score(0.17, 0.02), "tfidf": _score(0.61), "probe": _score(0.7),
                     "default": _score(0.75)},
        "control_titles": {"majority": titles.get(task, ""), "probe": "frozen probe",
                           "tfidf": f"TF-IDF + {'ridge' if task == 'regression' else 'logistic'} regression"},
        "controls_validation": {"majority": _score(0.18), "tfidf": _score(0.63), "probe": _score(0.71),
                                "default": _score(0.76)},
        "gain": {"value": 0.03, "low": 0.008, "high": 0.055},
        "best": {"trial": best, "parent": 4, "role": "final", "recipe": recipe.to_table(),
                 "default_recipe": {**table, "schedule": "constant"},
                 "reason": "ahead of the default recipe by +0.030 on the validation rows, 95 % interval "
                           "[+0.004, +0.057] before selection among 4 finals"},
        "trials": 12, "default_trial": 0, "repeats": 1, "finals": 4, "seconds": 231.04, "budget": 240.0, "interrupted": False,
        "machine": {"workers": 2, "threads": 1, "device": "cpu", "precision": "bf16",
                    "versions": {"python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0"}},
        "seed": 0, "model": "model",
        "examples": [{"text": "Well, that was two hours I will not get back. Loved the popcorn, though.",
                      "label": labels[0] if labels else "1", "predicted": labels[-1] if labels else "4.2", "score": 0.981},
                     {"text": "It is what it is", "label": labels[-1] if labels else "3",
                      "predicted": labels[0] if labels else "0.4", "score": 0.93}]}
    if task == "entities":
        for part in ("controls", "controls_validation"):
            results[part] |= {"lexicon": results[part].pop("tfidf")}
            del results[part]["majority"]
        results["control_titles"] = {"lexicon": "names seen in training", "probe": "frozen probe"}
    if pairs:
        results["examples"] = [example | {"pair": "What the other one says"} for example in results["examples"]]
    if command == "train":
        del results["controls"]["default"], results["controls_validation"]["default"]
        results |= {"gain": None, "trials": 1, "finals": 1}
        results["best"] |= {"trial": 0, "parent": None, "role": "default", "default_recipe": table, "reason": ""}
    return results | changes


_OTHERS: dict[str, Table] = {
    "classification": {"accuracy": _score(0.8), "loss": _score(0.6)},
    "multilabel": {"macro_f1": _score(0.6), "subset_accuracy": _score(0.5), "loss": _score(0.1)},
    "regression": {"spearman": _score(0.77), "r2": _score(0.55), "rmse": _score(1.25), "mae": _score(0.9), "loss": _score(1.56)},
    "entities": {"precision": _score(0.8), "recall": _score(0.76), "f1_strict": _score(0.74), "loss": _score(0.2)},
}
"""Metrics beside the headline metric."""

_BINS = [{"low": low, "high": low + 0.2, "rows": 40.0, "confidence": low + 0.1, "right": low + 0.05} for low in (0.4, 0.6, 0.8)]
_CALIBRATION: Table = {
    "ece": _score(0.06, 0.02), "brier": _score(0.3), "reliability": _BINS,
    "operating_points": [
        {"confidence": 0.8, "answered": 0.71, "right": 0.96, "sentence": "at confidence ≥ 0.8: 71 % of rows answered, 96 % right",
         "answered_interval": _score(0.71, 0.02), "right_interval": _score(0.96, 0.01)},
        {"confidence": 0.95, "answered": 0.0, "right": None, "sentence": "at confidence ≥ 0.95: no row answered",
         "answered_interval": _score(0.0, 0.0)}],
    "before": {"ece": _score(0.14, 0.02), "brier": _score(0.34), "reliability": _BINS, "operating_points": []}}


def _details(task: str, labels: tuple[str, ...], counts: Table, confusion: list[list[int]]) -> Table:
    """The tables of a task on the test rows, as results.json holds them."""
    if task == "regression":
        bands = [{"low": 0.0, "high": 2.5, "rows": 90, "true": 1.2, "predicted": 1.6, "error": 0.8},
                 {"low": 2.5, "high": 5.0, "rows": 110, "true": 3.9, "predicted": 3.4, "error": 0.7}]
        return {"edges": [0.0, 2.5, 5.0], "counts": [[70, 20], [35, 75]], "by_number": bands}
    per_label = {label: {"precision": 0.8125, "recall": 0.75, "f1": 0.78, "rows": counts[label]["test"], "given": 3}
                 for label in labels}
    if task == "entities":
        return {"per_label": per_label, "entity_errors": {"correct": 120, "wrong_type": 9, "wrong_boundary": 14, "both_wrong": 2,
                                                          "missed": 31, "spurious": 11}}
    if task == "multilabel":
        return {"per_label": per_label, "thresholds": dict.fromkeys(labels, 0.375)}
    return {"confusion": confusion, "per_label": per_label}


def _make_trials(count: int = 12, finals: int = 4) -> tuple[list[Table], list[Table]]:
    """Trials and curves of a search: `count` trials, some stopped early or failed, then `finals` finals."""
    random_, trials, curves = random.Random(7), [], []
    for trial in range(count):
        recipe = Recipe(max_length=64, schedule="constant") if trial == 0 else Recipe.from_table({
            "learning_rate": 10 ** random_.uniform(-5, -3), "head_lr_multiplier": 30 ** random_.random(),
            "layer_decay": random_.uniform(0.6, 1), "frozen_layers": random_.randrange(7),
            "batch_size": random_.choice((8, 16, 32, 64)), "dropout": random_.uniform(0, 0.3),
            "weight_decay": 10 ** random_.uniform(-2.5, 0.5), "max_length": 64, "schedule": "constant"})
        state = "failed" if trial % 9 == 5 else "complete" if trial in (0, 4) or trial % 3 == 0 else "stopped"
        top = 0.74 - 0.12 * abs(math.log10(recipe.learning_rate / 2e-4)) + random_.gauss(0, 0.015)
        points = {"complete": 8, "stopped": 1 + random_.randrange(4), "failed": 0}[state]
        own = _curve(trial, recipe, top, range(1, points + 1))
        curves += own
        role = "default" if trial == 0 else "tpe" if trial > 8 else "quasi-random"
        trials.append(_trial(trial, role, recipe, state, {
            "failed": "the loss is not finite at step 41: lower learning_rate (0.0009)",
            "stopped": f"place {trial} of {trial + 1} after {points * 44} steps", "complete": ""}[state], own))
    best = [trial for trial in trials[1:] if trial["state"] == "complete"]
    best.sort(key=lambda trial: (trial["trial"] != 4, -trial["score"]))
    for number, parent in enumerate([trials[0], *best][:finals], count):
        recipe = Recipe(learning_rate=parent["learning_rate"], epochs=10.0, max_length=64)
        own = _curve(number, recipe, parent["score"] + 0.015, range(10, 11))
        curves += own + [{**row, "rows": "all"} for row in own if row["split"] == "validation"]
        trials.append(_trial(number, "final", recipe, "complete", "", own, parent["trial"])
                      | {name: parent[name] for name in ("dropout", "batch_size", "layer_decay", "frozen_layers")})
    return trials, curves


def _curve(trial: int, recipe: Recipe, top: float, epochs: range) -> list[Table]:
    random_ = random.Random(trial)
    rows = []
    for epoch in epochs:
        common = {"trial": trial, "recipe": recipe.hash, "seed": 0, "step": epoch * 44, "epoch": float(epoch),
                  "work": epoch * 1000, "seconds": epoch * 4.9}
        value = top - 0.4 * math.exp(-epoch / 1.6) + random_.gauss(0, 0.006)
        rows += [{**common, "split": "train", "rows": "", "weights": "raw", "metric": "loss", "value": 1 / epoch},
                 {**common, "split": "validation", "rows": "rung", "weights": "averaged", "metric": "macro_f1",
                  "value": value},
                 {**common, "split": "validation", "rows": "rung", "weights": "averaged", "metric": "loss",
                  "value": 1.2 - value}]
    return rows


def _trial(number: int, role: str, recipe: Recipe, state: str, reason: str, curve: list[Table],
           parent: int | str = "") -> Table:
    scores = [row["value"] for row in curve if row["metric"] == "macro_f1"]
    return {"trial": number, "role": role, "parent": parent, "state": state, "reason": reason,
            "score": scores[-1] if scores else "", "steps": 44 * len(scores), "seconds": 4.9 * len(scores),
            "rows_per_second": 143.2, "peak_memory_mb": 912, "seed": 0, **recipe.to_table(),
            "epochs": curve[-1]["epoch"] if curve else 0.9}


@pytest.fixture
def hostile() -> tuple[str, ...]:
    """Label names that would break a page or a card that trusts them."""
    return HOSTILE


@pytest.fixture
def score() -> Callable[..., Table]:
    """Makes a figure with its interval."""
    return _score


@pytest.fixture
def make_results() -> Callable[..., Table]:
    """Makes results.json."""
    return _make_results


@pytest.fixture
def make_trials() -> Callable[..., tuple[list[Table], list[Table]]]:
    """Makes the rows of trials.csv and curves.csv."""
    return _make_trials
