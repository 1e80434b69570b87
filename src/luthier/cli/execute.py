"""What `train`, `tune` and `resume` have in common: plan, stop there for --dry-run, else carry out and say what came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from json import dumps
from pathlib import Path
from typing import Any

from rich.console import Console

from luthier.api.costs import trial_costs
from luthier.api.describe_costs import cost_lines
from luthier.api.public import carry_out, plan_resumed, plan_run
from luthier.api.ready import Ready
from luthier.api.run import Run
from luthier.api.settings import Command, Settings
from luthier.cli.display import Display
from luthier.cli.options import STARTED
from luthier.data.places import count
from luthier.report.controls import control_title
from luthier.report.honest import luck_sentence
from luthier.report.html_calibration import point_sentence
from luthier.report.ledger import openings
from luthier.report.metrics import test_metrics
from luthier.report.opening import cut_sentence, opening, unbeaten
from luthier.report.wording import delivered, short, test_rows, uncorrected
from luthier.search.budget import duration

SAID_CONFIDENCE = 0.8
"""The operating point that the terminal names; the report has them all."""


def execute(command: str, settings: Settings, *, dry_run: bool, quiet: bool, json: bool) -> int:
    """Carry out `command`; the exit status."""
    return _carry_out(lambda display: plan_run(Command(command), settings, settings.given, display, STARTED),
                      dry_run=dry_run, quiet=quiet, json=json)


def execute_resumed(run: Path, budget: str | None, trials: int | None, *, dry_run: bool, quiet: bool, json: bool) -> int:
    """Go on with a run; the exit status."""
    return _carry_out(lambda display: plan_resumed(run, budget, trials, display, STARTED), dry_run=dry_run, quiet=quiet, json=json)


def _carry_out(plan: Callable[[Display], Ready], *, dry_run: bool, quiet: bool, json: bool) -> int:
    console = Console(stderr=json, quiet=quiet, highlight=False, soft_wrap=True, markup=False)
    try:
        with Display(console) as display:
            ready = plan(display)
            display.alone = ready.command is Command.TRAIN
            if dry_run:
                return _say_costs(ready, console, json)
            run = carry_out(ready, display)
    except KeyboardInterrupt:
        print("luthier: stopped before a model was delivered. If a line above names the run's folder, what was done is kept there; "
              "go on with: luthier resume FOLDER", file=sys.stderr)
        return 130
    for line in closing_lines(run):
        console.print(line)
    if json:
        sys.stdout.write(run.folder.results.read_text(encoding="utf-8") + "\n")
    return 0


def _say_costs(ready: Ready, console: Console, json: bool) -> int:
    """End a dry run with what trials take and share, for people and, where asked for, for machines; the exit status."""
    costs = trial_costs(ready, time.monotonic() - ready.started)
    for line in cost_lines(costs):
        console.print(line)
    if json:
        sys.stdout.write(dumps(costs.to_table(), indent=2) + "\n")
    return 0


def closing_lines(run: Run) -> list[str]:
    """What the run came to, for the terminal."""
    results, width = run.results, 32
    lines = ["", *opening(results)] if unbeaten(results) else []
    own = "delivered recipe" if results["folds"] else "delivered model"
    lines += ["", f"{short(results['metric_title'], 100)} on {test_rows(results)}, 95 % interval:",
              f"  {own:<{width}}{run.metrics['test']}"]
    lines.extend(f"  {control_title(results, name):<{width}}{score}" for name, score in run.controls.items())
    if results["fresh"]:
        recipe, seeds = run.recipe_score, count(results["fresh"]["seeds"], "fresh seed")
        where = "other rows held out" if results["fresh"]["own_rows"] else "on the validation rows, which also chose it"
        lines.append(f"  {f'the recipe, on {seeds}':<{width}}{recipe}  ({where}; what to expect of training it again)")
    others = [metric for metric in test_metrics(results) if metric.name != results["metric"]]
    if others:
        lines.append(f"The {own} by other metrics{uncorrected(results)}:")
        lines.extend(f"  {metric.title:<{width}}{metric.value} [{metric.low}, {metric.high}]" for metric in others)
    lines.extend(f"  {point_sentence(point)}" for point in results["calibration"].get("operating_points") or []
                 if point["confidence"] == SAID_CONFIDENCE)
    if results["command"] == "tune":
        lines += [delivered(results), *([luck] if (luck := luck_sentence(results)) else [])]
    lines += troubles(results)
    lines += [f"Model:  {run.folder.model}", f"Report: {run.folder.report}", f"Done in {duration(results['seconds'])}."]
    return lines


def troubles(results: Mapping[str, Any]) -> list[str]:
    """What went otherwise than planned: failed trials, a space that was tried whole, steps made again, test rows seen before."""
    lines, failures, replay = [], results["failures"], results["replay"]
    if failures["number"]:
        why = "; most often" if failures["number"] > 1 else ""
        lines.append(f"{failures['number']} of {count(failures['of'], 'trial')} failed{why}: {failures['reason']}")
    if results["exhausted"]:
        recipes = count(results["trials"] // results["repeats"], "recipe")
        lines.append(f"The search ended early: all {recipes} of the space have been tried.")
    if (cut := cut_sentence(results)) and not unbeaten(results):  # else the opening has said it
        lines.append(cut)
    if replay["steps"]:
        steps, took = count(replay["steps"], "step"), duration(replay["seconds"])
        lines.append(f"{steps} of training had to be repeated, for checkpoints were missing where trials went on; this took "
                     f"{took}, summed over all workers.")
    if (results["opening"] or {}).get("count", 1) > 1 or (results["opening"] or {}).get("note"):
        lines.append(openings(results["opening"]))
    return lines
