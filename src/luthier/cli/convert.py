"""`luthier convert IN OUT`."""

from __future__ import annotations

import json as json_module
import sys
from typing import Annotated

import typer

from luthier.cli import options as o


def convert(
    data: Annotated[str, typer.Argument(metavar="IN", help="A file with labelled rows, in any format that is read.",
                                        show_default=False)],
    output: Annotated[str, typer.Argument(metavar="OUT", help="A new file: .jsonl, .conll or .json (Label Studio).",
                                          show_default=False)],
    format: Annotated[str | None, o.option("--format", help="jsonl, conll, label-studio or prodigy; by the suffix of OUT if not "
                                           "given.")] = None,
    text_column: Annotated[list[str] | None, o.option("--text-column", help="Column with the text (repeat it to join "
                                                      "several).")] = None,
    pair_column: Annotated[str | None, o.option("--pair-column", help="Column with the second text of a pair.")] = None,
    label_column: Annotated[list[str] | None, o.option("--label-column", help="Column with the label (repeat it for one column "
                                                       "of 0 and 1 a label).")] = None,
    label_separator: Annotated[str | None, o.option("--label-separator", help="What parts several labels in one cell.")] = None,
    group_column: Annotated[str | None, o.option("--group-column", help="Column that says which rows belong together.")] = None,
    id_column: Annotated[str | None, o.option("--id-column", help="Column with the rows' own ids.")] = None,
    annotators: Annotated[str, o.option("--annotators", help="Whose labels count where several people gave some: first, "
                                        "majority, or a name.")] = "first",
    spans: Annotated[str, o.option("--spans", help="What to do with spans that overlap: refuse, or keep the longest.")] = "refuse",
    encoding: Annotated[str, o.option("--encoding", help="Encoding of text files that are not UTF-8.")] = "utf-8",
    json: Annotated[bool, o.option("--json", help="Print what was written, and all findings, as JSON.")] = False,
) -> None:
    """Write labelled rows in the format of another tool, and say what was repaired or cannot be kept."""
    from luthier.data.convert import convert as convert_data
    from luthier.data.options import DataOptions

    done = convert_data(data, output, format, DataOptions(
        text_columns=tuple(text_column or ()), pair_column=pair_column, label_columns=tuple(label_column or ()),
        label_separator=label_separator, group_column=group_column, id_column=id_column, annotators=annotators, spans=spans,
        encoding=encoding))
    if json:
        print(json_module.dumps({"path": str(done.path), "format": done.format, "kind": done.kind.value, "rows": done.rows,
                                 "findings": [finding.to_table() for finding in done.findings]}, ensure_ascii=False))
        return
    for finding in done.findings:
        print(finding, file=sys.stderr)
    print(f"{done.rows:,} rows written to {done.path} ({done.format}).")
