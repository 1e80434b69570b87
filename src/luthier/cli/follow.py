"""Show a run that another process carries out, from its folder alone: journal, progress and whether somebody is at work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from luthier.api.folder import RunFolder
from luthier.api.progress import read_progress
from luthier.cli.display import Display
from luthier.cli.view import View
from luthier.errors import ConfigError, RunError
from luthier.recipes.trial import Progress
from luthier.search.budget import Plan
from luthier.search.journal import Event, Follower
from luthier.search.study import Study

LOOK_SECONDS = 0.5


@dataclass
class Watched:
    """What a run's folder has told so far.

    Attributes:
        seconds: that the run had worked at its newest event.
        stage: what it does besides training, in words.
    """

    folder: RunFolder
    study: Study | None = None
    plan: Plan | None = None
    trials: int | None = None
    alone: bool = False
    seconds: float = 0.0
    stage: str = "getting ready"
    finished: bool = False
    test: dict[str, Any] | None = None
    _seen: float = field(default_factory=time.monotonic)

    def take(self, events: list[Event]) -> None:
        """Take in events of the journal.

        Raises:
            RunError: it was written by another version of Luthier.
        """
        for event in events:
            kind = event["event"]
            if kind == "study":
                self._begin(event)
            elif self.study is None:
                raise RunError(f"{self.folder.journal}: does not begin as a run does; it cannot be watched")
            else:
                self.study.apply(event)
            self.finished = kind == "done"
            self.stage = {"chosen": "scoring the test rows", "tested": "writing model and report"}.get(kind, "")
            self.test = event["test"] if kind == "tested" else self.test
            self.seconds, self._seen = max(self.seconds, event.get("at", 0.0)), time.monotonic()

    def _begin(self, event: Event) -> None:
        try:
            self.study = Study.begun(event)
            self.plan = Plan(**{**event["plan"], "levels": tuple(event["plan"]["levels"])})
            self.trials, self.alone = event["trials"], event["command"] == "train"
        except (KeyError, TypeError, ValueError):
            raise RunError(f"{self.folder.journal}: was written by another version of Luthier; it cannot be watched") from None

    def now(self) -> float:
        """The seconds of the run so far, if it is still at work."""
        return self.seconds + time.monotonic() - self._seen


def follow(run: Path, once: bool) -> int:
    """Show a run until it ends, or as it stands; the exit status.

    Raises:
        ConfigError: there is none.
        RunError: its journal is damaged.
    """
    folder = RunFolder(run)
    if not folder.config.exists() and (not run.exists() or folder.process() is None):
        raise ConfigError(f"{run}: no run has begun there (there is no run.toml)")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    watched, journal = Watched(folder), Follower(folder.journal)
    if once:
        process = folder.process()
        watched.take(journal.news())
        _print_once(console, watched, process)
        return 0
    try:
        _follow(console, watched, journal)
    except KeyboardInterrupt:
        console.print(f"The run goes on; come back with: luthier watch {run}")
    return 0


def _follow(console: Console, watched: Watched, journal: Follower) -> None:
    """Show the run until it is finished, or nobody is at work any more."""
    folder, process, said = watched.folder, watched.folder.process(), ""
    with Display(console) as display:
        console.print(f"Watching {folder.path}" + (f", process {process}" if process else ""))
        while True:
            process = folder.process()  # before the journal: what it wrote last is then read too
            watched.take(journal.news())
            if watched.finished or process is None:
                break
            if watched.study is not None and watched.plan is not None:
                if not said:
                    display.alone = watched.alone
                    display.searching(watched.plan, time.monotonic() - watched.now(), watched.trials)
                display.update(watched.study, _running(watched))
            if (stage := watched.stage or "training") != said:
                said = stage
                if said != "training":
                    display.say(f"{said[0].upper()}{said[1:]} …")
            time.sleep(LOOK_SECONDS)
    _print_once(console, watched, process)


def _running(watched: Watched) -> dict[int, Progress]:
    """The newest progress of the trials that run by now."""
    going = {record.trial.number for record in watched.study.running()} if watched.study else set()
    return {number: progress for number, progress in read_progress(watched.folder.progress).items() if number in going}


def _print_once(console: Console, watched: Watched, process: str | None) -> None:
    """How the run stands, and what to do with it."""
    study, folder = watched.study, watched.folder
    if study is not None:
        if process is None and not watched.finished:
            study.apply({"event": "resumed"})  # what was under way is so no more
        working = process is not None and not watched.finished
        view = View(study, _running(watched) if working else {}, watched.seconds, watched.plan if working else None,
                    watched.trials, watched.alone)
        console.print(view.render(console.width))
    if watched.finished:
        test = watched.test or {}
        figure = f": {study.metric} {test['value']:.3f} [{test['low']:.3f}, {test['high']:.3f}] on the test rows" if (
            study and test) else ""
        console.print(f"Finished{figure}. Report: {folder.report}")
    elif process is None:
        console.print(f"Nobody is at work in this folder any more, and the run is not finished. Go on with it: luthier resume "
                      f"{folder.path}")
    else:
        console.print(f"Process {process} is at work: {watched.stage or 'training'}.")
