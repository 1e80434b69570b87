"""`luthier fetch MODEL FOLDER`."""

from __future__ import annotations

import json as json_module
import shlex
from typing import Annotated

import typer

from luthier.cli import options as o


def fetch(
    model: Annotated[str, typer.Argument(help="A hub name (owner/name[@revision]), a folder, a run, or 'minilm'.",
                                         show_default=False)],
    folder: Annotated[str, typer.Argument(help="A new folder for the model.", show_default=False)],
    json: Annotated[bool, o.option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Put all that is needed of a model into FOLDER, for use without a network."""
    from luthier.api.fetch import fetch as fetch_model

    fetched = fetch_model(model, folder)
    source = fetched.model
    if json:
        print(json_module.dumps({
            "folder": str(fetched.folder), "files": fetched.files, "bytes": fetched.size, "name": source.name,
            "origin": source.origin, "revision": source.revision, "hash": source.hash}))
        return
    commit = f", commit {source.revision}" if source.revision else ""
    print(f"{fetched.folder}: {len(fetched.files)} files, {fetched.size / 1e6:,.1f} MB, from {source.origin}{commit}")
    print(f"  {', '.join(fetched.files)}")
    print(f"Next, also without a network: luthier tune DATA --model {shlex.quote(str(fetched.folder))} --offline")
