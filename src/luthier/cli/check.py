"""`luthier check DATA`."""

from __future__ import annotations

import dataclasses
import json as json_module
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli import options as o
from luthier.errors import ConfigError

if TYPE_CHECKING:
    from luthier.api.check import Check
    from luthier.data.findings import Finding

WIDEST = 120
MOST_SUSPECTS, MOST_LABELS = 5, 20
SUSPECTS = "suspects.csv"


@o.with_options(o.data_options())
def check(
    data: o.Data = None,
    task: o.Task = None, validation: o.Validation = None, test: o.Test = None,
    model: Annotated[str, o.option("--model", help="Whose tokenizer texts are measured by (default: the embedded model); "
                                                   "'none' leaves that out.")] = "auto",
    label_errors: Annotated[bool, o.option(
        "--label-errors", help="Look for labels that are probably wrong, and write them to --suspects.")] = False,
    suspects: Annotated[Path | None, o.option(
        "--suspects", help=f"Where suspect rows go: a .csv file [default: {SUSPECTS}].")] = None,
    write_labels: Annotated[Path | None, o.option(
        "--write-labels", help="Write a proposal of labels to rename, merge or drop, for --labels: a new .toml file.")] = None,
    seed: o.Seed = None, offline: o.Offline = None, json: o.Json = False,
    **given: Any,
) -> None:
    """Say what is odd about DATA, and what to do about it. Exit status 1 when something keeps it from being used."""
    if not data:
        raise ConfigError("give DATA: a file, a folder with train/validation/test files, or example:reviews")
    target = _check_outputs(suspects, write_labels, label_errors)
    from luthier.api.check import check as check_data
    from luthier.data.row import Kind

    found = check_data(data, task=task, model=None if model == "none" else model, label_errors=label_errors,
                       validation=validation, test=test, seed=seed or 0, offline=bool(offline), **o.reading(given))
    if write_labels is not None and found.corpus is not None and found.corpus.kind is Kind.NUMBER:
        found, write_labels = _without_names(found), None
    written = _write(found, target if label_errors else None, write_labels)
    if json:
        print(json_module.dumps(found.to_table(), ensure_ascii=False, indent=1))
    else:
        for line in [*lines(found, min(WIDEST, shutil.get_terminal_size((100, 24)).columns)), *written]:
            print(line)
    raise typer.Exit(1 if found.problems else 0)


def _check_outputs(suspects: Path | None, write_labels: Path | None, label_errors: bool) -> Path:
    """Before anything is read: files can be written, and none is overwritten."""
    if suspects is not None and not label_errors:
        raise ConfigError(f"--suspects {suspects}: only with --label-errors, which looks for suspect rows")
    target = suspects or Path(SUSPECTS)
    wanted = [("--suspects", target, ".csv")] if label_errors else []
    wanted += [("--write-labels", write_labels, ".toml")] if write_labels is not None else []
    for option, path, suffix in wanted:
        if path.suffix != suffix:
            raise ConfigError(f"{option} {path}: must end in {suffix}")
        if path.exists():
            raise ConfigError(f"{option} {path}: is there already; give a new name, so that nothing is overwritten")
        if not path.parent.is_dir():
            raise ConfigError(f"{option} {path}: there is no folder {path.parent}")
    return target


def _without_names(found: Check) -> Check:
    """What was found, with a note that there are no names of labels to write."""
    from luthier.data.findings import Finding, Severity

    note = Finding("write-labels", Severity.NOTE, "The labels of these data are numbers, so --write-labels has none to write.")
    return dataclasses.replace(found, findings=(*found.findings, note))


def _write(found: Check, suspects: Path | None, write_labels: Path | None) -> list[str]:
    """Write the files that were asked for; sentences on them."""
    from luthier.data.checks.common import every
    from luthier.data.label_map import write_proposal
    from luthier.report.tables import write_csv

    said = []
    if suspects is not None and found.suspects:
        write_csv(suspects, [dict(row) for row in found.suspects])
        said.append(f"{len(found.suspects):,} suspect rows written to {suspects}, the most suspect first.")
    if write_labels is not None and found.corpus is not None:
        write_proposal(write_labels, found.corpus.kind, every(found.corpus.apart))
        said.append(f"A proposal for the labels is written to {write_labels}. Edit it, then: luthier tune DATA --labels "
                    f"{write_labels}")
    return said


def lines(found: Check, width: int) -> list[str]:
    """What was found, as lines of a terminal."""
    said = _data(found)
    for severity in ("error", "warning", "note"):
        own = [finding for finding in found.findings if finding.severity.value == severity]
        if own:
            said += ["", f"{len(own)} {severity}{'s' * (len(own) > 1)}"]
            said += [line for finding in own for line in _finding(finding, width)]
    said += _suspects(found.suspects or (), width)
    return [*said, "", _summary(found)]


def _data(found: Check) -> list[str]:
    from luthier.data.row import Kind

    if found.corpus is None:
        return []
    corpus, task = found.corpus, found.task
    sizes = ", ".join(f"{len(rows):,} {part.value}" for part, rows in corpus.apart.items())
    in_turn = f", the training rows held out in turn in {len(corpus.folds)} parts" if corpus.folds else ""
    headline = f"{task.name}, judged by {task.metric_title}" if task else ""
    counts = [(" ".join(label.split()), number) for label, number in corpus.totals().items()]
    named = ", ".join(f"{label} ({number:,})" for label, number in counts[:MOST_LABELS])
    more = f", … {len(counts) - MOST_LABELS} more" if len(counts) > MOST_LABELS else ""
    unit = "mentions" if corpus.kind is Kind.SPANS else "rows"
    return [f"{corpus.name}: {sizes} rows{in_turn}; {headline}",
            *([f"{len(counts)} labels, with their {unit} in all parts: {named}{more}"] if counts else [])]


def _finding(finding: Finding, width: int) -> list[str]:
    first = textwrap.wrap(" ".join(finding.message.split()), width, initial_indent="  - ", subsequent_indent="    ")
    return first + textwrap.wrap(" ".join(finding.advice.split()), width, initial_indent="    > ", subsequent_indent="      ")


def _suspects(rows: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    if not rows:
        return []
    said = ["", "The most suspect labels"]
    for row in rows[:MOST_SUSPECTS]:
        text = " ".join(str(row["text"]).split())
        said += [f"  {row['file']}:{row['line']}  '{row['given']}' or rather '{row['suggested']}'?",
                 *textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    ", max_lines=2, placeholder=" …")]
    return said


def _summary(found: Check) -> str:
    if found.problems:
        return "The data cannot be used as they are: correct the errors first."
    warnings = sum(finding.severity.value == "warning" for finding in found.findings)
    return "Nothing keeps the data from being used." + (" Look at the warnings first." if warnings else "")
