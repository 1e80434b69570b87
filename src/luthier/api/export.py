"""What a run can be written as for other programs: one function for each format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from luthier.api.folder import RunFolder
from luthier.errors import ConfigError, RunError, nearest
from luthier.search.journal import Event, read_journal

MEANS = {"data", "validation", "test", "labels", "model", "workers", "threads", "disk", "sharing", "trunk", "device", "offline"}
"""Settings that say where things lie or how they are computed. What lies there is known by its hash."""
_POINT = ("step", "epoch", "work", "rows", "weights", "metrics", "train")


def export(folder: RunFolder, form: str) -> str:
    """A run in one of `FORMATS`, as text.

    Raises:
        ConfigError: there is no such format, or no run there.
        RunError: its journal is damaged.
    """
    if form not in FORMATS:
        raise ConfigError(f"--format {form}: no such format; known: {', '.join(FORMATS)}.{nearest(form, FORMATS)}")
    return FORMATS[form](folder)


def decisions(folder: RunFolder) -> str:
    """What was asked, planned, run, scored, decided and chosen, one JSON object a line; also of a run that is not finished.

    Times, memory, processes and places are left out, and so is all that an ended and resumed run has more than another: so runs
    that decided alike and saw the same figures give the same bytes.
    """
    tables = folder.tables()
    events = list(read_journal(folder.journal)) if folder.journal.exists() else []
    if events and events[0]["event"] != "study":
        raise RunError(f"{folder.journal}: its first line is gone; the journal is damaged. Put a copy of it back, or start another "
                       "run.")
    lines = [_asked(tables), *decided(events)]
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)


def _asked(tables: Mapping[str, Any]) -> Event:
    """What run.toml says: what was asked for, and of which rows and models."""
    settings = {name: value for name, value in tables["settings"].items() if name not in MEANS}
    data = {name: tables["data"][name] for name in ("name", "hash", "task", "labels", "rows")}
    models = [{name: model[name] for name in ("key", "hash", "revision")} for model in tables["model"]]
    return {"event": "asked", "command": tables["command"], "settings": settings, "data": data, "models": models,
            "recipe": tables["recipe"]}


def decided(events: Iterable[Event]) -> Iterator[Event]:
    """The decisions of a journal, in order.

    A stage counts once it has a result, wherever it had been begun or lost before. What a resumed run chooses and scores in the
    place of an ended one is what that had chosen, and counts once.
    """
    reached: dict[int, int] = {}
    until: dict[int, int] = {}
    closing: dict[str, Event] = {}
    for event in events:
        kind = event["event"]
        if kind in ("chosen", "tested"):
            closing[kind] = {name: value for name, value in event.items() if name != "at"}
        elif kind == "extended":
            yield from closing.values()
            closing = {}
            yield {"event": kind}
        elif kind == "study":
            yield _planned(event)
        elif kind == "trial":
            yield {"event": kind, **event["trial"]}
        elif kind == "shortened":
            yield {"event": kind, **event["trial"], "step": event["step"]}
        elif kind == "stage":
            until[event["trial"]] = event["until"]
            reached.setdefault(event["trial"], event["reached"])
        elif kind == "result":
            number = event["trial"]
            yield {"event": "run", "trial": number, "from": reached[number], "until": until[number], "to": event["step"],
                   "points": [{name: point[name] for name in _POINT} for point in event["points"]], "failure": event["failure"]}
            reached[number] = event["step"]
        elif kind == "stopped":
            yield {"event": kind, "trial": event["trial"], "reason": event["reason"]}
        elif kind == "exhausted":
            yield {"event": kind, "recipes": event["recipes"]}
    yield from closing.values()


def _planned(event: Event) -> Event:
    """What was planned of a study, but for its seconds."""
    plan = {name: event["plan"][name] for name in ("work", "levels", "challengers", "fresh", "curve_points", "rung_rows")}
    return {"event": "planned", "metric": event["metric"], "repeats": event["repeats"], "precision": event["precision"], **plan}


FORMATS: dict[str, Callable[[RunFolder], str]] = {"decisions": decisions}
