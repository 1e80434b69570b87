"""The page's section on the data: rows, labels, what was odd about them, and where the model goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.report.tags import EMPTY, esc, name, paragraphs, section, table
from luthier.report.wording import Table, figure, per_label_f1, short

MOST_HEAT = 20
"""Labels up to which the confusion matrix is shown whole."""
MOST_CONFUSIONS = 15
_SPLITS = ("train", "validation", "test")


def data_section(results: Table) -> str:
    """What the model learnt from, and its mistakes on the test rows."""
    rows = results["rows"]
    notes = "".join(f"<li>{esc(short(note, 400))}</li>" for note in results.get("notes") or [] if short(note, 9))
    return section(
        "data", "The data",
        f"<p>{rows['train']:,} rows to train on, {rows['validation']:,} to choose by (validation) and "
        f"{rows['test']:,} to judge by (test). At most {results['max_length']:,} tokens of a text are read.</p>",
        paragraphs(["How they were split: " + results["split"].rstrip(".") + "."]),
        f"<ul>{notes}</ul>" if notes else "", "<h3>Labels</h3>", _labels(results), _confusion(results),
        _mistakes(results))


def _labels(results: Table) -> str:
    counts, labels = results["counts"], results["labels"]
    scores = per_label_f1(results["confusion"]) if results.get("confusion") else [None] * len(labels)
    most = max((counts[label]["train"] for label in labels if label in counts), default=1) or 1
    body = []
    for label, score in zip(labels, scores, strict=True):
        own = counts.get(label, {})
        train = own.get("train", 0)
        bar = f'<div class="bar" style="--w:{100 * train / most:.0f}%">{train:,}</div>'
        body.append((name(label), bar, *(f"{own.get(split, 0):,}" for split in _SPLITS[1:]),
                     EMPTY if score is None else figure(score)))
    tall = " tall" if len(labels) > MOST_HEAT else ""
    return table(("label", "#training rows", "#validation", "#test", "#F1 on test"), body, css=f"narrow{tall}") + (
        '<p class="soft">F1 is the harmonic mean of how many of a label\'s rows are found and how many rows given '
        "the label have it; on a handful of test rows it is a rough figure.</p>")


def _confusion(results: Table) -> str:
    counts = results.get("confusion")
    if not counts:
        return ""
    return _heat(results["labels"], counts) if len(counts) <= MOST_HEAT else _worst(results["labels"], counts)


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
            '<p class="soft">Test rows by true label (down) and predicted label (across). Blue: right; orange: '
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
        return "<p>No test row was given a wrong label.</p>"
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    body = [(name(labels[true]), name(labels[predicted]), f"{value:g}",
             f"{100 * value / (sum(counts[true]) or 1):.0f} %")
            for value, true, predicted in pairs[:MOST_CONFUSIONS]]
    return (f"<h3>Which labels it confuses</h3><p>The {len(body)} most frequent of {len(pairs)} kinds of confusion on "
            "the test rows.</p>" +
            table(("true label", "predicted", "#rows", "#of that label's test rows"), body, css="narrow"))


def _mistakes(results: Table) -> str:
    examples = results.get("examples") or []
    if not examples:
        return ""
    body = [(f"<bdi>{esc(short(example['text'], 300))}</bdi>", name(example["label"]), name(example["predicted"]),
             figure(example["score"])) for example in examples]
    return ("<h3>Confident mistakes</h3><p>Test rows that it got wrong with the highest scores. Read them: some may "
            "carry a wrong label, and then the true figure is higher.</p>" +
            table(("text", "true label", "predicted", "#score"), body))
