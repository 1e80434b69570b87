"""The page's section on what each hyperparameter did: sentences, importance against noise, the response to each value."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.explain.effects import Bin, Response
from luthier.explain.importance import Importance, Ranking
from luthier.explain.overview import Explanation, importance_sentence, verdict_sentence
from luthier.explain.rows import is_default, is_log, number, own_trials, rounded
from luthier.explain.verdicts import Kind, Verdict
from luthier.report.svg import Plot, Scale, shapes, symbol
from luthier.report.tags import EMPTY, esc, name, paragraphs, section, table
from luthier.report.wording import Table, figure, short, shown

MOST_CHARTS = 8
"""Of more hyperparameters, the most important have a chart; all of them are in the tables."""
TALL = 25
"""A table of more rows than this scrolls inside its own frame."""

SHAPES = {
    Kind.GOOD: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    Kind.SHORT: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    Kind.UNJUDGED: "M-2 0a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z",
    Kind.UNDERFIT: "M-4.5 -3.5H4.5L0 4.5z",
    Kind.OVERCONFIDENT: "M-4.5 3.5H4.5L0 -4.5z",
    Kind.OVERFIT: "M-5 4H5L0 -5z",
    Kind.UNSTABLE: "M0 -5.5L5.5 0L0 5.5L-5.5 0z",
    Kind.COLLAPSED: "M-5 0H5M0 -5V5",
    Kind.DIVERGED: "M-4 -4L4 4M-4 4L4 -4",
}
"""The mark of each verdict, so that none rests on colour alone."""
RINGS = {"ring": "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z", "square": "M-7.5 -7.5H7.5V7.5H-7.5z"}


def explain_section(results: Table, explanation: Explanation, trials: Sequence[Table]) -> str:
    """What the search showed of its hyperparameters; nothing for a single training."""
    if results["command"] != "tune":
        return ""
    return section(
        "explain", "What each hyperparameter did", _sentences(explanation), "<h3>Which mattered</h3>",
        _importance(explanation.ranking), _charts(results, explanation, trials), _values(explanation.responses))


def _sentences(explanation: Explanation) -> str:
    items = "".join(f"<li>{esc(short(sentence, 400))}</li>" for sentence in explanation.sentences)
    return paragraphs(filter(None, [verdict_sentence(explanation.counts), importance_sentence(explanation.ranking)])) + (
        f"<ul>{items}</ul>" if items else "")


def _importance(ranking: Ranking) -> str:
    if not ranking.entries:
        return f"<p>{esc(ranking.reason[:1].upper() + ranking.reason[1:])}.</p>"
    most = max(max(entry.importance, entry.noise) for entry in ranking.entries) * 1.05
    rows = [(f"<code>{name(entry.name)}</code>", _bar(entry, most), f"{entry.importance:.2f}", f"{entry.noise:.2f}",
             f"{entry.p:.2f}", "<b>stands out</b>" if entry.distinguishable else "not distinguishable from noise")
            for entry in ranking.entries]
    return table(("hyperparameter", "importance", "#share", "#noise reaches", "#p", ""), rows, css="importance") + (
        '<p class="soft">The bar is the share of the differences between recipes that a random forest puts down to the '
        "hyperparameter; the upright mark is what the strongest of them reaches by chance in one search of thirty, from "
        "60 shuffles of the outcomes. Recipes are compared where both had trained as far.</p>")


def _bar(entry: Importance, most: float) -> str:
    width, noise = 100 * entry.importance / most, 100 * entry.noise / most
    label = f"{entry.name}: {entry.importance:.2f}, noise reaches {entry.noise:.2f}"
    return (f'<svg width="100%" height="16" role="img" aria-label="{esc(label)}"><rect class="{"real" * entry.distinguishable}" '
            f'width="{width:.1f}%" height="12" y="2"/><line x1="{noise:.1f}%" x2="{noise:.1f}%" y1="0" y2="16"/></svg>')


def _charts(results: Table, explanation: Explanation, trials: Sequence[Table]) -> str:
    own = [trial for trial in own_trials(trials) if number(trial["score"]) is not None or trial["state"] == "failed"]
    scored = [score for trial in own if (score := number(trial["score"])) is not None]
    names = [response.name for response in explanation.responses[:MOST_CHARTS]]
    if not names or not scored:
        return ""
    heights = Scale.around(scored)
    charts = "".join(_chart(results, own, name, heights, explanation.verdicts) for name in names)
    drawn = shapes({kind.value.split()[0]: path for kind, path in SHAPES.items()} | RINGS)
    return (f'<h3>Score and each hyperparameter</h3>{drawn}{_legend(own, explanation.verdicts)}<div class="small">{charts}</div>'
            '<p class="soft">One mark a trial, without the finals, at the score it had when it ended; failed ones stand at the '
            "bottom. Points, not causes: several hyperparameters move at once, and the search looks more often where it has seen "
            "good scores.</p>")


def _legend(trials: Sequence[Table], verdicts: Mapping[int, Verdict]) -> str:
    present = {verdicts[int(trial["trial"])].kind for trial in trials if int(trial["trial"]) in verdicts}
    marks = [(*_style(kind), kind.value) for kind in SHAPES if kind in present]
    marks += [("ring", "ring", "delivered"), ("ring default", "square", "default recipe")]
    items = "".join(f'<li><svg width="20" height="18" aria-hidden="true">{symbol(50, "50%", css, shape)}</svg>{esc(text)}</li>'
                    for css, shape, text in marks)
    return f'<ul class="key">{items}</ul>'


def _style(kind: Kind) -> tuple[str, str]:
    """The CSS class and the shape of a verdict."""
    shape = kind.value.split()[0]
    return f"v {shape}", shape


def _chart(results: Table, trials: Sequence[Table], hyperparameter: str, heights: Scale, verdicts: Mapping[int, Verdict]) -> str:
    """Score against one hyperparameter; words stand side by side in the order they were met."""
    trials = [trial for trial in trials if hyperparameter in trial]
    places, scale, ticks = _x_axis([trial[hyperparameter] for trial in trials])
    title = f"{hyperparameter}, log scale" if scale.log else hyperparameter
    plot = Plot(scale, heights, short(title, 60), results["metric_title"], height=150, most_x=4, x_ticks=ticks)
    for x, trial in sorted(zip(places, trials, strict=True), key=lambda pair: _is_bad(pair[1], verdicts)):
        _mark(plot, x, trial, hyperparameter, verdicts.get(int(trial["trial"])), results)
    return plot.render(f"{results['metric_title']} against {hyperparameter}")


def _is_bad(trial: Table, verdicts: Mapping[int, Verdict]) -> bool:
    verdict = verdicts.get(int(trial["trial"]))
    return verdict is not None and verdict.kind not in (Kind.GOOD, Kind.SHORT, Kind.UNJUDGED)


def _mark(plot: Plot, x: float, trial: Table, hyperparameter: str, verdict: Verdict | None, results: Table) -> None:
    kind = verdict.kind if verdict else Kind.SHORT
    y = number(trial["score"])
    title = f"trial {trial['trial']}: {shown(trial[hyperparameter])}, {'failed' if y is None else figure(y)}, {kind.value}"
    height = plot.y.low if y is None else y
    css, shape = _style(kind)
    plot.symbol(x, height, css=css, shape=shape, title=title)
    best, own = results["best"], int(trial["trial"])
    if own in (number(best["trial"]), number(best.get("parent"))):
        plot.symbol(x, height, css="ring", shape="ring", title="")
    if is_default(trial):
        plot.symbol(x, height, css="ring default", shape="square", title="")


def _x_axis(values: Sequence[Any]) -> tuple[list[float], Scale, list[tuple[float, str]] | None]:
    """Places, scale and, for words, the ticks. Logarithmic where the greatest value is over 10 times the least."""
    numbers = [number(value) for value in values]
    if any(value is None for value in numbers):
        words = list(dict.fromkeys(shown(value) for value in values))
        ticks = [(float(place), short(word, 14) or "not used") for place, word in enumerate(words)]
        return [float(words.index(shown(value))) for value in values], Scale(-0.6, len(words) - 0.4), ticks
    found = [value for value in numbers if value is not None]
    scale = Scale.around(found, log=is_log(found), whole=all(value == math.floor(value) for value in found))
    distinct = sorted(set(found))
    if scale.whole and len(distinct) <= 5 and all(
            scale.at(b) - scale.at(a) >= 10 for a, b in itertools.pairwise(distinct)):
        return found, scale, [(value, f"{value:g}") for value in distinct]
    return found, scale, None


def _values(responses: Sequence[Response]) -> str:
    """Every stretch of values: how its runs did, and what they cost."""
    rows, marks = [], []
    for response in responses:
        for place, each in enumerate(response.bins):
            rows.append([f"<code>{name(response.name)}</code>" if place == 0 else "", *_cells(each)])
            marks.append("first" if place == 0 else "")
    head = ("hyperparameter", "#value", "#runs", "#beat of the others", "verdicts", "#memory", "#seconds per 1,000&nbsp;rows")
    css = "values tall" if len(rows) > TALL else "values"
    return ("<h3>Value by value</h3>" + table(head, rows, css=css, marks=marks) +
            '<p class="soft">Of the trials of the search, without the finals. Memory is the peak, and seconds are those of '
            "training; both are medians.</p>") if rows else ""


def _cells(each: Bin) -> list[str]:
    verdicts = ", ".join(f"{amount} {kind}" for kind, amount in each.verdicts.items())
    return [esc(short(each.label, 40)), str(each.runs), EMPTY if each.beats is None else f"{100 * each.beats:.0f}&nbsp;%",
            esc(verdicts) or EMPTY, EMPTY if each.memory_mb is None else f"{each.memory_mb:,.0f}&nbsp;MB",
            EMPTY if each.seconds_per_1000_rows is None else esc(rounded(each.seconds_per_1000_rows))]
