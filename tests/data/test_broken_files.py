"""Broken and odd files over all formats: each is refused with one clear error, or repaired by name and count, so that the
rows of the file are those used and those reported; nothing else is ever raised.
"""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from spacy.tokens import DocBin

from luthier.data.findings import Finding
from luthier.data.load import read_file
from luthier.data.options import DataOptions
from luthier.errors import DataError

LEFT_OUT = ("left-out", "annotators", "empty-text", "empty-pair", "no-label")
"""The findings whose rows are not used."""


@dataclass(frozen=True)
class Case:
    """A file: either `error` is in the message, or `rows` are read, `left` reported as not used, and `codes` found."""

    name: str
    file: str
    content: bytes
    error: str = ""
    rows: int = 0
    left: int = 0
    codes: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def lines(*items: Any) -> bytes:
    return "".join(f"{json.dumps(item)}\n" for item in items).encode()


def array(*items: Any) -> bytes:
    return json.dumps(items).encode()


def ls(text: Any, *results: Any, key: str = "text", **more: Any) -> dict[str, Any]:
    """A task of Label Studio with one annotation for each list of results."""
    return {"data": {key: text}, "annotations": [{"result": found} for found in results]} | more


def choice(*names: Any) -> dict[str, Any]:
    return {"from_name": "c", "type": "choices", "value": {"choices": list(names)}}


def region(start: Any, end: Any, *names: Any, text: str | None = None) -> dict[str, Any]:
    stored = {} if text is None else {"text": text}
    return {"from_name": "l", "type": "labels", "value": {"start": start, "end": end, "labels": list(names)} | stored}


def mark(start: Any, end: Any, label: Any = "X") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def argilla(text: str, values: Any, statuses: Any = None, users: Any = None) -> dict[str, Any]:
    return {"text": text, "q.responses": values, "q.responses.status": statuses, "q.responses.users": users}


def workbook(*rows: list[Any], sheets: int = 1) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for cells in rows:
        book.active.append(cells)
    for _ in range(sheets - 1):
        book.create_sheet()
    book.save(stream)
    return stream.getvalue()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def ipc(rows: list[dict[str, Any]], opened: Callable[..., Any] = pa.ipc.new_file, names: list[str] | None = None) -> bytes:
    stream, table = io.BytesIO(), pa.Table.from_pylist(rows)
    if names:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    with opened(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


def docs(*given: tuple[str, list[tuple[int, int, str]] | None, dict[str, float]]) -> bytes:
    vocab, made = spacy.blank("xx"), []
    for text, spans, cats in given:
        doc = vocab(text)
        if spans is not None:
            doc.set_ents([doc.char_span(*span) for span in spans])
        doc.cats = cats
        made.append(doc)
    return DocBin(docs=made).to_bytes()


GOOD = [{"text": "a fine day", "label": "p"}, {"text": "a bad day", "label": "n"}]
CSV = b"text,label\na fine day,p\na bad day,n\n"
CONLL = b"New\tB-LOC\nYork\tI-LOC\n\nhere\tO\n"
ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w") as packed:
    packed.writestr("a.txt", "no workbook")

CASES = [
    # CSV and TSV
    Case("empty", "a.csv", b"", error="the file is empty."),
    Case("blank", "a.csv", b" \n\n", error="the file is empty."),
    Case("header alone", "a.csv", b"text,label\n", rows=0),
    Case("byte-order mark", "a.csv", b"\xef\xbb\xbf" + CSV, rows=2),
    Case("windows line ends", "a.csv", CSV.replace(b"\n", b"\r\n"), rows=2),
    Case("old mac line ends", "a.csv", CSV.replace(b"\n", b"\r"), rows=2),
    Case("cp1252", "a.csv", CSV + "café,p\n".encode("cp1252"),
         error="line 4: byte 0xe9 at offset 39 is not UTF-8. If it is cp1252,"),
    Case("cp1252, told", "a.csv", CSV + "café,p\n".encode("cp1252"), options={"encoding": "cp1252"}, rows=3),
    Case("cp1252, told, with a byte it lacks", "a.csv", CSV + b"\x81,p\n", options={"encoding": "cp1252"},
         error="line 4: byte 0x81 at offset 36 is not cp1252. Give the --encoding"),
    Case("utf-16", "a.csv", CSV.decode().encode("utf-16"), error="the file is UTF-16, but only UTF-8 is read unless told"),
    Case("utf-16, told", "a.csv", CSV.decode().encode("utf-16"), options={"encoding": "utf-16"}, rows=2),
    Case("utf-16 cut in half", "a.csv", CSV.decode().encode("utf-16")[:-1], options={"encoding": "utf-16"},
         error="line 3: byte 0x0a at offset 72 is not utf-16. Give the --encoding"),
    Case("utf-8 of odd length, told utf-16", "a.csv", CSV + b"a,pp\n" if len(CSV) % 2 == 0 else CSV, options={"encoding": "utf-16"},
         error="is not utf-16. It is UTF-8: leave out --encoding."),
    Case("utf-8, told utf-16", "a.csv", CSV, options={"encoding": "utf-16"}, error="No column for the text and the label. Found:"),
    Case("NUL", "a.csv", b"text,label\na\0b,p\n", error="line 2: byte 0x00 at offset 12 does not occur in text. Is"),
    Case("ragged", "a.csv", CSV + b"one,two,three\nalone\n", error="each row must have the 2 fields of the header (text, label),"),
    Case("open quote", "a.csv", CSV + b'"open,p\n', error="line 4: a field opens with a double quote that is never"),
    Case("text after a quote", "a.csv", CSV + b'"so" it is,p\n',
         error="line 4: a quoted field goes on after its closing quote. Write"),
    Case("column twice", "a.csv", b"text,label,label\na,b,c\n",
         error="more than one column is called 'label'. Rename or remove one."),
    Case("column without a name", "a.csv", b"text,label,\na,b,c\n",
         error="column 3 has no name. Name it in the header, or remove it"),
    Case("other columns", "a.csv", b"body_of_it,verdict\na,b\n",
         error="No column has a usual name for the text or the label. Found:"),
    Case("one column", "a.csv", b"text\na\n", error="No column for the label. Found: text. Labelled data needs a"),
    Case("tabs in .csv", "a.csv", b"text\tlabel\na\tb\n", error="its header has tabs and no comma. Name the file .tsv, or save"),
    Case("semicolons", "a.csv", b"text;label\na;p\nb;n\n", rows=2),
    Case("empty texts and labels", "a.csv", CSV + b",p\nno label,\n  ,n\n", rows=2, left=3, codes=("empty-text", "no-label")),
    Case("spaces around a label", "a.csv", CSV + b"third, p \n", rows=3, codes=("spaced-label",)),
    Case("huge cell", "a.csv", CSV + b"x" * 400_000 + b",p\n", rows=3),
    Case("stringified lists", "a.csv", b"tokens,tags\n\"['I','live']\",\"['O','B-X']\"\n", rows=1),
    Case("stringified lists of two lengths", "a.csv", b"tokens,tags\n\"['I','live']\",\"['O']\"\n",
         error="1 row whose label cannot be read (column 'tags'): line 2: 2"),
    Case("stringified list that is broken", "a.csv", b"tokens,tags\n\"['I','live']\",\"['O','B-X']\"\n\"['I',\",\"['O']\"\n",
         error="1 row whose label cannot be read (column 'tags'): line 3:"),
    Case("0/1 columns with another value", "a.csv", b"text,x,y\na,1,0\nb,0,2\n", options={"label_columns": ("x", "y")},
         error="1 row whose label cannot be read (column 'x', 'y'): line 3:"),
    Case("tsv ragged", "a.tsv", b"text\tlabel\na\tb\tc\n", error="each row must have the 2 fields of the header (text, label),"),
    Case("tsv that is CoNLL", "a.tsv", CONLL, rows=2, codes=("read-as",)),
    Case("an image", "a.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
         error="line 3: byte 0x00 at offset 8 does not occur in text. Is this"),
    # XLSX
    Case("xlsx empty file", "a.xlsx", b"", error="the file is empty."),
    Case("xlsx of other bytes", "a.xlsx", b"text,label\na,b\n", error="not an XLSX workbook that openpyxl can read (broken,"),
    Case("xlsx truncated", "a.xlsx", workbook(["text", "label"], ["a", "b"])[:900],
         error="not an XLSX workbook that openpyxl can read (broken,"),
    Case("xlsx that is another zip", "a.xlsx", ZIP.getvalue(), error="not an XLSX workbook that openpyxl can read (broken,"),
    Case("xlsx with an empty sheet", "a.xlsx", workbook(), error="the file is empty: its first sheet 'Sheet' has no cells."),
    Case("xlsx with an empty first sheet of two", "a.xlsx", workbook(sheets=2),
         error="the file is empty: its first sheet 'Sheet' has no cells. Its"),
    Case("xlsx with two sheets", "a.xlsx", workbook(["text", "label"], ["a", "p"], ["b", "n"], sheets=2),
         rows=2, codes=("other-sheets",)),
    Case("xlsx with a nameless column", "a.xlsx", workbook(["text", None, "label"], ["a", 1, "b"]),
         error="column 2 has no name. Name it in the header, or remove it"),
    Case("xlsx with a column twice", "a.xlsx", workbook(["text", "text"], ["a", "b"]),
         error="more than one column is called 'text'. Rename or remove one."),
    Case("xlsx with blank rows and empty cells", "a.xlsx",
         workbook([None], ["text", "label"], ["a", "p"], [None, None], ["b", None], [None, "n"], ["c", "n"]),
         rows=2, left=2, codes=("empty-text", "no-label")),
    Case("xlsx with a failed formula", "a.xlsx", workbook(["text", "label"], ["a", "p"], ["b", "#N/A"], ["c", "n"]),
         rows=2, left=1, codes=("formula-errors", "no-label")),
    Case("xlsx with numbers and dates", "a.xlsx", workbook(["text", "label"], [3.0, 1], [datetime.date(2020, 1, 2), 2]), rows=2),
    Case("xls", "a.xls", b"\xd0\xcf\x11\xe0", error="files ending in '.xls' are not read. Known: .csv, .tsv,"),
    # JSON lines
    Case("jsonl empty", "a.jsonl", b"\n", error="the file is empty."),
    Case("jsonl truncated", "a.jsonl", lines(*GOOD)[:-10], error="line 2: not JSON: Unterminated string at column"),
    Case("jsonl with an array", "a.jsonl", lines(*GOOD, [1, 2]),
         error="line 3: each line must be an object such as {\"text\": …,"),
    Case("jsonl with a string", "a.jsonl", lines(*GOOD, "text"),
         error="line 3: each line must be an object such as {\"text\": …,"),
    Case("jsonl with null", "a.jsonl", lines(*GOOD, None), error="line 3: each line must be an object such as {\"text\": …,"),
    Case("jsonl with a key twice", "a.jsonl", lines(*GOOD) + b'{"text": "a", "label": "p", "label": "n"}\n',
         error="line 3: the key 'label' stands twice in one object; remove"),
    Case("jsonl nested deeply", "a.jsonl", b"[" * 100_000, error="line 1: not readable: nested too deeply; write flat objects."),
    Case("jsonl with a number of many digits", "a.jsonl", b'{"text": "a", "label": ' + b"1" * 5000 + b"}\n",
         error="line 1: a number of 5,000 digits; write it as text, or"),
    Case("jsonl with a half surrogate", "a.jsonl", lines(*GOOD) + b'{"text": "cut \\ud83d", "label": "p"}\n',
         rows=3, codes=("half-character",)),
    Case("jsonl with NUL escaped", "a.jsonl", lines(*GOOD, {"text": "a\0b", "label": "p"}), rows=3),
    Case("jsonl with a byte-order mark", "a.jsonl", b"\xef\xbb\xbf" + lines(*GOOD), rows=2),
    Case("jsonl with windows line ends", "a.jsonl", lines(*GOOD).replace(b"\n", b"\r\n"), rows=2),
    Case("jsonl in latin-1", "a.jsonl", b'{"text": "caf\xe9", "label": "p"}\n',
         error="line 1: byte 0xe9 at offset 13 is not UTF-8. If it is cp1252,"),
    Case("jsonl without keys", "a.jsonl", lines({}, {}), error="it has no rows. Give rows with a text and a label."),
    Case("jsonl with NaN labels", "a.jsonl", lines(*GOOD) + b'{"text": "c", "label": NaN}\n', rows=2, left=1, codes=("no-label",)),
    Case("jsonl with an infinite score", "a.jsonl", lines(*({"text": str(i), "label": i / 7} for i in range(1, 40))) +
         b'{"text": "c", "label": Infinity}\n', error="1 row whose label cannot be read (column 'label'): line 40:"),
    Case("jsonl of mixed shapes", "a.jsonl", lines(*GOOD, {"body": "other", "tag": "x"}), rows=2, left=1, codes=("empty-text",)),
    Case("jsonl with an object as text", "a.jsonl", lines(*GOOD, {"text": {"en": "x"}, "label": "p"}),
         error="1 row with a list, an object or bytes as text (line 3). A"),
    Case("jsonl with an object as label", "a.jsonl", lines(*GOOD, {"text": "x", "label": {"name": "p"}}),
         error="1 row whose label cannot be read (column 'label'): line 3: a"),
    Case("jsonl with lists among names", "a.jsonl", lines(*GOOD, {"text": "x", "label": ["p", "q"]}),
         error="1 row whose label cannot be read (column 'label'): line 3: a"),
    Case("jsonl with an empty list of labels", "a.jsonl", lines({"text": "x", "labels": ["p", "q"]}, {"text": "y", "labels": []}),
         rows=2),
    Case("jsonl with lists in lists", "a.jsonl", lines({"text": "x", "labels": ["p", ["q"]]}),
         error="1 row whose label cannot be read (column 'labels'): line 1: a"),
    Case("jsonl with tokens and tags of two lengths", "a.jsonl", lines({"tokens": ["a", "b"], "tags": ["O"]}),
         error="1 row whose label cannot be read (column 'tags'): line 1: 2"),
    Case("jsonl with tags that break their scheme", "a.jsonl",
         lines({"tokens": ["a", "b"], "tags": ["B-X", "I-X"]}, {"tokens": ["c", "d"], "tags": ["O", "I-X"]}),
         rows=2, codes=("broken-tags",)),
    Case("jsonl with empty tokens", "a.jsonl", lines({"tokens": ["a"], "tags": ["B-X"]}, {"tokens": [], "tags": []}),
         rows=1, left=1, codes=("empty-text",)),
    # Spans
    Case("span past the end", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(3, 40)]}),
         error="line 1: the span [3, 40] 'X' reaches beyond its text of 10"),
    Case("span before the start", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(-2, 2)]}),
         error="line 1: the span [-2, 2] 'X' reaches beyond its text of 10"),
    Case("empty span", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(2, 2)]}),
         error="line 1: the span [2, 2] 'X' has no character between its"),
    Case("span backwards", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(5, 2)]}),
         error="line 1: the span [5, 2] 'X' has no character between its"),
    Case("span with text offsets", "a.jsonl", lines({"text": "EU rejects", "spans": [mark("0", "2")]}),
         error="line 1: a span goes from '0' to '2', which are no whole"),
    Case("span with fractions", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0.5, 2)]}),
         error="line 1: a span goes from '0.5' to '2', which are no whole"),
    Case("span without a label", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0, 2, None)]}),
         error="line 1: the span [0, 2] has no label. Give it one, or remove"),
    Case("span without an end", "a.jsonl", lines({"text": "EU rejects", "spans": [{"start": 0, "label": "X"}]}),
         error="1 row whose label cannot be read (column 'spans'): line 1:"),
    Case("span that is a string", "a.jsonl", lines({"text": "EU rejects", "spans": ["EU"]}), rows=1),
    Case("spans overlap", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0, 5), mark(3, 10)]}),
         error="1 row with spans that overlap (line 1). A model gives each"),
    Case("spans overlap, longest", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0, 5), mark(3, 10)]}),
         options={"spans": "longest"}, rows=1, codes=("overlap",)),
    Case("spans nested", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0, 10), mark(3, 10)]}),
         error="1 row with spans that overlap (line 1). A model gives each"),
    Case("span twice", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0, 2), mark(0, 2)]}), rows=1, codes=("same-span",)),
    Case("span with spaces", "a.jsonl", lines({"text": "EU rejects", "spans": [mark(0, 3)]}), rows=1, codes=("spaced-span",)),
    Case("span of spaces alone", "a.jsonl", lines({"text": "EU   rejects", "spans": [mark(2, 4)]}),
         error="1 row whose label cannot be read (column 'spans'): line 1:"),
    Case("spans in UTF-16", "a.jsonl", lines({"text": "\U0001f600 EU", "spans": [mark(3, 5)]}), rows=1, codes=("utf16-offsets",)),
    Case("span inside an emoji", "a.jsonl", lines({"text": "\U0001f600", "spans": [mark(1, 2)]}),
         error="line 1: the span [1, 2] 'X' reaches beyond its text of 1"),
    Case("spans of an empty text", "a.jsonl", lines({"text": "", "spans": [mark(0, 1)]}),
         error="line 1: the span [0, 1] 'X' reaches beyond its text of 0"),
    Case("spans missing in a row", "a.jsonl", lines({"text": "EU", "spans": [mark(0, 2)]}, {"text": "UN"}),
         rows=1, left=1, codes=("no-label",)),
    # JSON
    Case("json empty", "a.json", b"", error="the file is empty."),
    Case("json truncated", "a.json", array(*GOOD)[:-5], error="line 1 column 71: not JSON: Expecting value. Correct it, or"),
    Case("json that is lines", "a.json", lines(*GOOD), error="line 2 column 1: not JSON: Extra data. If it has one object"),
    Case("json empty array", "a.json", b"[]", error="it has no rows. Give rows with a text and a label."),
    Case("json number", "a.json", b"3", error="expected an array of objects, or an object that holds exactly"),
    Case("json object without rows", "a.json", b'{"a": 1}', error="expected an array of objects, or an object that holds exactly"),
    Case("json with two arrays", "a.json", json.dumps({"a": GOOD, "b": GOOD}).encode(),
         error="expected an array of objects, or an object that holds exactly"),
    Case("json with an item that is none", "a.json", array(*GOOD, 3),
         error="each row must be an object such as {\"text\": …, \"label\": …},"),
    Case("json by columns", "a.json", json.dumps({"text": ["a"], "label": ["b"]}).encode(),
         error="expected an array of objects, or an object that holds exactly"),
    Case("json with a comment", "a.json", b"// rows\n" + array(*GOOD),
         error="line 1 column 1: not JSON: Expecting value. Correct it, or"),
    Case("json with a trailing comma", "a.json", array(*GOOD)[:-1] + b",]",
         error="line 1 column 76: not JSON: Expecting value. Correct it, or"),
    # Parquet and Arrow
    Case("parquet truncated", "a.parquet", parquet(GOOD)[:-20], error="not a Parquet file that pyarrow can read: Could not open"),
    Case("parquet of other bytes", "a.parquet", CSV, error="not a Parquet file that pyarrow can read: Could not open"),
    Case("parquet of lists as text", "a.parquet", parquet([{"text": ["a"], "label": "b"}]),
         error="1 row with a list, an object or bytes as text (row 1). A text"),
    Case("parquet of bytes as text", "a.parquet", parquet([{"text": b"a", "label": "b"}]),
         error="1 row with a list, an object or bytes as text (row 1). A text"),
    Case("parquet without rows", "a.parquet", parquet([]), error="it has no rows. Give rows with a text and a label."),
    Case("parquet with nulls", "a.parquet", parquet([*GOOD, {"text": None, "label": "p"}, {"text": "c", "label": None}]),
         rows=2, left=2, codes=("empty-text", "no-label")),
    Case("arrow truncated", "a.arrow", ipc(GOOD)[:-40], error="not an Arrow file that pyarrow can read: Not an Arrow file."),
    Case("arrow stream truncated", "a.arrow", ipc(GOOD, pa.ipc.new_stream)[:-60],
         error="not an Arrow file that pyarrow can read: Expected to be able"),
    Case("arrow of other bytes", "a.arrow", CSV, error="not an Arrow file that pyarrow can read: Expected to read"),
    Case("arrow with a class number without a name", "a.arrow", ipc([{"text": "a", "label": 7}], names=["p", "n"]),
         error="row 1: column 'label' holds 7, but its classes are numbered 0"),
    Case("arrow with unlabelled rows", "a.arrow", ipc([{"text": "a", "label": -1}, {"text": "b", "label": 1}], names=["p", "n"]),
         rows=1, left=1, codes=("no-label",)),
    Case("feather of other bytes", "a.feather", b"FEA1 no", error="not an Arrow file that pyarrow can read: Expected to read"),
    # fastText
    Case("fastText without labels", "a.ft", b"just words\nmore words\n",
         error="no line has a label. Write each line as __label__NAME and the"),
    Case("fastText with a line without a label", "a.ft", b"__label__p fine\nbad\n",
         rows=1, left=1, codes=("no-label", "no-labels", "read-as")),
    Case("fastText with a label and no text", "a.ft", b"__label__p\n__label__n bad\n",
         rows=1, left=1, codes=("empty-text", "read-as")),
    Case("fastText with a nameless label", "a.ft", b"__label__ fine\n__label__n bad\n",
         rows=1, left=1, codes=("no-label", "no-labels", "read-as")),
    Case("fastText in latin-1", "a.ft", b"__label__p caf\xe9\n",
         error="line 1: byte 0xe9 at offset 14 is not UTF-8. If it is cp1252,"),
    Case("texts alone", "a.txt", b"just words\nmore words\n", error="No column for the label. Found: text. Labelled data needs a"),
    # CoNLL
    Case("conll empty", "a.conll", b"\n\n", error="the file is empty."),
    Case("conll with one column", "a.conll", b"New\nYork\n", error="its lines have one column. Write a token, a tab and its tag"),
    Case("conll with a short line", "a.conll", CONLL + b"alone\n",
         error="line 5: 1 column where the first line has 2: 'alone'. Write"),
    Case("conll with a long line", "a.conll", b"a B-X\nb c O\n",
         error="line 2: 3 columns where the first line has 2: 'b c O'. Write"),
    Case("conll with an empty tag", "a.conll", CONLL + b"alone\t\n",
         error="line 5: 2 columns where the first line has 2: 'alone'. Write"),
    Case("conll with spaces and tabs mixed", "a.conll", CONLL + b"there O\n",
         error="line 5: 1 column where the first line has 2: 'there O'. Write"),
    Case("conll with comments alone", "a.conll", b"# id 1\n# id 2\n",
         error="it has no sentence. Write a token and its tag on each line,"),
    Case("conll with documents alone", "a.conll", b"-DOCSTART- O\n\n-DOCSTART- O\n",
         error="it has no sentence. Write a token and its tag on each line,"),
    Case("conll with windows line ends", "a.conll", CONLL.replace(b"\n", b"\r\n"), rows=2),
    Case("conll with a byte-order mark", "a.conll", b"\xef\xbb\xbf" + CONLL, rows=2),
    Case("conll with many blank lines", "a.conll", b"\n\n\n" + CONLL.replace(b"\n\n", b"\n \n\t\n\n"), rows=2),
    Case("conll with strange tags", "a.conll", b"New B-LOC\nYork LOC\n",
         error="The tag 'LOC' (sequence 1, token 2) fits no tag scheme beside"),
    Case("conll with broken tags", "a.conll", b"New B-LOC\nYork I-PER\n\nIn B-PER\nhere I-PER\n", rows=2, codes=("broken-tags",)),
    Case("conllu without tags", "a.conllu", b"1\tNew\t_\t_\n2\tYork\t_\t_\n",
         error="its last column holds no tags, only '_'. Put the tags (B-PER,"),
    Case("conll in utf-16", "a.conll", CONLL.decode().encode("utf-16"),
         error="the file is UTF-16, but only UTF-8 is read unless told"),
    # spaCy
    Case("docbin of other bytes", "a.spacy", b"no doc bin", error="not a DocBin that spaCy can read: [E1014] Error loading"),
    Case("docbin truncated", "a.spacy", docs(("EU here", [(0, 2, "ORG")], {}))[:-20],
         error="not a DocBin that spaCy can read: [E1014] Error loading"),
    Case("docbin without docs", "a.spacy", DocBin().to_bytes(), error="the file is empty: it is a DocBin without docs. Save it"),
    Case("docbin without labels", "a.spacy", docs(("EU here", None, {})),
         error="read as spaCy docs, and none of its rows is annotated."),
    Case("docbin with a doc not annotated", "a.spacy", docs(("EU here", [(0, 2, "ORG")], {}), ("more", None, {})),
         rows=1, left=1, codes=("left-out", "read-as")),
    Case("docbin with an empty doc", "a.spacy", docs(("EU here", [(0, 2, "ORG")], {}), ("", [], {})),
         rows=1, left=1, codes=("empty-text", "read-as")),
    Case("spacy tuple without labels", "a.json", array(["EU", {"entities": [[0, 2, "ORG"]]}], ["more", {}]),
         error="row 2: no pair of a text and an object such as [\"text\","),
    Case("spacy tuple misaligned", "a.json", array(["EU", {"entities": [[0, 9, "ORG"]]}]),
         error="row 1: the span [0, 9] 'ORG' reaches beyond its text of 2"),
    Case("spacy tuple with wrong entities", "a.jsonl", lines(["EU", {"entities": [[0, 2]]}]),
         error="line 1: 'entities' must be a list of [start, end, label], not"),
    Case("spacy tuple with wrong categories", "a.json", array(["EU", {"cats": {"POS": "yes"}}]),
         error="row 1: 'cats' must give each category a number, as in {\"POS\":"),
    Case("spacy tuple with both", "a.json", array(["EU", {"entities": [[0, 2, "ORG"]], "cats": {"p": 1}}]),
         rows=1, codes=("read-as", "several-questions")),
    # Label Studio
    Case("Label Studio cancelled and not annotated", "a.json", array(
        ls("a", [choice("p")]), ls("b"), ls("c", [choice("n")]), {"data": {"text": "d"}, "annotations": [
            {"was_cancelled": True, "result": []}]}), rows=2, left=2, codes=("left-out", "read-as")),
    Case("Label Studio nothing annotated", "a.json", array(ls("a"), ls("b")),
         error="read as Label Studio tasks, and none of its rows is"),
    Case("Label Studio with an empty result", "a.json", array(ls("a", [choice("p")]), ls("b", [])),
         rows=1, left=1, codes=("no-label", "read-as")),
    Case("Label Studio with an object that is no task", "a.json", array(ls("a", [choice("p")]), {"text": "b"}),
         error="row 2: no task of Label Studio: it needs an object 'data' and"),
    Case("Label Studio with a broken annotation", "a.json", array({"data": {"text": "a"}, "annotations": ["p"]}),
         error="row 1: an annotation must be an object with a list 'result',"),
    Case("Label Studio with a broken result", "a.json", array(ls("a", ["p"])),
         error="row 1: a result must be an object, not 'p'. Export the"),
    Case("Label Studio with images", "a.json", array(ls("a", [{"type": "rectanglelabels", "value": {"x": 1}}])),
         error="its results are of types that are not read: rectanglelabels."),
    Case("Label Studio with results not read", "a.json", array(
        ls("a", [choice("p"), {"type": "textarea", "from_name": "t", "value": {"text": ["x"]}}]), ls("b", [choice("n")])),
         rows=2, codes=("read-as", "unread-results")),
    Case("Label Studio span past the end", "a.json", array(ls("EU", [region(0, 9, "ORG")])),
         error="row 1: the span [0, 9] 'ORG' reaches beyond its text of 2"),
    Case("Label Studio span of another text", "a.json", array(ls("EU rejects", [region(0, 2, "ORG", text="UN")])),
         error="row 1: the span [0, 2] 'ORG' holds 'EU', not 'UN' as stored"),
    Case("Label Studio spans in UTF-16", "a.json", array(ls("\U0001f4a9This is it", [region(10, 12, "X", text="it")])),
         rows=1, codes=("read-as", "utf16-offsets")),
    Case("Label Studio span without labels", "a.json", array(ls("EU", [region(0, 2)])),
         error="row 1: the span [0, 2] has no label. Give it one, or remove"),
    Case("Label Studio span without offsets", "a.json", array(ls("EU", [region(None, 2, "ORG")])),
         error="row 1: a span goes from 'None' to '2', which are no whole"),
    Case("Label Studio ratings that are none", "a.json", array(
        ls("a", [{"type": "rating", "from_name": "r", "value": {"rating": "x"}}])),
         error="row 1: 'x' is no number. Correct it, or remove the result."),
    Case("Label Studio names and spans to one question", "a.json", array(
        ls("EU", [region(0, 2, "ORG")]), ls("UN", [choice("p") | {"from_name": "l"}])),
         error="the answers to 'l' are of several kinds: spans (row 1), names"),
    Case("Label Studio tie", "a.json", array(ls("a", [choice("p")], [choice("n")]), ls("b", [choice("p")], [choice("p")])),
         options={"annotators": "majority"}, rows=1, left=1, codes=("agreement", "annotators", "read-as")),
    Case("Label Studio unknown annotator", "a.json", array(ls("a", [choice("p")])), options={"annotators": "ann"},
         error="no annotator is called 'ann'. It does not name any. Or give"),
    Case("Label Studio without text", "a.json", array(ls(3, [choice("p")]), ls(4, [choice("n")])), rows=2, codes=("read-as",)),
    Case("JSON-MIN with another text for one id", "a.json", array(
        {"text": "a", "id": 1, "c": "p", "annotator": 1, "annotation_id": 1},
        {"text": "b", "id": 1, "c": "n", "annotator": 2, "annotation_id": 2}),
         error="row 2: it has the id 1 of row 1, but another text. Export the"),
    Case("JSON-MIN without answers", "a.json", array({"text": "a", "id": 1, "annotator": 1, "annotation_id": 1}),
         error="read as Label Studio JSON-MIN, and no column holds answers."),
    # Prodigy
    Case("Prodigy rejected and ignored", "a.jsonl", lines(
        {"text": "a", "label": "p", "answer": "accept"}, {"text": "b", "label": "n", "answer": "reject"},
        {"text": "c", "label": "n", "answer": "ignore"}, {"text": "d", "label": "n"}),
         rows=1, left=3, codes=("left-out", "read-as")),
    Case("Prodigy all rejected", "a.jsonl", lines({"text": "a", "label": "p", "answer": "reject"}),
         error="read as Prodigy tasks, and none of its rows is annotated."),
    Case("Prodigy with a strange answer", "a.jsonl", lines(
        {"text": "a", "label": "p", "answer": "accept"}, {"text": "b", "label": "p", "answer": "maybe"}),
         error="line 2: the answer 'maybe' is none of accept, reject, ignore."),
    Case("Prodigy with an answer that is a list", "a.jsonl", lines(
        {"text": "a", "label": "p", "answer": "accept"}, {"text": "b", "label": "p", "answer": ["accept"]}),
         error="line 2: the answer \"['accept']\" is none of accept, reject,"),
    Case("Prodigy spans that are no list", "a.jsonl", lines({"text": "a", "spans": "x", "answer": "accept"}),
         error="line 1: 'spans' must be a list, not 'x'. Correct it."),
    Case("Prodigy span past the end", "a.jsonl", lines({"text": "a", "spans": [mark(0, 7)], "answer": "accept"}),
         error="line 1: the span [0, 7] 'X' reaches beyond its text of 1"),
    Case("Prodigy images", "a.jsonl", lines({"image": "x.png", "label": "p", "answer": "accept", "text": None}),
         error="read as Prodigy tasks, and none has a 'text'. Only tasks on"),
    Case("Prodigy two answers to a text", "a.jsonl", lines(
        {"text": "a", "accept": ["p"], "answer": "accept", "_input_hash": 1, "_annotator_id": "x"},
        {"text": "a", "accept": ["n"], "answer": "accept", "_input_hash": 1, "_annotator_id": "y"}),
         rows=1, left=1, codes=("agreement", "left-out", "read-as")),
    # Doccano
    Case("Doccano misaligned", "a.jsonl", lines({"text": "EU", "label": [[0, 5, "ORG"]]}),
         error="line 1: the span [0, 5] 'ORG' reaches beyond its text of 2"),
    Case("Doccano with a broken label", "a.jsonl", lines(
        {"text": "EU", "label": [[0, 2, "ORG"]]}, {"text": "UN", "label": [{"x": 1}]}),
         error="line 2: \"{'x': 1}\" in 'label' is neither a name nor [start,"),
    Case("Doccano without labels", "a.jsonl", lines({"text": "EU", "label": [[0, 2, "ORG"]]}, {"text": "none", "label": []}),
         rows=2, codes=("no-labels", "read-as")),
    Case("Doccano names without labels", "a.jsonl", lines({"text": "a", "label": ["p"]}, {"text": "b", "label": []}),
         rows=1, left=1, codes=("no-label", "read-as")),
    Case("Doccano names and spans", "a.jsonl", lines({"text": "EU", "label": [[0, 2, "ORG"]]}, {"text": "b", "label": ["p"]}),
         rows=1, left=1, codes=("no-label", "read-as", "several-questions")),
    Case("Doccano entity without a label", "a.jsonl", lines(
        {"text": "EU", "entities": [{"start_offset": 0, "end_offset": 2, "label": None}]}),
         error="line 1: the span [0, 2] has no label. Give it one, or remove"),
    # Argilla
    Case("Argilla drafts", "a.jsonl", lines(argilla("a", ["p"], ["submitted"], ["u"]), argilla("b", ["n"], ["draft"], ["u"]),
                                             argilla("c", None), argilla("d", ["n"], ["discarded"], ["u"])),
         rows=1, left=3, codes=("left-out", "read-as")),
    Case("Argilla of two lengths", "a.jsonl", lines(argilla("a", ["p", "n"], ["submitted"], ["u"])),
         error="line 1: 'q' has 2 responses, 1 statuses and 1 users; each"),
    Case("Argilla span past the end", "a.jsonl", lines(argilla("a", [[mark(0, 9)]], ["submitted"], ["u"])),
         error="line 1: the span [0, 9] 'X' reaches beyond its text of 1"),
    Case("Argilla ranking", "a.jsonl", lines(argilla("a", [{"rank": 1}], ["submitted"], ["u"])),
         error="line 1: \"{'rank': 1}\" is a response of a kind that is not"),
    Case("Argilla without any response", "a.jsonl", lines(argilla("a", None), argilla("b", [])),
         error="read as Argilla records, and none of its rows is annotated."),
]


def read(case: Case, folder: Path) -> tuple[int, list[Finding]]:
    path = folder / case.file
    path.write_bytes(case.content)
    _, rows, findings = read_file(path, DataOptions(**case.options))
    return len(rows), findings


def items(case: Case) -> int:
    """How many items a file holds, counted without the readers where that is simple."""
    if case.file.endswith(".json"):
        return len(json.loads(case.content))
    if case.file.endswith((".jsonl", ".ft")):
        return len(case.content.splitlines())
    return case.rows + case.left


def test_there_are_at_least_120_files_each_with_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 120


@pytest.mark.parametrize("case", [case for case in CASES if case.error], ids=lambda case: case.name)
def test_a_file_that_cannot_be_used_is_one_clear_error(case: Case, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(case, tmp_path)
    message = str(error.value)
    assert case.error in message and case.file in message


@pytest.mark.parametrize("case", [case for case in CASES if not case.error], ids=lambda case: case.name)
def test_a_file_that_is_repaired_says_what_and_loses_no_row(case: Case, tmp_path: Path) -> None:
    rows, findings = read(case, tmp_path)
    left = {place.line for finding in findings if finding.code in LEFT_OUT for place in finding.rows}
    assert (rows, len(left)) == (case.rows, case.left), findings
    assert rows + len(left) == items(case)
    assert {finding.code for finding in findings} == set(case.codes)
    assert all(case.file in str(finding) for finding in findings)
