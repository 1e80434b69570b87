"""What `train` and `tune` have in common: plan, stop there for --dry-run, else carry out and say what came of it."""

from __future__ import annotations

import sys

from rich.console import Console

from luthier.api.public import carry_out, plan_run
from luthier.api.ready import Command
from luthier.api.run import Run
from luthier.api.settings import Settings
from luthier.cli.display import Display
from luthier.cli.options import STARTED
from luthier.search.budget import duration


def execute(command: str, settings: Settings, *, dry_run: bool, quiet: bool, json: bool) -> int:
    """Carry out `command`; the exit status."""
    console = Console(stderr=json, quiet=quiet, highlight=False, soft_wrap=True, markup=False)
    try:
        with Display(console, alone=command == Command.TRAIN.value) as display:
            ready = plan_run(Command(command), settings, settings.data, display, STARTED)
            if dry_run:
                return 0
            run = carry_out(ready, display)
    except KeyboardInterrupt:
        print("luthier: ended at once, before a model was delivered; the run's folder, where there is one, holds what was tried "
              "(journal.jsonl) and may be deleted", file=sys.stderr)
        return 130
    for line in closing_lines(run):
        console.print(line)
    if json:
        sys.stdout.write(run.folder.results.read_text(encoding="utf-8") + "\n")
    return 0


def closing_lines(run: Run) -> list[str]:
    """What the run came to, for the terminal."""
    results = run.results
    title, rows = results["metric_title"], results["rows"]["test"]
    lines = ["", f"{title} on {rows} test rows, 95 % interval:"]
    titles = {"default": "default recipe", **results["control_titles"]}
    lines.append(f"  {'delivered model':<30}{run.metrics['test']}")
    lines.extend(f"  {titles[name]:<30}{score}" for name, score in run.controls.items())
    if results["command"] == "tune":
        lines.append(f"Trial {results['best']['trial']} of {results['trials'] + results['finals']}: {results['best']['reason']}.")
    lines += [f"Model:  {run.folder.model}", f"Report: {run.folder.report}", f"Done in {duration(results['seconds'])}."]
    return lines
