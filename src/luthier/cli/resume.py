"""`luthier resume RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.cli import options as o


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    budget: Annotated[str | None, o.option("--budget", help="Time of the whole run, what it has worked included.")] = None,
    trials: Annotated[int | None, o.option("--trials", help="Most recipes to try, those it has tried included.")] = None,
    dry_run: o.DryRun = False, quiet: o.Quiet = False, json: o.Json = False,
) -> None:
    """Go on with a run that was killed, interrupted or out of disk; or give a finished one more time or trials."""
    o.refuse_empty({"budget": budget})
    from luthier.cli.execute import execute_resumed

    raise typer.Exit(execute_resumed(run, budget, trials, dry_run=dry_run, quiet=quiet, json=json))
