"""`luthier watch RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.cli import options as o


def watch(
    run: Annotated[Path, typer.Argument(help="The folder of a run that was started elsewhere.", show_default=False)],
    once: Annotated[bool, o.option("--once", help="Show how it stands now, and stop.")] = False,
) -> None:
    """Show a run as it goes, until it ends. It can be left and come back to at any time."""
    from luthier.cli.follow import follow

    raise typer.Exit(follow(run, once))
