"""The model card: README.md of the model's folder, in the form that the Hugging Face hub reads."""

from __future__ import annotations

import json
import re

from luthier.data.places import count
from luthier.report.opening import opening, rivals
from luthier.report.wording import (
    CONTROLS,
    Difference,
    Table,
    changes,
    clean,
    figure,
    hyperparameters,
    interval,
    per_label_f1,
    sentence,
    short,
    shown,
    snippet,
    snippet_notes,
)
from luthier.search.budget import duration

_HUB_NAME = re.compile(r"^[\w.-]+(/[\w.-]+)?$", re.ASCII)
_HUB_METRICS = {"macro_f1": "f1", "accuracy": "accuracy"}
_SPECIAL = re.compile(r"[\\`*_\[\]<>&#|~!$^{}@]|:(?=//)|(?<=www)\.|^[-+=](?=[-+=\s]|$)", re.IGNORECASE)
"""Characters that Markdown, GitHub's or the hub's, could take for more than themselves where they stand."""
_NUMBERED = re.compile(r"^(\d+)[.)](?=\s|$)")
FEW_ROWS = 10
"""Training rows below which a label is named among the limits."""


def render(results: Table) -> str:
    """The card, from results.json."""
    parts = (_front_matter(results), f"# {_md(results['name'])}", " ".join(_md(line) for line in opening(results)),
             _use(results), _trained_on(results), _figures(results), _recipe(results), _search(results),
             _limits(results))
    return "\n\n".join(parts) + "\n"


def _md(value: object, length: int = 1000) -> str:
    """Text as Markdown that stays text: on one line, with no character left that means something."""
    text = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", short(value, length))
    return _NUMBERED.sub(r"\1&#46;", text)


def _table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; cells are Markdown, all but the first column right-aligned."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _front_matter(results: Table) -> str:
    """YAML that the hub reads; text is written as JSON strings, which YAML takes as they are."""
    base = results["base"]
    lines = ["library_name: transformers", "pipeline_tag: text-classification", "tags:", "- luthier",
             "- text-classification", "metrics:"]
    lines += [f"- {metric}" for metric in dict.fromkeys(
        _HUB_METRICS[metric] for metric in (results["metric"], *results["test_metrics"]) if metric in _HUB_METRICS)]
    if base.get("revision") and _HUB_NAME.match(str(base["name"])):
        lines.append(f"base_model: {json.dumps(base['name'])}")
    return "\n".join(["---", *lines, "---"])


def _use(results: Table) -> str:
    place = (f"Run it beside the folder `{_plain(results['model'])}`, or write this folder's path, or its name on the "
             "hub, in its place.")
    notes = "\n".join(f"- {_code_arguments(note)}" for note in [place, *snippet_notes(results)])
    return f"## Use\n\n```python\n{snippet(results['model'])}```\n\n{notes}"


def _code_arguments(note: str) -> str:
    return re.sub(r"\b(truncation=True|top_k=None)", r"`\1`", note)


def _trained_on(results: Table) -> str:
    rows, base = results["rows"], results["base"]
    revision = f", revision {_md(base['revision'])}" if base.get("revision") else ""
    facts = [f"Data: {_md(results['name'])}, hash `{_plain(results['data_hash'])}`",
             f"Rows: {rows['train']:,} for training, {rows['validation']:,} for validation, {rows['test']:,} for test",
             f"Split: {_md(sentence(results['split']))}",
             f"Pre-trained weights: {_md(base['origin'])}{revision}, hash `{_plain(base['hash'])}`, "
             f"{base['parameters'] / 1e6:,.1f} million parameters"]
    facts += [_md(note) for note in results.get("notes") or [] if short(note, 9)]
    scores = per_label_f1(results["confusion"]) if results.get("confusion") else [None] * len(results["labels"])
    body = [[_md(label, 100) or "(empty)",
             *(f"{results['counts'].get(label, {}).get(split, 0):,}" for split in ("train", "validation", "test")),
             figure(score)] for label, score in zip(results["labels"], scores, strict=True)]
    return ("## What it was trained on\n\n" + "\n".join(f"- {fact}" for fact in facts) + "\n\n" +
            _table(["label", "training rows", "validation rows", "test rows", "F1 on test"], body))


def _plain(value: object) -> str:
    return re.sub(r"[^\w.:/-]", "", clean(value))


def _figures(results: Table) -> str:
    held = results.get("controls_validation") or {}
    body = [["**this model**", f"**{figure(results['test']['value'])}**", interval(results["test"]),
             figure((results.get("validation") or {}).get("value"))]]
    body += [[CONTROLS[name][0], figure(score["value"]), interval(score), figure(held.get(name, {}).get("value"))]
             for name, score in rivals(results).items()]
    also = [f"{_md(metric.replace('_', '-'))} {figure(value)}" for metric, value in results["test_metrics"].items()
            if metric != results["metric"]]
    return (f"## How good it is\n\n{_md(results['metric_title'])} on {count(results['rows']['test'], 'test row')}, "
            "which nothing was trained or chosen on; intervals are bootstraps over rows.\n\n" +
            _table(["", "test", "95 % interval", "validation"], body) +
            (f"\n\nAlso on the test rows: {', '.join(also)}." if also else ""))


def _recipe(results: Table) -> str:
    body = [[f"`{_plain(setting.name)}`", _md(setting.value) if setting.difference is not Difference.CHANGED
             else f"**{_md(setting.value)}**", _md(setting.default) or "-"] for setting in hyperparameters(results)]
    return (f"## Hyperparameters\n\n{_md(changes(results))}\n\n" +
            _table(["hyperparameter", "this model", "default"], body))


def _search(results: Table) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in results["machine"]["versions"].items())
    budget = f" (budget {duration(results['budget'])})" if results.get("budget") else ""
    end = f"Seed {shown(results['seed'])}; {_md(versions)}."
    if results["command"] == "train":
        return ("## How it was made\n\n"
                f"Luthier {_md(results['luthier'])} trained this one recipe in {duration(results['seconds'])}{budget}; "
                f"nothing was searched. {end}")
    return ("## How the recipe was found\n\n"
            f"Luthier {_md(results['luthier'])} tried {count(results['trials'], 'recipe')}, its default recipe first, "
            f"and finished {count(results['finals'], 'final')}, in {duration(results['seconds'])}{budget} altogether. "
            f"It chose by the validation rows alone; {_test_rows_seen(results)}. Trial "
            f"{results['best']['trial']} is delivered: {_md(results['best']['reason']).rstrip('.')}. {end}")


def _test_rows_seen(results: Table) -> str:
    if results.get("record_test"):
        return "but the test rows were scored for every trial, so a choice by those scores would not be blind"
    return "in this run the test rows were scored once, at the end"


def _limits(results: Table) -> str:
    few = [label for label in results["labels"] if results["counts"].get(label, {}).get("train", 0) < FEW_ROWS]
    limits = ["The figures hold for texts like the test rows; other sources, times or languages may do worse.",
              "They are of this one model: the same recipe trained with another seed gives another figure.",
              f"In training it read the first {count(results['max_length'], 'token')} of a text; what comes later in a "
              "longer one was never learnt from.",
              "It gives every text one of its labels, also a text that none of them fits.",
              "Scores are the model's own and were not calibrated: 0.9 need not mean right nine times in ten.",
              "What the pre-trained weights learnt from their texts, bias included, is still in them."]
    if few:
        names = ", ".join(_md(label, 60) for label in few[:10]) + (", ..." if len(few) > 10 else "")
        limits.insert(0, f"{count(len(few), 'label')} had fewer than {FEW_ROWS} training rows: {names}.")
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)
