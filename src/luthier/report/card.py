"""The model card: README.md of the model's folder, in the form that the Hugging Face hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from luthier.data.findings import Severity
from luthier.data.places import count
from luthier.data.row import Kind
from luthier.report.controls import control_title
from luthier.report.honest import luck_sentence
from luthier.report.html_answers import ENTITY_ERRORS
from luthier.report.html_calibration import calibration_figures, point_sentence, unclaimed
from luthier.report.html_data import reading
from luthier.report.metrics import resampled, test_metrics
from luthier.report.opening import opening, rivals
from luthier.report.snippets import parts, snippet, snippet_notes
from luthier.report.wording import (
    Difference,
    Table,
    blindness,
    changes,
    clean,
    delivered,
    figure,
    hyperparameters,
    interval,
    judged_by,
    opened_before,
    sentence,
    short,
    shown,
    split_rows,
    test_rows,
    uncorrected,
    validation_note,
    whose,
)
from luthier.search.budget import duration
from luthier.tasks.registry import kind_named, of_tokens
from luthier.tasks.wording import wording_of

_HUB_NAME = re.compile(r"^[\w.-]+(/[\w.-]+)?$", re.ASCII)
_HUB_METRICS = {"macro_f1": "f1", "micro_f1": "f1", "weighted_f1": "f1", "f1": "f1", "f1_strict": "f1", "accuracy": "accuracy",
                "subset_accuracy": "accuracy", "mcc": "matthews_correlation", "roc_auc": "roc_auc", "precision": "precision",
                "recall": "recall", "pearson": "pearsonr", "spearman": "spearmanr", "r2": "r_squared", "mae": "mae", "loss": "mse"}
"""The hub's names of metrics; a loss is the mean squared error in regression alone."""
_SPECIAL = re.compile(r"[\\`*_\[\]<>&#|~!$^{}@]|:(?=//)|(?<=www)\.|^[-+=](?=[-+=\s]|$)", re.IGNORECASE)
"""Characters that Markdown, GitHub's or the hub's, could take for more than themselves where they stand."""
_NUMBERED = re.compile(r"^(\d+)[.)](?=\s|$)")
_NAMES = {"few-of-label": "labels with few rows"}
"""Names of findings whose codes do not read as such."""
MOST_WARNINGS = 10
"""Warnings about the data that a card names."""
FEW_ROWS = 10
"""Training rows below which a label is named among the limits."""


def render(results: Table) -> str:
    """The card, from results.json."""
    parts = (_front_matter(results), f"# {_md(results['name'])}", " ".join(_md(line) for line in opening(results)),
             _use(results), _trained_on(results), _figures(results), _recipe(results), _search(results),
             _limits(results))
    return "\n\n".join(parts) + "\n"


def _md(value: object, length: int = 1000, *, space: bool = False) -> str:
    """Text as Markdown that stays text: on one line, with no character left that means something.

    Args:
        space: keep the spaces around it.
    """
    if space:
        before, after = (" " * str(value)[at].isspace() for at in (0, -1))
        return f"{before}{_md(value, length)}{after}"
    text = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", short(value, length))
    return _NUMBERED.sub(r"\1&#46;", text)


def _table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; cells are Markdown, all but the first column right-aligned."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _front_matter(results: Table) -> str:
    """YAML that the hub reads; text is written as JSON strings, which YAML takes as they are."""
    base, head = results["base"], results["head"]
    lines = ["library_name: transformers", f"pipeline_tag: {head}", "tags:", "- luthier", f"- {head}", "metrics:"]
    lines += [f"- {metric}" for metric in dict.fromkeys(
        _HUB_METRICS[metric] for metric in (results["metric"], *results["test_metrics"])
        if metric in _HUB_METRICS and (metric != "loss" or kind_named(results["task"]) is Kind.NUMBER))]
    if base.get("revision") and _HUB_NAME.match(str(base["name"])):
        lines.append(f"base_model: {json.dumps(base['name'])}")
    return "\n".join(["---", *lines, "---"])


def _use(results: Table) -> str:
    place = (f"Run it beside the folder `{_plain(results['model'])}`, or write this folder's path, or its name on the "
             "hub, in its place.")
    notes = "\n".join(f"- {note}" for note in [place, *map(_note, snippet_notes(results))])
    return f"## Use\n\n```python\n{snippet(results)}```\n\n{notes}"


def _note(note: str) -> str:
    return "".join(f"`{part}`" if code else _md(part, space=True) for part, code in parts(note))


def _trained_on(results: Table) -> str:
    base = results["base"]
    revision = f", revision {_md(base['revision'])}" if base.get("revision") else ""
    facts = [f"Data: {_md(results['name'])}, hash `{_plain(results['data_hash'])}`",
             f"Rows: {split_rows(results)}",
             f"Split: {_md(sentence(results['split']))}",
             f"Pre-trained weights: {_md(_without_folders(base['origin']))}{revision}, hash `{_plain(base['hash'])}`, "
             f"{base['parameters'] / 1e6:,.1f} million parameters"]
    facts += _found(results.get("findings") or [])
    return "## What it was trained on\n\n" + "\n".join(f"- {fact}" for fact in facts) + _labels(results)


def _found(findings: Sequence[Table]) -> list[str]:
    """What the check of the data warned of, by its name and number of rows: a card is published, and sentences quote rows."""
    warnings = [finding for finding in findings if finding["severity"] == Severity.WARNING.value]
    rest = len(findings) - min(len(warnings), MOST_WARNINGS)
    if not warnings:
        return [f"The check of the data found {count(rest, 'thing')} to note and none to warn of."] if rest else []
    named = ", ".join(_named_finding(finding) for finding in warnings[:MOST_WARNINGS])
    more = f"; and {count(rest, 'other finding')}" if rest else ""
    return [f"Warnings of the check of the data: {named}{more}. The run's report.html says what they mean."]


def _named_finding(finding: Table) -> str:
    rows = len(finding.get("rows") or [])
    code = str(finding["code"])
    name = _md(_NAMES.get(code, code.replace("-", " ")), 40)
    return f"{name} ({count(rows, 'row')})" if rows else name


def _without_folders(text: object) -> str:
    """Text in which files go by their names alone: a card is published, and folders of a machine are nobody's business."""
    return re.sub(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\](?:[^\s/\\:]+[/\\])+", "", clean(text))


def _labels(results: Table) -> str:
    """The labels with what became of each on the rows that figures are of; nothing where labels are numbers."""
    if not results["labels"]:
        return ""
    details = results.get("details") or {}
    scores, limits = details.get("per_label") or {}, details.get("thresholds") or {}
    what = wording_of(results["task"]).counted
    splits = ("train", "validation") if results.get("folds") else ("train", "validation", "test")
    body = [[_md(label, 100) or "(empty)",
             *(f"{results['counts'].get(label, {}).get(split, 0):,}" for split in splits),
             *(figure((scores.get(label) or {}).get(part)) for part in ("precision", "recall", "f1")),
             *([figure(limits.get(label))] if limits else [])] for label in results["labels"]]
    heads = {"train": f"training {what}", "validation": f"validation {what}", "test": f"test {what}"}
    return "\n\n" + _table(["label", *(heads[split] for split in splits), "precision", "recall", f"F1 on {judged_by(results)}",
                            *(["given from"] if limits else [])], body)


def _plain(value: object) -> str:
    return re.sub(r"[^\w.:/-]", "", clean(value))


def _figures(results: Table) -> str:
    held = results.get("controls_validation") or {}
    where, own = judged_by(results), whose(results)
    body = [[f"**{own}**", f"**{figure(results['test']['value'])}**", interval(results["test"]),
             figure((results.get("validation") or {}).get("value"))]]
    body += [[_md(control_title(results, name)), figure(score["value"]), interval(score), figure(held.get(name, {}).get("value"))]
             for name, score in rivals(results).items()]
    every = [[_md(metric.title), metric.value, f"{metric.low} to {metric.high}", _md(metric.meaning)]
             for metric in test_metrics(results)]
    others = f"; below the first are others{uncorrected(results)}" if uncorrected(results) else ""
    note = validation_note(results)
    head = "held out" if results.get("folds") else "test"
    return (f"## How good it is\n\n{_md(results['metric_title'])} on {test_rows(results)}, "
            f"{blindness(results)}; intervals are bootstraps over {resampled(results)}.\n\n" +
            _table(["", head, "95 % interval", "validation"], body) + (f"\n\n{_md(note)}" if note else "") +
            (f"\n\nAll metrics of {own} on the {where}{others}:\n\n" + _table(["metric", head, "95 % interval", "meaning"], every)
             if every else "") + _entity_errors(results) + _points(results))


def _entity_errors(results: Table) -> str:
    errors = (results.get("details") or {}).get("entity_errors") or {}
    said = [f"{spans:,} {_md(ENTITY_ERRORS.get(kind, (kind,))[0])}" for kind, spans in errors.items()]
    return f"\n\nEntities of the {judged_by(results)}, by what became of them: {', '.join(said)}." if said else ""


def _points(results: Table) -> str:
    points = (results.get("calibration") or {}).get("operating_points") or []
    sure = _md(wording_of(results["task"]).sure)
    return (f"\n\nAnswering only when sure, with 95 % intervals in brackets. {sure}\n\n" +
            "\n".join(f"- {_md(point_sentence(point))}" for point in points)) if points else ""


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
            f"Luthier {_md(results['luthier'])} tried {count(results['trials'] // results['repeats'], 'recipe')}"
            f"{', its default recipe first,' * (results.get('default_trial') == 0)} "
            f"and finished {count(results['finals'], 'final')}, in {duration(results['seconds'])}{budget} altogether. "
            f"{_chosen_by(results)}; {_test_rows_seen(results)}. {_md(delivered(results))} {luck_sentence(results)} {end}")


def _chosen_by(results: Table) -> str:
    fresh = results.get("fresh")
    if not fresh:
        return "It chose by the validation rows alone"
    return (f"It chose among {count(fresh['finalists'], 'recipe')} trained anew on {count(fresh['seeds'], 'fresh seed')}, paired"
            + (", each with other training rows held out" if fresh["own_rows"] else " on the validation rows"))


def _test_rows_seen(results: Table) -> str:
    if results.get("record_test"):
        return "but the test rows were scored for every trial, so a choice by those scores would not be blind"
    if results.get("folds"):
        return "there were no test rows: the training rows were held out in turn, the validation rows never"
    if opened_before(results):
        return f"the test rows had been opened before, {count(opened_before(results), 'time')} on this machine"
    return "in this run the test rows were scored once, at the end"


def _limits(results: Table) -> str:
    few = [label for label in results["labels"] if results["counts"].get(label, {}).get("train", 0) < FEW_ROWS]
    limits = [f"The figures hold for texts like the {judged_by(results)}; other sources, times or languages may do worse.",
              "They are of its recipe, trained on parts of the training rows: this one model may be better or worse."
              if results.get("folds") else
              "They are of this one model: the same recipe trained with another seed gives another figure.",
              _length_limit(results), wording_of(results["task"]).limit, _confidence_limit(results),
              "What the pre-trained weights learnt from their texts, bias included, is still in them."]
    if few:
        what = wording_of(results["task"]).counted
        names = ", ".join(_md(label, 60) for label in few[:10]) + (", ..." if len(few) > 10 else "")
        limits.insert(0, f"{count(len(few), 'label')} had fewer than {FEW_ROWS} training {what}: {names}.")
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _length_limit(results: Table) -> str:
    if of_tokens(results["task"]) or results.get("long_texts") == "windows":
        return f"{reading(results)} Of what lies further apart than that, nothing was learnt."
    return (f"In training it read the first {count(results['max_length'], 'token')} of a text; what comes later in a "
            "longer one was never learnt from.")


def _confidence_limit(results: Table) -> str:
    """How far scores can be taken for probabilities."""
    found = results.get("calibration") or {}
    if not found:
        return unclaimed(results)
    error, temperature = calibration_figures(found), results.get("temperature") or 1.0
    how = (f"Scores were calibrated on the validation rows, by a temperature of {temperature:.3g} that is part of the weights"
           if temperature != 1.0 else "Scores are as training left them, without a temperature")
    return f"{how}; their calibration error (ECE) on the {judged_by(results)} is {error}, and on other texts it may be greater."
