"""The page's section on confidence: whether scores mean what they say, and what one gets by answering only when sure."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.data.places import percent
from luthier.report.svg import Plot, Scale, key
from luthier.report.tags import esc, paragraphs, section, table
from luthier.report.wording import Table, clean, figure, interval, judged_by
from luthier.tasks.wording import wording_of

TALLEST = 0.25
"""How much of the plot's height the bar of the fullest bin takes."""


def calibration_section(results: Table) -> str:
    """Calibration before and after the temperature, with operating points; a sentence where none is claimed."""
    found = results.get("calibration") or {}
    if not found:
        return section("confidence", "How far scores can be trusted", paragraphs([unclaimed(results)]))
    return section("confidence", "How far scores can be trusted", paragraphs([temperature_sentence(results)]),
                   _errors(results, found), _plot(results, found), _points(results, found.get("operating_points") or []))


def unclaimed(results: Table) -> str:
    """Why no calibration is reported."""
    return wording_of(results["task"]).unclaimed


def temperature_sentence(results: Table) -> str:
    """What was done for scores to mean probabilities."""
    temperature = results.get("temperature") or 1.0
    if temperature == 1.0:
        return ("Scores are as training left them: no temperature fitted on the validation rows made them clearly better, or there "
                "were too few rows to fit one.")
    was = "too sure of itself" if temperature > 1 else "less sure than it could be"
    return (f"As training left it, the model was {was}: its outputs are divided by a temperature of {temperature:.3g}, fitted on "
            "the validation rows and folded into the saved weights, so that plain pipeline() gives these scores.")


def _errors(results: Table, found: Table) -> str:
    before = found.get("before")
    head = ["", "#as delivered", *(["#before the temperature"] if before else [])]
    each = wording_of(results["task"]).scored
    rows = []
    for figure_name, title, meaning in (
            ("ece", "calibration error (ECE)", f"mean distance between {each} and how often it is right, in 15 bins"),
            ("brier", "Brier score", "mean squared error of the probabilities; counts sharpness too")):
        if found.get(figure_name):
            rows.append([f"<b>{title}</b><br><small>{meaning}; less is better</small>",
                         *(f'{figure(part[figure_name]["value"])} <small>{_brackets(part[figure_name])}</small>'
                           for part in (found, *([before] if before else [])))])
    return table(head, rows, css="metrics") + f'<p class="soft">On the {judged_by(results)}; in brackets, 95&nbsp;% intervals.</p>'


def _brackets(score: Table) -> str:
    return f"[{figure(score['low'])}, {figure(score['high'])}]"


def _plot(results: Table, found: Table) -> str:
    bins, before = found.get("reliability") or [], (found.get("before") or {}).get("reliability") or []
    if not bins:
        return ""
    plot = Plot(Scale(0.0, 1.0), Scale(0.0, 1.0), "mean score of a bin", "share right", height=320)
    most = max(each["rows"] for each in bins)
    for each in bins:
        share = each["rows"] / sum(part["rows"] for part in bins)
        plot.cell((each["low"], each["high"]), (0.0, TALLEST * each["rows"] / most), 0.35,
                  f"scores {each['low']:.2f} to {each['high']:.2f}: {each['rows']:,.0f} ({percent(share)})")
    plot.line([(0.0, 0.0), (1.0, 1.0)], "ideal", "scores that mean what they say")
    _line(plot, before, "other", "before the temperature")
    _line(plot, bins, "delivered", "delivered")
    entries = [("delivered", "as delivered", True), *([("other", "before the temperature", True)] if before else []),
               ("ideal", "scores that mean what they say", True)]
    what = wording_of(results["task"]).scores
    return (f'<h3>Scores and how often they are right</h3>{key(entries)}<div class="square">'
            f'{plot.render("Share of right answers by score")}</div><p class="soft">Below the dashed line the model is too sure, '
            f"above it not sure enough. Bars show where the {what} lie; a dot of few says little.</p>")


def _line(plot: Plot, bins: Sequence[Table], css: str, title: str) -> None:
    points = [(each["confidence"], each["right"]) for each in bins]
    if len(points) > 1:
        plot.line(points, css, title)
    for each in bins:
        plot.dot(each["confidence"], each["right"], css=css if css == "delivered" else "",
                 title=f"{title}: score {figure(each['confidence'])}, right {figure(each['right'])}, {each['rows']:,.0f}")


def _points(results: Table, points: Sequence[Table]) -> str:
    items = "".join(f"<li>{esc(point_sentence(point))}</li>" for point in points)
    sure = wording_of(results["task"]).sure
    return (f"<h3>Answering only when sure</h3><p>If texts below a confidence are left to a person, of the {judged_by(results)}:"
            f'</p><ul>{items}</ul><p class="soft">{sure} In brackets, 95&nbsp;% intervals.</p>') if points else ""


def point_sentence(point: Table) -> str:
    """An operating point with its intervals: "at confidence ≥ 0.8: 71 % of rows answered [69 to 73 %], 96 % right [95 to 97 %]"."""
    if not point["answered"]:
        return clean(point["sentence"])
    bounds = [f"{name} {_percents(point[part])}" for name, part in (("answered", "answered_interval"), ("right", "right_interval"))
              if point.get(part)]
    return clean(point["sentence"]) + (f" [{', '.join(bounds)}]" if bounds else "")


def _percents(score: Table) -> str:
    digits = 0 if score["high"] >= 0.01 else 1
    return f"{100 * score['low']:.{digits}f} to {100 * score['high']:.{digits}f} %"


def calibration_figures(found: Table) -> str:
    """The calibration error with its interval, and as it was before: "0.031 (95 % interval 0.020 to 0.044; before 0.120)"."""
    before = (found.get("before") or {}).get("ece")
    was = f"; before, {figure(before['value'])} ({interval(before)})" if before else ""
    return f"{figure(found['ece']['value'])} (95 % interval {interval(found['ece'])}{was})"
