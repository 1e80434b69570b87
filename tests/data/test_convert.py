"""Conversion: each format's sample to every format that is written and back, without losing a label or a span."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from luthier.data.convert import WRITERS, convert
from luthier.data.load import read_file
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Row, Span, Target
from luthier.errors import ConfigError, DataError

SUFFIX = {"jsonl": ".jsonl", "conll": ".conll", "label-studio": ".json", "prodigy": ".jsonl"}
CLASSES: list[tuple[str, Target]] = [("great film", "pos"), ("Terrible service.", "neg")]
LABELS: list[tuple[str, Target]] = [("crash in menu", ("bug", "ui")), ("slow", ("bug",)), ("thanks", ())]
SPANS: list[tuple[str, Target]] = [
    ("EU rejects German call", (Span(0, 2, "ORG"), Span(11, 17, "MISC"))), ("Peter left", (Span(0, 5, "PER"),)), ("nothing", ())]


def lines(*items: Any) -> str:
    return "".join(f"{json.dumps(item)}\n" for item in items)


def dicts(target: Target) -> list[dict[str, Any]]:
    return [{"start": span.start, "end": span.end, "label": span.label} for span in target]  # type: ignore[union-attr]


def triples(target: Target) -> list[list[Any]]:
    return [[span.start, span.end, span.label] for span in target]  # type: ignore[union-attr]


def ls_choices(rows: list[tuple[str, Target]]) -> str:
    return json.dumps([{"id": number, "data": {"text": text}, "annotations": [{"was_cancelled": False, "result": [
        {"from_name": "c", "to_name": "text", "type": "choices", "value": {
            "choices": [target] if isinstance(target, str) else list(target)}}]}]}  # type: ignore[arg-type]
        for number, (text, target) in enumerate(rows, 1)])


def ls_spans(rows: list[tuple[str, Target]]) -> str:
    return json.dumps([{"id": number, "data": {"text": text}, "annotations": [{"was_cancelled": False, "result": [
        {"from_name": "l", "to_name": "text", "type": "labels", "value": {
            "start": span.start, "end": span.end, "text": text[span.start:span.end], "labels": [span.label]}}
        for span in target]}]} for number, (text, target) in enumerate(rows, 1)])  # type: ignore[union-attr]


def conll(rows: list[tuple[str, Target]], separator: str = "\t") -> str:
    found = ""
    for text, target in rows:
        place = 0
        for word in text.split():
            span = next((span for span in target if span.start <= place < span.end), None)  # type: ignore[union-attr]
            tag = "O" if span is None else f"{'B' if span.start == place else 'I'}-{span.label}"
            found += f"{word}{separator}{tag}\n"
            place += len(word) + 1
        found += "\n"
    return found


def write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    for cells in (("text", "label"), *CLASSES):
        book.active.append(list(cells))
    book.save(path)


def write_docs(path: Path) -> None:
    vocab, docs = spacy.blank("xx"), []
    for text, target in SPANS:
        doc = vocab(text)
        doc.set_ents([doc.char_span(*triple) for triple in triples(target)])
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)


def write_arrow(rows: list[dict[str, Any]], names: list[str] | None = None) -> Callable[[Path], None]:
    """Writes an Arrow or a Parquet file; `names` are those of the class numbers in the column `ner_tags`."""
    table = pa.Table.from_pylist(rows)
    if names:
        features = {"ner_tags": {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})

    def write(path: Path) -> None:
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        else:
            with pa.ipc.new_file(path, table.schema) as stream:
                stream.write_table(table)

    return write


def write_saved(path: Path) -> None:
    datasets.Dataset.from_list([{"text": text, "spans": dicts(found)} for text, found in SPANS]).save_to_disk(path)


def tagged(rows: list[tuple[str, Target]]) -> list[dict[str, Any]]:
    return [{"tokens": text.split(), "ner_tags": [line.split()[1] for line in conll([(text, found)]).splitlines() if line]}
            for text, found in rows]


TAGS = sorted({tag for row in tagged(SPANS) for tag in row["ner_tags"]})
CHOICES = [{"id": name} for name in ("bug", "ui", "pos", "neg")]
SAMPLES: dict[str, tuple[str, str | Callable[[Path], None], list[tuple[str, Target]]]] = {
    "csv": ("a.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in CLASSES), CLASSES),
    "tsv": ("a.tsv", "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in CLASSES), CLASSES),
    "csv with stringified lists": ("a.csv", "tokens,tags\n" + "".join(
        f'"{text.split()}","{[line.split()[1] for line in conll([(text, target)]).splitlines() if line]}"\n'
        for text, target in SPANS), SPANS),
    "parquet": ("a.parquet", write_arrow([{"text": text, "label": label} for text, label in CLASSES]), CLASSES),
    "parquet of numbered tags": ("a.parquet", write_arrow([
        row | {"ner_tags": [TAGS.index(tag) for tag in row["ner_tags"]]} for row in tagged(SPANS)], TAGS), SPANS),
    "arrow of labels": ("a.arrow", write_arrow([{"text": text, "labels": list(found)} for text, found in LABELS]), LABELS),
    "feather of spans": ("a.feather", write_arrow([{"text": text, "spans": dicts(found)} for text, found in SPANS]), SPANS),
    "data set saved to disk": ("saved", write_saved, SPANS),
    "xlsx": ("a.xlsx", write_xlsx, CLASSES),
    "jsonl of classes": ("a.jsonl", lines(*({"text": text, "label": label} for text, label in CLASSES)), CLASSES),
    "jsonl of labels": ("a.jsonl", lines(*({"text": text, "labels": list(found)} for text, found in LABELS)), LABELS),
    "jsonl of tags": ("a.jsonl", lines(*tagged(SPANS)), SPANS),
    "jsonl of spans": ("a.jsonl", lines(*({"text": text, "spans": dicts(found)} for text, found in SPANS)), SPANS),
    "json": ("a.json", json.dumps([{"text": text, "label": label} for text, label in CLASSES]), CLASSES),
    "fastText": ("a.txt", "".join(f"__label__{label} {text}\n" for text, label in CLASSES), CLASSES),
    "fastText of labels": ("a.ft", "".join(
        f"{' '.join(f'__label__{name}' for name in found)} {text}\n" for text, found in LABELS), LABELS),
    "CoNLL": ("a.conll", conll(SPANS), SPANS),
    "CoNLL of four columns": ("a.txt", "-DOCSTART- -X- -X- O\n\n" + conll(SPANS, " NNP I-NP "), SPANS),
    "DocBin": ("a.spacy", write_docs, SPANS),
    "spaCy tuples": ("a.json", json.dumps([[text, {"entities": triples(found)}] for text, found in SPANS]), SPANS),
    "spaCy tuples of categories": ("a.jsonl", lines(*([text, {"cats": {name: float(name == label) for name in ("pos", "neg")}}]
                                                      for text, label in CLASSES)), CLASSES),
    "Label Studio of classes": ("a.json", ls_choices(CLASSES), CLASSES),
    "Label Studio of labels": ("a.json", ls_choices(LABELS), LABELS),
    "Label Studio of spans": ("a.json", ls_spans(SPANS), SPANS),
    "JSON-MIN": ("a.json", json.dumps([{"text": text, "id": number, "sentiment": label, "annotator": 1, "annotation_id": number}
                                       for number, (text, label) in enumerate(CLASSES, 1)]), CLASSES),
    "JSON-MIN of spans": ("a.json", json.dumps([{"text": text, "id": number, "ner": [
        {"start": span["start"], "end": span["end"], "text": text[span["start"]:span["end"]], "labels": [span["label"]]}
        for span in dicts(found)], "annotator": 1, "annotation_id": number}
        for number, (text, found) in enumerate(SPANS, 1)]), SPANS),
    "Argilla in a parquet file": ("a.parquet", write_arrow([{
        "text": text, "q.responses": [label], "q.responses.status": ["submitted"], "q.responses.users": ["u"]}
        for text, label in CLASSES]), CLASSES),
    "Prodigy of classes": ("a.jsonl", lines(*({"text": text, "options": CHOICES, "accept": [label], "answer": "accept"}
                                              for text, label in CLASSES)), CLASSES),
    "Prodigy of labels": ("a.jsonl", lines(*({"text": text, "options": CHOICES, "accept": list(found), "answer": "accept"}
                                             for text, found in LABELS)), LABELS),
    "Prodigy binary": ("a.jsonl", lines(*({"text": text, "label": label, "answer": "accept"} for text, label in CLASSES)), CLASSES),
    "Prodigy of spans": ("a.jsonl", lines(*({"text": text, "spans": dicts(found), "answer": "accept"} for text, found in SPANS)),
                         SPANS),
    "Doccano of classes": ("a.jsonl", lines(*({"id": 1, "text": text, "label": [label]} for text, label in CLASSES)), CLASSES),
    "Doccano of labels": ("a.jsonl", lines(*({"text": text, "label": list(found)} for text, found in LABELS)), LABELS),
    "Doccano of spans": ("a.jsonl", lines(*({"text": text, "label": triples(found)} for text, found in SPANS)), SPANS),
    "Doccano of entities": ("a.jsonl", lines(*({"text": text, "entities": [
        {"id": 1, "label": span["label"], "start_offset": span["start"], "end_offset": span["end"]} for span in dicts(found)],
        "relations": []} for text, found in SPANS)), SPANS),
    "Argilla of classes": ("a.jsonl", lines(*({"text": text, "label.responses": [label], "label.responses.status": ["submitted"],
                                               "label.responses.users": ["u"]} for text, label in CLASSES)), CLASSES),
    "Argilla of labels": ("a.jsonl", lines(*({"text": text, "label.responses": [list(found)], "label.responses.status": [
        "submitted"], "label.responses.users": ["u"]} for text, found in LABELS)), LABELS),
    "Argilla of spans": ("a.json", json.dumps([{"fields": {"text": text}, "responses": {"ner": [
        {"value": dicts(found), "user_id": "u"}]}} for text, found in SPANS]), SPANS),
}


def content(rows: list[Row]) -> list[tuple[str, Target | None]]:
    return [(row.text, row.target) for row in rows]


@pytest.fixture
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[tuple[str, Target]]]:
    file, given_content, rows = SAMPLES[request.param]
    path = tmp_path / file
    if isinstance(given_content, str):
        path.write_text(given_content, encoding="utf-8")
    else:
        given_content(path)
    return path, rows


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("sample", SAMPLES, indirect=True)
def test_every_sample_survives_every_format_that_can_hold_it(sample: tuple[Path, list[tuple[str, Target]]], format: str,
                                                             tmp_path: Path) -> None:
    path, rows = sample
    output = tmp_path / f"out{SUFFIX[format]}"
    if format == "conll" and rows is not SPANS:
        with pytest.raises(ConfigError, match="CoNLL holds entities"):
            convert(path, output, format)
        return
    done = convert(path, output, format)
    kind, again, _ = read_file(output)
    assert (kind, content(again)) == (done.kind, rows)
    assert done.rows == len(rows)


WORD = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Z")), min_size=1, max_size=5)

COUNTED = ("😀a", (Span(1, 2, "A"),))
"""A row whose offsets can only be characters, so that cut words in the others do not look like UTF-16 units."""


@st.composite
def spanned(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """A text and spans in it that do not overlap, begin or end with white space."""
    text = draw(st.lists(WORD | st.sampled_from([" ", "  ", "\n", "😀", ".", "a b"]), min_size=1, max_size=8).map("".join))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = [Span(start, end, draw(st.sampled_from(["A", "b-c", "D e"]))) for start, end in itertools.pairwise(cuts)
             if draw(st.booleans()) and text[start:end].strip() == text[start:end]]
    return text, tuple(spans)


@settings(max_examples=60)
@given(rows=st.lists(spanned(), min_size=1, max_size=4), format=st.sampled_from(["jsonl", "label-studio", "prodigy"]))
def test_spans_survive_formats_that_hold_texts(rows: list[tuple[str, tuple[Span, ...]]], format: str,
                                               tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("spans")
    rows = [(text, spans) for text, spans in rows if text.strip()] + [COUNTED]
    convert([{"text": text, "spans": dicts(spans)} for text, spans in rows], folder / f"a{SUFFIX[format]}", format)
    assert content(read_file(folder / f"a{SUFFIX[format]}")[1]) == rows


@settings(max_examples=60)
@given(rows=st.lists(spanned(), min_size=1, max_size=4))
def test_spans_survive_conll_but_for_spaces(rows: list[tuple[str, tuple[Span, ...]]],
                                            tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("conll")
    rows = [(text, spans) for text, spans in rows if text.strip()] + [COUNTED]
    done = convert([{"text": text, "spans": dicts(spans)} for text, spans in rows], folder / "a.conll")
    again = read_file(folder / "a.conll")[1]
    for (text, spans), row in zip(rows, again, strict=True):
        assert "".join(row.text.split()) == "".join(text.split())
        assert isinstance(row.target, tuple)
        assert [("".join(row.text[span.start:span.end].split()), span.label) for span in row.target if isinstance(span, Span)] == [
            ("".join(text[span.start:span.end].split()), span.label) for span in spans]
    changed = [number for number, ((text, _), row) in enumerate(zip(rows, again, strict=True), 1) if text != row.text]
    assert changed == [place.line for finding in done.findings if finding.code == "spacing" for place in finding.rows]


def test_conll_keeps_tokens_that_single_spaces_part(tmp_path: Path) -> None:
    rows = [{"text": "in the U.S. today", "spans": [{"start": 7, "end": 11, "label": "LOC"}]}]
    assert convert(rows, tmp_path / "a.conll").findings == ()
    assert (tmp_path / "a.conll").read_text() == "in\tO\nthe\tO\nU.S.\tB-LOC\ntoday\tO\n\n"


def test_conll_keeps_documents(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("-DOCSTART- (first) O\n\nPeter B-PER\n\nleft O\n\n-DOCSTART- (b) O\n\nEU B-ORG\n")
    convert(tmp_path / "a.conll", tmp_path / "b.conll")
    assert [row.group for row in read_file(tmp_path / "b.conll")[1]] == ["first", "first", "b"]


def test_conll_refuses_a_label_that_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the label 'a\\tb' .* holds a tab"):
        convert([{"text": "EU", "spans": [{"start": 0, "end": 2, "label": "a\tb"}]}], tmp_path / "a.conll")
    assert not (tmp_path / "a.conll").exists()


def test_scores_and_pairs_are_kept(tmp_path: Path) -> None:
    rows = [{"text": f"one {i}", "text_pair": f"two {i}", "label": i / 7} for i in range(1, 40)]
    for name in ("a.jsonl", "a.json"):
        assert convert(rows, tmp_path / name).kind is Kind.NUMBER
        kind, again, _ = read_file(tmp_path / name)
        assert kind is Kind.NUMBER
        assert [(row.text, row.pair, row.target) for row in again] == [tuple(row.values()) for row in rows]
    with pytest.raises(ConfigError, match="Prodigy has no task whose answer is a number"):
        convert(rows, tmp_path / "p.jsonl", "prodigy")


def test_convert_says_which_columns_are_not_kept(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "p", "source": "web", "user": 7}, {"text": "b", "label": "n", "source": "web", "user": 8}]
    done = convert(rows, tmp_path / "a.jsonl", options=DataOptions(group_column="user"))
    assert "without the columns 'source'" in str(done.findings[-1])
    assert json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0]) == {"text": "a", "group": "7", "label": "p"}


@pytest.mark.parametrize(("output", "format", "message"), [
    ("a.xyz", None, "no format is known by '.xyz'. Give --format jsonl|conll|label-studio|prodigy"),
    ("a.jsonl", "xml", "--format xml: no such format"), ("a.csv", "prodigy", "ends in .jsonl"),
    ("there.jsonl", None, "is there already"), ("none/a.jsonl", None, "there is no folder"),
])
def test_convert_refuses_a_wrong_output_before_it_reads(tmp_path: Path, output: str, format: str | None, message: str) -> None:
    (tmp_path / "there.jsonl").write_text("kept")
    with pytest.raises(ConfigError, match=message.replace("|", r"\|")):
        convert(tmp_path / "none.csv", tmp_path / output, format)
    assert (tmp_path / "there.jsonl").read_text() == "kept"


def test_convert_without_any_labelled_row_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,\n,b\n")
    with pytest.raises(DataError, match=r"a\.csv: no row can be converted\.\na\.csv: 1 row with empty text"):
        convert(tmp_path / "a.csv", tmp_path / "b.jsonl")


def test_conll_invents_no_document_for_rows_of_none(tmp_path: Path) -> None:
    rows = [{"text": "Ana in Rome", "spans": [{"start": 7, "end": 11, "label": "x"}], "group": group}
            for group in ("one", None, "two", None, "one")]
    done = convert([{**row, "text": f"{row['text']} {number}"} for number, row in enumerate(rows)], tmp_path / "a.conll",
                   options=DataOptions(group_column="group"))
    _, again, _ = read_file(tmp_path / "a.conll")
    assert [(row.text[-1], row.group) for row in again] == [("1", None), ("3", None), ("0", "one"), ("2", "two"), ("4", "one")]
    (moved,) = [finding for finding in done.findings if finding.code == "order"]
    assert [place.line for place in moved.rows] == [2, 4]
