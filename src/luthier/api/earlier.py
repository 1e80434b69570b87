"""A run that has begun: what its folder says of it, so that another command can go on with it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.api.folder import RunFolder
from luthier.api.settings import Command, Settings
from luthier.config import build, plain, to_table
from luthier.data.load import Corpus
from luthier.engines.local import Workforce
from luthier.errors import ConfigError, RunError
from luthier.recipes.trial import TrialState
from luthier.search.budget import Plan, Speed
from luthier.search.journal import Event, read_journal
from luthier.search.study import FINAL, FRESH, GONE_ON, REFIT, Study
from luthier.sharing.quota import Quota
from luthier.training.precision import Precision


@dataclass(frozen=True)
class Earlier:
    """The sessions of a run so far.

    Attributes:
        events: of its journal; empty where it was ended before its search began.
        settings: what was asked for, as run.toml keeps it.
        command: what the run was started as.
        hash: of the data.
        seconds: how long it worked. Where it was interrupted, until then: its finals are made anew, and theirs are not counted.
    """

    folder: RunFolder
    events: list[Event]
    command: Command
    settings: Mapping[str, Any]
    hash: str
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether it came to its end, a delivered model."""
        return _has_ended(self.events)

    @property
    def interrupted(self) -> bool:
        """Whether it came to that end before its time."""
        return self.finished and bool(self.events[-1].get("interrupted"))

    @property
    def delivered(self) -> dict[str, float] | None:
        """The test figure of the model that it delivered, where it came to its end."""
        last = next((event for event in reversed(self.events) if event["event"] == "tested"), None)
        return last["test"] if last and self.finished else None

    @property
    def begun(self) -> Begun | None:
        """What was measured at its start, and planned when it was last gone on with; None where it was ended before that."""
        if not self.events:
            return None
        try:
            first = self.events[0]
            limits = next((event for event in reversed(self.events) if event["event"] in GONE_ON), first)
            force = Workforce(first["workers"], first["threads"])
            return Begun(Plan.from_table(limits["plan"]), Speed(**first["speed"]), Precision(first["precision"]), force,
                         Quota(first["disk"]), bool(first["trunk"]), first["device"], limits["budget"], limits["trials"])
        except (KeyError, TypeError, ValueError):
            raise RunError(f"{self.folder.journal}: begins in a way that this version of Luthier does not know; it cannot be "
                           "resumed") from None


@dataclass(frozen=True)
class Begun:
    """What was measured at the start of a run, the same in all of its sessions, and the limits and plan of the last one."""

    plan: Plan
    speed: Speed
    precision: Precision
    force: Workforce
    quota: Quota
    trunk: bool
    device: str
    budget: float | None
    trials: int | None


def open_earlier(folder: RunFolder) -> Earlier:
    """The run in a folder, which no other command is at work in.

    Raises:
        ConfigError: there is none, or another command is at work in it.
        RunError: its journal is damaged.
    """
    tables = folder.tables()
    with folder.held():
        events = list(read_journal(folder.journal)) if folder.journal.exists() else []
        if _has_ended(events):  # its command may have been killed before it could do so
            folder.clean()
    command = next((command for command in Command if command.value == tables["command"]), None)
    if command is None:
        raise ConfigError(f"{folder.config}: not the run.toml of a run: command = '{tables['command']}'")
    if folder.results.exists() and not events:
        raise ConfigError(f"{folder.path}: its journal is gone, so this finished run cannot be resumed; start a new one in "
                          "another folder")
    return Earlier(folder, events, command, tables["settings"], str(tables["data"].get("hash")), _seconds(events))


def _seconds(events: list[Event]) -> float:
    """How long a run worked, by its journal; where it was interrupted, up to the last result of its search."""
    counted = events
    if _has_ended(events) and events[-1].get("interrupted"):
        searched = {event["trial"]["number"] for event in events if event["event"] == "trial" and event["trial"]["parent"] is None}
        counted = [event for event in events if event["event"] == "result" and event["trial"] in searched]
    return max((event.get("at", 0.0) for event in counted), default=0.0)


def _has_ended(events: list[Event]) -> bool:
    return bool(events) and events[-1]["event"] == "done"


def settings_of(earlier: Earlier, *, budget: str | None, trials: int | None) -> Settings:
    """What was asked of a run, with the new budget or number of trials where there is one.

    Raises:
        ConfigError: its data were in memory, so that they are not known any more.
    """
    if not earlier.settings.get("data"):
        raise ConfigError(f"{earlier.folder.path}: the data of this run were given in memory; call luthier.tune with them again, "
                          f"and with output={str(earlier.folder.path)!r}")
    more = {name: value for name, value in (("budget", budget), ("trials", trials)) if value is not None}
    build(Settings, more)  # what is asked for now is not the fault of run.toml
    return build(Settings, {**earlier.settings, **more, "output": str(earlier.folder.path)}, str(earlier.folder.config))


def check_data(earlier: Earlier, corpus: Corpus) -> None:
    """See that the data are what they were.

    Raises:
        ConfigError: they have changed.
    """
    if corpus.hash != earlier.hash:
        raise ConfigError(f"{earlier.folder.path}: the rows of {corpus.name} are not those that this run began with, so its trials "
                          "cannot be compared with new ones; start another run")


def check_same(earlier: Earlier, command: Command, asked: Mapping[str, Any]) -> None:
    """See that what is asked for now is what was asked for then.

    Raises:
        ConfigError: it is not, or the run is finished; one that was interrupted is not.
    """
    path = earlier.folder.path
    if earlier.finished and not earlier.interrupted:
        raise ConfigError(f"--output {path}: a finished run is there; give another folder, or more time to that one with: luthier "
                          f"resume {path} --budget TIME")
    now, then, usual = plain(dict(asked)), dict(earlier.settings), to_table(Settings())
    different = ["command"] if command is not earlier.command else []
    different += [name for name in sorted({*now, *then}) if now.get(name, usual.get(name)) != then.get(name, usual.get(name))]
    if different:
        raise ConfigError(f"--output {path}: the run in this folder was started with other options ({', '.join(different)}). Give "
                          f"another folder, or go on with that run as it was asked for: luthier resume {path}")


def check_more(earlier: Earlier, begun: Begun, budget: float | None, trials: int | None) -> None:
    """See that there is something to go on with.

    Raises:
        ConfigError: there is not.
    """
    path = earlier.folder.path
    more = (_more(budget, begun.budget), _more(trials, begun.trials))
    had = [] if begun.budget is None else [f"--budget {begun.budget:.0f}s"]
    had += [] if begun.trials is None else [f"--trials {begun.trials}"]
    if earlier.finished and not earlier.interrupted and True not in more:
        raise ConfigError(f"{path}: this run is finished. --budget and --trials are totals of the whole run: to go on with "
                          f"it, give more than {' and '.join(had)}")
    if False in more:
        less = [name for name, wider in zip(("--budget", "--trials"), more, strict=True) if wider is False]
        before = " and ".join(had) or "neither a --budget nor --trials"
        raise ConfigError(f"{path}: a run that has begun can be given more, not less, and less {' and '.join(less)} than it had "
                          f"was asked for: it had {before}. They are totals of the whole run; what is not given has no limit")


def _more(now: float | None, then: float | None) -> bool | None:
    """Whether a limit is wider than it was (True) or narrower (False); None where it is the same."""
    if now == then:
        return None
    return now is None or (then is not None and now > then)


def take_up(study: Study, earlier: Earlier, more: bool) -> Event:
    """Fold the journal into a new study, and look what is still there of checkpoints and models.

    Files that no trial knows of are deleted: the rests of stages that were under way.

    Args:
        more: whether more time or trials are given than before.

    Returns:
        the event with which the journal goes on: the finals are run anew where it had ended, where it has more to search after
        they had begun, or where their models or scores are gone.
    """
    for event in earlier.events:
        study.apply(event)
    folder, known = earlier.folder.checkpoints, set()
    for record in study.records.values():
        record.checkpoints = {step: folder / file.name for step, file in record.checkpoints.items()}  # it may have been moved
        known |= set(record.checkpoints.values())
    models = {model_folder(earlier.folder, record.trial.number) for record in (*study.ends(FINAL), *study.ends(REFIT))
              if record.state in (TrialState.COMPLETE, TrialState.PAUSED)}
    known |= {scores_file(earlier.folder, record.trial.number) for record in study.ends(FRESH)}
    for path in folder.iterdir():
        if path not in known | models:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    scored = [scores_file(earlier.folder, record.trial.number) for record in study.ends(FRESH)
              if record.state is TrialState.COMPLETE]
    closing = bool(study.ends(FRESH) or study.ends(FINAL))
    anew = earlier.finished or (more and closing) or not all(path.exists() for path in (*models, *scored))
    return {"event": "extended" if anew else "resumed"}


def scores_file(folder: RunFolder, trial: int) -> Path:
    """Where a fresh final leaves its scores."""
    return folder.checkpoints / f"scores-{trial}.npy"


def model_folder(folder: RunFolder, trial: int) -> Path:
    """Where a trial leaves its model."""
    return folder.checkpoints / f"model-{trial}"
