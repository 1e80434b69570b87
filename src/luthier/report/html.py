"""report.html: one self-contained page that says first how good the model is, then why, then how to use it."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.data.places import count
from luthier.explain.overview import explain
from luthier.explain.rows import meaningful
from luthier.report.controls import control_meaning, control_title
from luthier.report.html_answers import answers_section
from luthier.report.html_calibration import calibration_section
from luthier.report.html_data import data_section
from luthier.report.html_explain import explain_section
from luthier.report.html_search import search_section
from luthier.report.ledger import openings
from luthier.report.metrics import resampled, test_metrics
from luthier.report.opening import default_delivered, opening, rivals, unbeaten
from luthier.report.snippets import parts, snippet, snippet_notes
from luthier.report.style import CSS
from luthier.report.svg import Scale, mark
from luthier.report.tags import EMPTY, esc, name, paragraphs, section, table
from luthier.report.wording import (
    Difference,
    Table,
    blindness,
    changes,
    delivered,
    figure,
    hyperparameters,
    interval,
    judged_by,
    short,
    signed,
    test_rows,
    uncorrected,
    validation_note,
)
from luthier.search.budget import duration

_ALWAYS_SHOWN = ("learning_rate", "layer_decay", "batch_size", "epochs", "frozen_layers", "dropout", "weight_decay", "method")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page may load nothing and run nothing, whatever a label or a text might hold."""


def render(results: Table, trials: Sequence[Table], curves: Sequence[Table]) -> str:
    """The page, from results.json and the rows of trials.csv and curves.csv."""
    title = f"{results['name']} - Luthier report"
    explanation = explain(results, trials, curves)
    body = "".join((
        _head(results), _result(results), answers_section(results), calibration_section(results), _recipe(results),
        search_section(results, trials, curves, explanation.verdicts),
        explain_section(results, explanation, meaningful(trials)), data_section(results), _use(results)))
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{esc(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n{body}</body>\n</html>\n")


def _head(results: Table) -> str:
    search = "Search" if results["command"] == "tune" else "Training"
    explained = (("explain", "Hyperparameters"),) if results["command"] == "tune" else ()
    links = (("result", "Result"), ("answers", "Right and wrong"), ("confidence", "Confidence"), ("recipe", "Recipe"),
             ("search", search), *explained, ("data", "Data"), ("use", "Use"))
    lost = unbeaten(results) or results.get("interrupted") or ((results.get("gain") or {}).get("high", 0) < 0)
    return (f'<header><div class="kicker">Luthier {esc(results["luthier"])} &middot; {esc(results["command"])} '
            f'&middot; {esc(results["created"])}</div><h1>{name(results["name"])}</h1></header>\n'
            f'<div class="lead{" warn" if lost else ""}">{paragraphs(opening(results))}</div>\n'
            f'<nav>{"".join(f"<a href=#{anchor}>{text}</a>" for anchor, text in links)}</nav>\n')


def _result(results: Table) -> str:
    title = short(results["metric_title"], 100)
    return section(
        "result", f"{title[:1].upper()}{title[1:]} on the {judged_by(results)}",
        f'<p class="soft">Dots are figures on the {test_rows(results)}, {blindness(results)}; '
        f"bars are their 95 % intervals (bootstrap over {resampled(results)}); the shaded band repeats the "
        f"delivered {_kind(results)}'s. {validation_note(results)} Controls are what you get without "
        "fine-tuning, or without a search.</p>",
        _forest(results), paragraphs([openings(results["opening"])] if results.get("opening") else []), _metrics(results))


def _kind(results: Table) -> str:
    """What the figures are of."""
    return "recipe" if results.get("folds") else "model"


def _metrics(results: Table) -> str:
    """Every metric of the delivered model."""
    rows = [(f"<b>{esc(metric.title)}</b><br><small>{esc(metric.meaning)}</small>", metric.value, f"{metric.low} to {metric.high}")
            for metric in test_metrics(results)]
    note = f"<p>Below the first are others{uncorrected(results)}.</p>" if uncorrected(results) else ""
    return f"<h3>The delivered {_kind(results)} by every metric</h3>{note}" + table(
        (f"on the {judged_by(results)}", "#figure", "#95&nbsp;% interval"), rows, css="metrics") if rows else ""


def _forest(results: Table) -> str:
    """The delivered model beside its controls, one row each."""
    against = rivals(results)
    scores = [results["test"], *against.values()]
    scale = Scale.shares(bound for score in scores for bound in (score["low"], score["high"], score["value"]))
    own = "the default recipe" if default_delivered(results) else f"trial {results['best']['trial']}"
    if results["command"] == "train":
        own = "the recipe as given"
    rows = [_forest_row(f"Delivered {_kind(results)}", own, "delivered", results["test"], results.get("validation"), "", scale,
                        results)]
    for control, score in against.items():
        title, meaning = control_title(results, control), control_meaning(results, control)
        gain = results.get("gain") if control == "default" else None
        chosen = "chosen" if results.get("refit") or results.get("folds") else "delivered"
        note = (f"{chosen} minus default, paired: {signed(gain['value'])} "
                f"[{signed(gain['low'])}, {signed(gain['high'])}]" if gain else "")
        held = (results.get("controls_validation") or {}).get(control)
        rows.append(_forest_row(title[:1].upper() + title[1:], meaning, control, score, held, note, scale, results))
    ticks = "".join(f'<text class="tick" x="{scale.at(value):.2f}%" y="12" text-anchor="middle">{text}</text>'
                    for value, text in scale.ticks())
    return ('<table class="forest"><thead><tr><th scope="col">model or control</th><th scope="col"></th>'
            f'<th scope="col" class="n">{"held out" if results.get("folds") else "test"}, 95 % interval</th></tr></thead>'
            f'<tbody>{"".join(rows)}</tbody><tfoot><tr><th></th><td class="c"><svg width="100%" height="34" '
            f'aria-hidden="true">{ticks}<text class="tick" x="50%" y="31" text-anchor="middle">'
            f'{esc(results["metric_title"])} (1 is perfect)</text></svg></td><td class="n"></td></tr></tfoot></table>')


def _forest_row(title: str, meaning: str, css: str, score: Table, held: Table | None, note: str, scale: Scale,
                results: Table) -> str:
    low, high, value = (scale.at(score[part]) for part in ("low", "high", "value"))
    band_low, band_high = scale.at(results["test"]["low"]), scale.at(results["test"]["high"])
    grid = "".join(f'<line class="grid" x1="{scale.at(at):.2f}%" x2="{scale.at(at):.2f}%" y1="0" y2="100%"/>'
                   for at, _ in scale.ticks())
    label = f"{title}: {figure(score['value'])}, 95 % interval {interval(score)}"
    chart = (f'<svg width="100%" height="46" role="img" aria-label="{esc(label)}">{grid}'
             f'<rect class="band" x="{band_low:.2f}%" width="{band_high - band_low:.2f}%" y="0" height="100%"/>'
             f'<line class="i {css}" x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
             f"{mark(value, '50%', css, label)}</svg>")
    validation = f"<small>validation {figure(held['value'])}</small>" if held else ""
    paired = f"<small>{esc(note)}</small>" if note else ""
    return (f'<tr><th scope="row"><b>{esc(title)}</b><small>{esc(meaning)}</small>{paired}</th>'
            f'<td class="c">{chart}</td><td class="n"><b>{figure(score["value"])}</b> '
            f'<span class="soft">[{figure(score["low"])}, {figure(score["high"])}]</span>{validation}</td></tr>')


def _recipe(results: Table) -> str:
    from luthier.recipes.recipe import HELP

    rows: dict[bool, list[tuple[str, str, str]]] = {True: [], False: []}
    marks = []
    for setting in hyperparameters(results):
        changed = "changed" if setting.difference is Difference.CHANGED else ""
        tag = f' <span class="tag {changed}">{esc(setting.difference.value)}</span>' if setting.difference.value else ""
        default = f'<span class="phone">default </span>{esc(setting.default)}' if setting.default else EMPTY
        first = bool(changed or setting.difference.value) or setting.name in (*_ALWAYS_SHOWN, *results.get("searched", ()))
        rows[first].append((f"<code>{name(setting.name)}</code>{tag}<br><small>{esc(HELP.get(setting.name, ''))}</small>",
                     f'<span class="v">{esc(setting.value)}</span>', default))
        if first:
            marks.append(changed)
    head = ("hyperparameter", "#delivered", "#default")
    base, best = results["base"], results["best"]
    parent = f" Trial {best['trial']} is the end of trial {best['parent']}." if best.get("parent") not in (None, "") else ""
    why = delivered(results) + parent if best.get("reason") else ""
    return section(
        "recipe", "The delivered recipe", paragraphs([why] if why else []), paragraphs([changes(results)]),
        table(head, rows[True], css="recipe", marks=marks),
        f"<details><summary>{count(len(rows[False]), 'more hyperparameter')}, as in the default recipe</summary>"
        f"{table(head, rows[False], css='recipe')}</details>" if rows[False] else "",
        f'<h3>Where the weights came from</h3><p>{esc(base["origin"][:1].upper() + base["origin"][1:])}'
        f"{esc(_revision(base))}: {base['parameters'] / 1e6:,.1f} million parameters in "
        f'{count(base["layers"], "layer")}; hash <code>{esc(base["hash"])}</code>.</p>')


def _revision(base: Table) -> str:
    return f", revision {base['revision']}" if base.get("revision") else ""


def _use(results: Table) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    budget = f" of a budget of {duration(results['budget'])}" if results.get("budget") else ""
    timed = ("A budget in time stops where this machine had got to; another machine may try more or fewer trials. "
             if budget and results["command"] == "tune" else "")
    facts = [("took", duration(results["seconds"]) + budget), ("seed", results["seed"]),
             ("machine", f"{machine['device']}, {count(machine['workers'], 'worker')} of "
                         f"{count(machine['threads'], 'thread')}, {machine['precision']}"),
             ("versions", versions), ("data hash", results["data_hash"])]
    rows = "".join(f"<dt>{esc(term)}</dt><dd>{esc(value)}</dd>" for term, value in facts)
    return section(
        "use", "Use it, repeat it",
        f"<pre><code>{esc(snippet(results))}</code></pre>", "".join(map(_note, snippet_notes(results))),
        f'<h3>Repeat the run</h3><pre><code>luthier {esc(results["command"])} --config run.toml</code></pre>'
        f'<p class="soft">Run it in this report\'s folder. {timed}</p><dl>{rows}</dl>')


def _note(note: str) -> str:
    return f"<p>{''.join(f'<code>{esc(part)}</code>' if code else esc(part) for part, code in parts(note))}</p>"
