"""`luthier convert IN OUT`."""

from __future__ import annotations

import json as json_module
import sys
from typing import Annotated, Any

import typer

from luthier.cli import options as o


@o.with_options({name: kind for name, kind in o.data_options().items() if name != "labels"})
def convert(
    data: Annotated[str, typer.Argument(metavar="IN", help="A file with labelled rows, in any format that is read.",
                                        show_default=False)],
    output: Annotated[str, typer.Argument(metavar="OUT", help="A new file: .jsonl, .conll or .json (Label Studio).",
                                          show_default=False)],
    format: Annotated[str | None, o.option("--format", help="jsonl, conll, label-studio or prodigy; by the suffix of OUT if not "
                                           "given.")] = None,
    json: Annotated[bool, o.option("--json", help="Print what was written, and all findings, as JSON.")] = False,
    **given: Any,
) -> None:
    """Write labelled rows in the format of another tool, and say what was repaired or cannot be kept."""
    from luthier.data.convert import convert as convert_data
    from luthier.data.options import DataOptions

    done = convert_data(data, output, format, DataOptions(**o.reading(given)))
    if json:
        print(json_module.dumps({"path": str(done.path), "format": done.format, "kind": done.kind.value, "rows": done.rows,
                                 "findings": [finding.to_table() for finding in done.findings]}, ensure_ascii=False))
        return
    for finding in done.findings:
        print(finding, file=sys.stderr)
    print(f"{done.rows:,} rows written to {done.path} ({done.format}).")
