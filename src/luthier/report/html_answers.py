"""The page's section on what the model gets right and wrong: label by label, by kind of error, and row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.places import count, percent
from luthier.data.row import Kind
from luthier.explain.rows import number
from luthier.report.svg import Plot, Scale
from luthier.report.tags import EMPTY, esc, name, section, table
from luthier.report.wording import Table, amount, figure, judged_by, short
from luthier.tasks.registry import kind_named, of_tokens
from luthier.tasks.wording import wording_of

MOST_HEAT = 20
"""Labels up to which the confusion matrix is shown whole."""
MOST_CONFUSIONS = 15
ENTITY_ERRORS = {
    "correct": ("right", "the same words and the same label"),
    "wrong_type": ("wrong type", "the right words under another label"),
    "wrong_boundary": ("wrong boundary", "the right label on more, fewer or other words"),
    "both_wrong": ("wrong type and boundary", "overlaps an entity, but neither words nor label are right"),
    "missed": ("missed", "an entity where nothing was found"),
    "spurious": ("spurious", "something found where there is no entity"),
}
"""Title and meaning of what becomes of entities."""


def answers_section(results: Table) -> str:
    """What is right and wrong on the test rows."""
    details = results.get("details") or {}
    return section("answers", "What it gets right and wrong", _labels(results, details), _entity_errors(details),
                   _confusion(results["labels"], details.get("confusion")), _numbers(details), _mistakes(results))


def _labels(results: Table, details: Table) -> str:
    labels, scores, limits = results["labels"], details.get("per_label") or {}, details.get("thresholds") or {}
    if not labels:
        return ""
    entities, counts = of_tokens(results["task"]), results["counts"]
    most = max((counts.get(label, {}).get("train", 0) for label in labels), default=1) or 1
    body = []
    for label in labels:
        own, score = counts.get(label, {}), scores.get(label) or {}
        train = own.get("train", 0)
        bar = f'<div class="bar" style="--w:{100 * train / most:.0f}%">{train:,}</div>'
        body.append((name(label), bar, f"{own.get('validation', 0):,}", f"{score.get('rows', own.get('test', 0)):,.0f}",
                     *(EMPTY if score.get(part) is None else figure(score[part]) for part in ("precision", "recall", "f1")),
                     *([figure(limits.get(label))] if limits else [])))
    what = wording_of(results["task"]).counted
    head = ("label", f"#training {what}", "#validation", "#held out" if results.get("folds") else "#test", "#precision", "#recall",
            "#F1", *(["#given from"] if limits else []))
    tall = " tall" if len(labels) > MOST_HEAT else ""
    return "<h3>Label by label</h3>" + table(head, body, css=f"narrow{tall}") + (
        f'<p class="soft">On the {judged_by(results)}. Precision: of the {what} given the label, the share that have it. '
        f"Recall: of the {what} that have it, the share given it. F1 is the harmonic mean of both. On a handful of "
        f"{what} they are rough figures.{_threshold_note(limits)}{_reading_note(entities)}</p>")


def _threshold_note(limits: Table) -> str:
    return (" A label is given to a text where its score is at least the figure in the last column, which was tuned on the "
            "validation rows.") if limits else ""


def _reading_note(entities: bool) -> str:
    return " Entities are read from tags in the conventional way, as the pipeline serves them." if entities else ""


def _entity_errors(details: Table) -> str:
    errors: Mapping[str, int] = details.get("entity_errors") or {}
    if not errors:
        return ""
    most = max(errors.values()) or 1
    rows = [(esc(ENTITY_ERRORS.get(kind, (kind, ""))[0]), f'<span class="soft">{esc(ENTITY_ERRORS.get(kind, ("", ""))[1])}</span>',
             f'<div class="bar" style="--w:{100 * spans / most:.0f}%">{spans:,}</div>') for kind, spans in errors.items()]
    true = sum(errors.values()) - errors.get("spurious", 0)
    found = sum(errors.values()) - errors.get("missed", 0)
    return ("<h3>What becomes of entities</h3>" + table(("outcome", "", "#entities"), rows, css="narrow outcomes") +
            f'<p class="soft">True entities: {true:,}; found: {found:,}. A found entity is matched with the true '
            "one that it overlaps.</p>")


def _confusion(labels: Sequence[str], counts: Sequence[Sequence[float]] | None) -> str:
    if not counts:
        return ""
    return _heat(labels, counts) if len(counts) <= MOST_HEAT else _worst(labels, counts)


def _heat(labels: Sequence[str], counts: Sequence[Sequence[float]]) -> str:
    """The whole matrix, shaded by the share of each true label's rows."""
    body = []
    for true, row in enumerate(counts):
        total = sum(row) or 1
        cells = "".join(_heat_cell(value, value / total, true == predicted) for predicted, value in enumerate(row))
        body.append(f'<tr><th scope="row">{name(labels[true], 28)}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{name(label, 22)}</th>' for label in labels)
    few = " few" if len(labels) <= 5 and max(len(str(label)) for label in labels) <= 14 else ""
    return ("<h3>Which labels it confuses</h3>"
            '<p class="soft">Rows by true label (down) and predicted label (across). Blue: right; orange: '
            "confused; the stronger, the greater the share of the true label's rows.</p>"
            f'<div class="scroll heat{few}" tabindex="0"><table><thead><tr><th>true / predicted</th>{head}</tr></thead>'
            f'<tbody>{"".join(body)}</tbody></table></div>')


def _heat_cell(value: float, share: float, right: bool) -> str:
    if not value:
        return f'<td{" class=right" if right else ""}><span class="none">0</span></td>'
    return f'<td{" class=right" if right else ""} style="--a:{0.08 + 0.47 * share:.2f}">{value:g}</td>'


def _worst(labels: Sequence[str], counts: Sequence[Sequence[float]]) -> str:
    """The confusions that most test rows fall into."""
    pairs = [(value, true, predicted) for true, row in enumerate(counts) for predicted, value in enumerate(row)
             if true != predicted and value]
    if not pairs:
        return "<p>No row was given a wrong label.</p>"
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    body = [(name(labels[true]), name(labels[predicted]), f"{value:g}", percent(value / (sum(counts[true]) or 1)))
            for value, true, predicted in pairs[:MOST_CONFUSIONS]]
    return (f"<h3>Which labels it confuses</h3><p>The {len(body)} most frequent of {len(pairs)} kinds of confusion.</p>" +
            table(("true label", "predicted", "#rows", "#of that label's rows"), body, css="narrow"))


def _numbers(details: Table) -> str:
    """Predicted against true numbers, and the errors from the least to the greatest true number."""
    edges, counts, bands = details.get("edges") or [], details.get("counts") or [], details.get("by_number") or []
    if not counts:
        return ""
    plot = Plot(Scale(edges[0], edges[-1]), Scale(edges[0], edges[-1]), "true number", "predicted number", height=340)
    most = max(max(row) for row in counts) or 1
    for true, row in enumerate(counts):
        for predicted, rows in enumerate(row):
            if rows:
                plot.cell((edges[true], edges[true + 1]), (edges[predicted], edges[predicted + 1]), rows / most,
                          f"true {_band(edges, true)}, predicted {_band(edges, predicted)}: {count(rows, 'row')}")
    plot.line([(edges[0], edges[0]), (edges[-1], edges[-1])], "ideal", "as predicted, so true")
    body = [(f"{amount(band['low'])} to {amount(band['high'])}", f"{band['rows']:,}",
             *(amount(band[part]) for part in ("true", "predicted", "error"))) for band in bands]
    return ('<h3>Predicted against true numbers</h3><div class="square">' + plot.render("Predicted against true numbers") + "</div>"
            '<p class="soft">The darker a field, the more rows. On the dashed line the prediction is right.</p>' +
            table(("true number", "#rows", "#mean true", "#mean predicted", "#mean error, either way"), body, css="narrow"))


def _band(edges: Sequence[float], at: int) -> str:
    return f"{amount(edges[at])} to {amount(edges[at + 1])}"


def _mistakes(results: Table) -> str:
    examples = results.get("examples") or []
    if not examples:
        return ""
    title, said, head = wording_of(results["task"]).mistakes
    body = [(_texts(example), name(example["label"], 200), name(example["predicted"], 200),
             _score(results["task"], example["score"])) for example in examples]
    return f"<h3>{title}</h3><p>{said} Read them: some may carry a wrong label, and then the true figure is higher.</p>" + table(
        ("text", *head), body)


def _texts(example: Table) -> str:
    texts = [example["text"], *([example["pair"]] if example.get("pair") is not None else [])]
    return "<hr>".join(f"<bdi>{esc(short(text, 300))}</bdi>" for text in texts)


def _score(task: str, value: Any) -> str:
    if of_tokens(task) and not number(value):
        return EMPTY
    return amount(value) if kind_named(task) is Kind.NUMBER else figure(value)
