"""spaCy's DocBin (.spacy): `doc.ents` as spans, `doc.cats` as labels."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.data.findings import Severity
from luthier.data.formats import annotated
from luthier.data.formats.annotated import Answer, Item, Left
from luthier.data.formats.decoding import read_bytes
from luthier.data.formats.offsets import Stored
from luthier.data.formats.spacy_tuples import categories
from luthier.data.formats.table import DEFAULTS, Table, finding
from luthier.data.options import DataOptions
from luthier.errors import DataError


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .spacy file: `text`, `spans`, and `label` or `labels`; docs are numbered from 1.

    Raises:
        DataError: it is no DocBin, spaCy is not installed, and what `from_docs` raises.
    """
    docs = _docs(path, read_bytes(path))
    if not docs:
        raise DataError(f"{path}: the file is empty: it is a DocBin without docs. Save it again, with docs.")
    return from_docs(path.name, docs, options)


def from_docs(name: str, docs: Sequence[Any], options: DataOptions) -> Table:
    """The table of spaCy's docs.

    Raises:
        DataError: what `annotated.table` raises.
    """
    made, groups = [], []
    for number, doc in enumerate(docs, 1):
        answers: dict[str, list[Answer]] = {}
        if doc.has_annotation("ENT_IOB"):
            answers["entities"] = [Answer("", tuple(Stored(span.start_char, span.end_char, span.label_) for span in doc.ents))]
        if doc.cats:
            answers["cats"] = [Answer("", categories(f"{name} row {number}", doc.cats))]
        if doc.spans:
            groups.append(number)
        made.append(Item(number, {"text": doc.text}, answers))
    marked = any(answer.value for item in made for answer in item.answers.get("entities", ()))
    if not marked and any("cats" in item.answers for item in made):  # a pipeline without entities leaves them empty
        made = [Item(item.line, item.values, {key: given for key, given in item.answers.items() if key != "entities"})
                for item in made]
    table = annotated.table(name, "spaCy docs", made, options, Left())
    if not groups:
        return table
    found = finding(name, "span-groups", "with span groups (doc.spans), which are not read", groups, severity=Severity.WARNING,
                    advice="Set doc.ents to read them.")
    return Table(table.name, table.columns, table.records, (*table.findings, found))


def _docs(path: Path, content: bytes) -> list[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries that spaCy imports, about themselves
            import spacy
            from spacy.tokens import DocBin
    except ImportError:
        raise DataError(f"{path}: reading .spacy files needs spaCy. Run: pip install 'luthier[spacy]'") from None
    try:
        return list(DocBin().from_bytes(content).get_docs(spacy.blank("xx").vocab))
    except (zlib.error, ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise DataError(f"{path}: not a DocBin that spaCy can read: {reason}. Save it again with DocBin.to_disk.") from None
