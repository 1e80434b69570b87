"""`luthier export RUN`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a run, finished or not.", show_default=False)],
    form: Annotated[str, typer.Option("--format", help="decisions: what was asked, run, scored, decided and chosen, as JSON "
                                      "lines.")] = "decisions",
) -> None:
    """Print a run for other programs: runs that decided alike print the same decisions."""
    from luthier.api.export import export
    from luthier.api.folder import RunFolder

    sys.stdout.write(export(RunFolder(run), form))
