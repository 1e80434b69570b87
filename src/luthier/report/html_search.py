"""The page's section on the search: every trial's curve, and every trial's fate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from luthier.data.places import count
from luthier.explain.rows import branch_share, is_default, listed, number, own_trials, varied
from luthier.explain.verdicts import Verdict
from luthier.report.honest import stand
from luthier.report.opening import default_delivered
from luthier.report.svg import Plot, Scale, key
from luthier.report.tags import EMPTY, esc, paragraphs, section, table
from luthier.report.wording import Table, figure, judged_by, short, shown
from luthier.search.study import FINAL, FRESH, SHORTENED

MOST_REASONS = 8
CROWD = 50
"""More trials than this are drawn fainter and smaller."""
TALL = 25
"""A table of more rows than this scrolls inside its own frame."""

Curve = list[tuple[float, float]]

_ORDER = {"other": 1, "default": 2, "delivered": 3}
"""Styles of lines, the topmost last."""


def search_section(results: Table, trials: Sequence[Table], curves: Sequence[Table],
                   verdicts: Mapping[int, Verdict] | None = None) -> str:
    """What was tried. A single training shows its curve and its verdict alone."""
    lines = validation_curves(results, curves)
    if results["command"] == "train":
        return section("search", "How training went", _own_verdict(results, verdicts or {}), _curve_chart(results, trials, lines))
    return section(
        "search", "What the search tried", paragraphs(_account(results, trials)), _stand(results), _failures(trials),
        "<h3>Every trial as it learnt</h3>", _curve_chart(results, trials, lines),
        "<h3>Every trial</h3>", _trial_table(results, trials, verdicts or {}))


def _own_verdict(results: Table, verdicts: Mapping[int, Verdict]) -> str:
    verdict = verdicts.get(int(results["best"]["trial"]))
    return f"<p><b>{esc(verdict.kind.value.capitalize())}.</b> {esc(verdict.evidence)}</p>" if verdict else ""


def _account(results: Table, trials: Sequence[Table]) -> list[str]:
    states = Counter(str(trial["state"]) for trial in trials)
    newest = [trial for trial in trials if int(trial["trial"]) >= results.get("extended", 0)]  # the choice that is reported
    finals = sum(trial["role"] == FINAL for trial in newest)
    fates = listed([f"{amount} {state}" for state, amount in states.most_common()]) if trials else "none ran"
    scores = [score for trial in trials if (score := number(trial["score"])) is not None and not number(trial.get("fold"))]
    sentences = [f"{count(len(trials), 'trial')}: {fates}."]
    if finals:
        default = " and the default recipe" if results.get("default_trial") is not None else ""
        fresh = sum(trial["role"] == FRESH for trial in newest) if results.get("fresh") else 0
        decayed = results["best"]["recipe"].get("schedule") == "warmup-stable-decay"
        who = "the chosen trial" if fresh else "the most promising trials"
        who = "the default recipe" if fresh and default_delivered(results) else who + default
        ending = "with the decay of the learning rate that a delivered model has" if decayed else "as they stood"
        sentences += [f"Of these, {fresh} trained the most promising recipes{default} again on fresh seeds, the same for all, to "
                      "choose what is delivered."] if fresh else []
        sentences.append(f"Finals among them, {finals}: {who}, finished {ending}.")
    sentences += [f"Trial {trial['trial']} is the default recipe with fewer epochs, read off the curve of trial {trial['parent']}: "
                  "nothing was trained for it." for trial in trials if trial["role"] == SHORTENED]
    if scores:
        sentences.append(
            f"The best validation score, {figure(max(scores))}, is the highest of {len(scores)} and therefore "
            f"optimistic: some of its lead is luck. The figure on the {judged_by(results)}, {figure(results['test']['value'])}, is "
            "the honest one: " +
            ("it is corrected for the choice." if results.get("folds") else "in this run its rows chose nothing."))
    return sentences


def _stand(results: Table) -> str:
    """The delivered recipe's figures side by side."""
    rows = [(f"<b>{esc(said.title)}</b><br><small>{esc(said.meaning)}</small>", said.value, said.interval)
            for said in stand(results)]
    return "<h3>What the figures are worth</h3>" + table(
        ("the delivered recipe", f"#{esc(short(results['metric_title'], 60))}", "#95&nbsp;% interval"), rows,
        css="metrics") if rows else ""


def _failures(trials: Sequence[Table]) -> str:
    """The trials that failed, by reason, the most frequent first."""
    failed: dict[str, list[str]] = defaultdict(list)
    for trial in trials:
        if trial["state"] == "failed":
            failed[short(trial["reason"] or "no reason given", 300)].append(str(trial["trial"]))
    reasons = sorted(failed, key=lambda reason: -len(failed[reason]))
    items = "".join(f"<li>{count(len(failed[reason]), 'trial')} ({esc(short(', '.join(failed[reason]), 80))}): "
                    f"{esc(reason)}</li>" for reason in reasons[:MOST_REASONS])
    rest = len(reasons) - MOST_REASONS
    more = f"<li>and {count(rest, 'more reason')}, in the table below</li>" if rest > 0 else ""
    return f"<h3>Failed trials</h3><ul>{items}{more}</ul>" if failed else ""


def validation_curves(results: Table, curves: Sequence[Table]) -> dict[int, Curve]:
    """(epoch, score) of each trial on the rows that all its evaluations share, in order."""
    found: dict[int, dict[str, Curve]] = defaultdict(lambda: defaultdict(list))
    for row in curves:
        epoch, value = number(row["epoch"]), number(row["value"])
        if row["split"] == "validation" and row["metric"] == results["metric"] and None not in (epoch, value):
            assert epoch is not None and value is not None
            found[int(row["trial"])]["all" if row["rows"] == "all" else "rung"].append((epoch, value))
    return {trial: sorted(kinds["rung"] or kinds["all"]) for trial, kinds in found.items()}


def _parent(trial: Table) -> int | None:
    found = number(trial.get("parent"))
    return None if found is None else int(found)


def _goes_on_from(trial: Table | None) -> int | None:
    """The trial whose weights this one goes on from, if any."""
    return _parent(trial) if trial and trial["role"] == FINAL else None


def _lineage(results: Table, trials: Sequence[Table]) -> dict[int, str]:
    """The CSS class of each trial: delivered, default, or other; a final counts with the trial that it ends."""
    best = results["best"]
    classes = {}
    for trial in trials:
        parent = _parent(trial)
        ends_default = parent is not None and parent == results.get("default_trial")
        default = results["command"] == "tune" and (is_default(trial) or (ends_default and trial["role"] == FINAL))
        classes[int(trial["trial"])] = "default" if default else "other"
    for trial_number in (best["trial"], best.get("parent")):
        if number(trial_number) is not None:
            classes[int(trial_number)] = "delivered"
    if default_delivered(results):
        classes |= {trial: "delivered" for trial, css in classes.items() if css == "default"}
    return classes


def _curve_chart(results: Table, trials: Sequence[Table], lines: dict[int, Curve]) -> str:
    """The headline metric against the epoch, the trials that matter on top."""
    if not lines:
        return "<p>No evaluation was recorded.</p>"
    classes, by_number = _lineage(results, trials), {int(trial["trial"]): trial for trial in trials}
    points = [point for line in lines.values() for point in line]
    latest = max(x for x, _ in points)
    plot = Plot(Scale(0.0, latest * 1.02 or 1.0), Scale.shares(y for _, y in points),
                "epochs (passes over the training rows)", f"{results['metric_title']} on validation rows", height=320)
    for trial in sorted(lines, key=lambda n: (_ORDER[classes.get(n, "other")], n)):
        css, row = classes.get(trial, "other"), by_number.get(trial)
        title = f"trial {trial}" + (f" ({row['role']}, {row['state']})" if row else "")
        title = "this training" if results["command"] == "train" else title
        parent = _goes_on_from(row)
        line = _joined(lines, trial, parent, branch_share(row or {}, by_number.get(parent, {}) if parent is not None else {}))
        plot.line(line, css, f"{title}: ends at {figure(line[-1][1])}")
    present = {classes.get(trial, "other") for trial in lines}
    names = {"delivered": "delivered model", "default": "default recipe", "other": "other trials"}
    if results["command"] == "train":
        names["delivered"] = "this training"
    elif default_delivered(results):
        names["delivered"] = "default recipe (delivered)"
    legend = key((css, text, True) for css, text in names.items() if css in present)
    note = ("A final goes on from its trial's weights, so its line continues that trial's. A trial whose line ends "
            "early was stopped, or left where it was, because others looked better.")
    chart = plot.render(f"Curves of {count(len(lines), 'trial')} on the validation rows")
    return f'{legend}<div class="{_crowd(lines)}">{chart}</div>' + (
        f'<p class="soft">{note}</p>' if results["command"] == "tune" else "")


def _crowd(drawn: Collection[Any]) -> str:
    return "crowd" if len(drawn) > CROWD else ""


def _joined(lines: dict[int, Curve], trial: int, parent: int | None, share: float) -> Curve:
    """The trial's curve, begun at the last point of its parent before it branched off, after that share of its own epochs."""
    line = lines[trial]
    until = share * line[-1][0]
    before = [point for point in lines.get(parent, []) if point[0] < line[0][0] and point[0] <= until] if parent is not None else []
    return before[-1:] + line


def _trial_table(results: Table, trials: Sequence[Table], verdicts: Mapping[int, Verdict]) -> str:
    classes = _lineage(results, trials)
    names = varied(own_trials(trials))
    head = ["#trial", "role", "how it ended", *(["verdict"] if verdicts else []), "#score", "#epochs", "#seconds",
            *("#" + esc(name).replace("_", "_<wbr>") for name in names)]
    rows = [[esc(trial["trial"]), esc(trial["role"]) + _from(trial), _fate(trial),
             *([_verdict(trial, verdicts)] if verdicts else []), _figure(trial["score"], 3), _figure(trial["epochs"], 1),
             _figure(trial["seconds"], 1), *(_value(trial.get(name)) for name in names)] for trial in trials]
    best = results["best"]
    chosen = {best["trial"]: "chosen" if results.get("refit") else "delivered", best.get("refit"): "delivered"}
    marks = ["hit" if int(trial["trial"]) in chosen else "" for trial in trials]
    for row, trial in zip(rows, trials, strict=True):
        if int(trial["trial"]) in chosen:
            row[1] += f' <span class="tag hit">{chosen[int(trial["trial"])]}</span>'
        elif classes[int(trial["trial"])] == "default" and not is_default(trial):
            row[1] += ' <span class="tag default">default</span>'
    return table(head, rows, css="trials tall" if len(rows) > TALL else "trials", marks=marks)


def _from(trial: Table) -> str:
    parent = _parent(trial)
    return "" if parent is None else f" of {parent}"


def _fate(trial: Table) -> str:
    reason = short(trial["reason"], 160)
    return esc(trial["state"]) + (f"<small>{esc(reason)}</small>" if reason else "")


def _verdict(trial: Table, verdicts: Mapping[int, Verdict]) -> str:
    """The verdict; its evidence is shown on hovering, since most are alike."""
    found = verdicts.get(int(trial["trial"]))
    return EMPTY if found is None else f'<span title="{esc(found.evidence)}">{esc(found.kind.value)}</span>'


def _figure(value: Any, digits: int) -> str:
    found = number(value)
    return EMPTY if found is None else f"{found:.{digits}f}"


def _value(value: Any) -> str:
    found = number(value)
    if found is not None:
        return esc(shown(float(f"{found:.3g}")))
    return EMPTY if value in (None, "") else esc(shown(value))
