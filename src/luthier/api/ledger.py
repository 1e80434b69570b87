"""The ledger of test openings: how often the same test rows have been looked at, over all runs on this machine.

Test rows tell the truth once. Whoever looks, changes something and looks again chooses by them, and the best of several looks
is optimistic (Dwork et al. 2015, "The reusable holdout"). One run cannot know of the others; this file does.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import platformdirs

VARIABLE = "LUTHIER_STATE"
"""The environment variable that names another folder than the user's state folder."""
LOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Opening:
    """One look at test rows.

    Attributes:
        count: how often these rows have been opened, over all runs and with this one, as far as is known.
        first: the day of the first time.
        note: why the count may be too low; empty where it is right.
    """

    count: int
    first: str
    note: str = ""

    def to_table(self) -> dict[str, Any]:
        """{count, first, note}, as results.json holds it."""
        return {"count": self.count, "first": self.first, "note": self.note}


def ledger_file() -> Path:
    """Where the ledger lies."""
    named = os.environ.get(VARIABLE)
    return (Path(named) if named else platformdirs.user_state_path("luthier", appauthor=False)) / "test-openings.jsonl"


def open_test(digest: str, run: Path, models: Sequence[str], rows: int) -> Opening:
    """Write down that a run opens test rows, and say how often that has been done; before the rows are scored.

    The same models of the same run folder tell nothing new, as when a run is taken up again: that counts once. Nothing that
    is wrong with the ledger ever stops a run.

    Args:
        digest: of the test rows, see `luthier.data.load.rows_hash`.
        models: what is scored on them, by names that mean the same models if the run is made again.
    """
    today = datetime.date.today().isoformat()
    entry = {"hash": digest, "run": str(run.resolve()), "models": sorted(models), "rows": rows, "day": today}
    try:
        file = ledger_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
            return _enter(file, entry)
    except filelock.Timeout:
        return Opening(1, today, f"another process holds the ledger of test openings ({ledger_file()}): this opening is not in it")
    except (OSError, NotImplementedError, RuntimeError) as error:  # no home folder, no locks on this disk
        return Opening(1, today, f"the ledger of test openings cannot be kept ({error})")


def _enter(file: Path, entry: dict[str, Any]) -> Opening:
    """Add the entry unless it is there, and count."""
    text = file.read_bytes().decode(errors="replace") if file.exists() else ""
    entries, damaged = _read(text)
    same = [old for old in entries if old["hash"] == entry["hash"]]
    note = f"{damaged:,} of the lines of the ledger of test openings ({file}) cannot be read" if damaged else ""
    if not any((old["run"], old["models"]) == (entry["run"], entry["models"]) for old in same):
        same.append(entry)
        try:
            with file.open("a", encoding="utf-8") as stream:
                stream.write(("\n" if text and not text.endswith("\n") else "") + json.dumps(entry) + "\n")
        except OSError as error:
            note = f"the ledger of test openings cannot be written ({error})"
    return Opening(len(same), min(old["day"] for old in same), note)


def _read(text: str) -> tuple[list[dict[str, Any]], int]:
    """The entries, and how many lines are none."""
    entries, damaged = [], 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            fits = isinstance(entry["models"], list) and all(isinstance(entry[name], str) for name in ("hash", "run", "day"))
        except (ValueError, TypeError, KeyError, RecursionError):
            fits = False
        if fits:
            entries.append(entry)
        else:
            damaged += 1
    return entries, damaged
