"""The page's section on the data: what was read, how it was split, and what was found odd about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from luthier.data.formats import unit
from luthier.data.places import count
from luthier.report.tags import esc, name, paragraphs, section
from luthier.report.wording import Table, short, split_rows
from luthier.tasks.registry import of_tokens

MOST_PLACES = 100
"""Rows that a finding names before it says how many more there are."""
LONGEST = 600
SEVERITIES = {"error": "Errors: the data cannot be used as they are",
              "warning": "Warnings: the result is worse than it could be, or looks better than it is",
              "note": "Notes: repaired, left out, or good to know"}
"""Heading of each severity, the worst first."""


def data_section(results: Table) -> str:
    """What the model learnt from and was judged by."""
    return section(
        "data", "The data",
        f"<p>Rows: {split_rows(results)}. {esc(reading(results))}</p>", _columns(results.get("columns") or {}),
        paragraphs(["How they were split: " + short(results["split"], LONGEST).rstrip(".") + "."]),
        _findings(results.get("findings") or []))


def reading(results: Table) -> str:
    """How much of a long text is read, in a sentence."""
    longest = f"{results['max_length']:,} tokens"
    if of_tokens(results["task"]) or results.get("long_texts") == "windows":
        return f"Texts of more than {longest} are read whole, in overlapping windows."
    return f"At most {longest} of a text are read."


def _columns(columns: Table) -> str:
    """Which columns the rows came from."""
    said = [f"{title} from {', '.join(f'<code>{name(column)}</code>' for column in _listed(columns.get(part)))}"
            for part, title in (("text", "Texts"), ("pair", "second texts"), ("label", "labels")) if _listed(columns.get(part))]
    return f"<p>{', '.join(said)}.</p>" if said else ""


def _listed(value: Any) -> list[str]:
    found = [value] if isinstance(value, str) else list(value or ())
    return [str(column) for column in found if str(column)]


def _findings(findings: Sequence[Table]) -> str:
    """All findings, the gravest first, each with what to do and where."""
    groups = []
    for severity, title in SEVERITIES.items():
        own = [item for finding in findings if finding["severity"] == severity and (item := _finding(finding))]
        if own:
            groups.append(f'<h4 class="{severity}">{esc(title)}</h4><ul class="findings">{"".join(own)}</ul>')
    return f"<h3>What was found in them</h3>{''.join(groups)}" if groups else ""


def _finding(finding: Table) -> str:
    message, advice = short(finding["message"], LONGEST), short(finding.get("advice") or "", LONGEST)
    if not message:
        return ""
    places = [(str(file), int(line)) for file, line in finding.get("rows") or []]
    return (f"<li>{esc(message)}" + (f'<div class="advice">{esc(advice)}</div>' if advice else "") + _places(places) + "</li>")


def _places(places: Sequence[tuple[str, int]]) -> str:
    """Where the rows stand, by file, folded away."""
    if not places:
        return ""
    by_file: dict[str, list[str]] = {}
    for file, line in places[:MOST_PLACES]:
        by_file.setdefault(file, []).append(f"{line:,}")
    said = [f"{name(file)} {unit(file)}{'s' * (len(lines) > 1)} {', '.join(lines)}" for file, lines in by_file.items()]
    rest = len(places) - MOST_PLACES
    more = f"; and {rest:,} more" if rest > 0 else ""
    return f"<details><summary>{count(len(places), 'row')}</summary><small>{'; '.join(said)}{more}</small></details>"
