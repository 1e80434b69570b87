"""Show a run that another process carries out, from its folder alone: journal, progress and whether somebody is at work."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from luthier.api.folder import RunFolder
from luthier.api.progress import read_progress
from luthier.cli.display import Display
from luthier.cli.view import View
from luthier.errors import ConfigError, RunError
from luthier.recipes.trial import Progress
from luthier.report.wording import short, test_rows
from luthier.search.budget import Plan
from luthier.search.journal import Event, Follower
from luthier.search.study import GONE_ON, Study
from luthier.tasks.metrics import Score

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
    refit: bool = False
    seconds: float = 0.0
    stage: str = "preparing"
    finished: bool = False
    _seen: float = field(default_factory=time.monotonic)

    def take(self, events: list[Event]) -> None:
        """Take in events of the journal.

        Raises:
            RunError: it was written by another version of Luthier.
        """
        for event in events:
            kind = event.get("event", "")
            if kind == "study":
                self._learn(event)
            elif self.study is None:
                raise RunError(f"{self.folder.journal}: does not begin as a run does; it cannot be watched")
            else:
                self.study.apply(event)
                if kind in GONE_ON:
                    self._learn(event)
            self.finished = kind == "done"
            self.stage = {"chosen": "finishing what is delivered", "tested": "writing model and report"}.get(kind, "")
            self.seconds = max(self.seconds, event.get("at", 0.0))
        if events:
            self._seen = time.monotonic() - max(0.0, time.time() - self.folder.journal.stat().st_mtime)

    def _learn(self, event: Event) -> None:
        """What a run is, and how far it may go: as it began, or as it was last gone on with."""
        try:
            if event["event"] == "study":
                self.study, self.alone = Study.begun(event), event["command"] == "train"
                self.refit = bool(event.get("refit"))
            self.plan, self.trials = Plan.from_table(event["plan"]), event["trials"]
        except (KeyError, TypeError, ValueError):
            raise RunError(f"{self.folder.journal}: was written by another version of Luthier; it cannot be watched") from None

    def settle(self) -> None:
        """Nobody is at work: what was under way is so no more."""
        if self.study is not None:
            self.study.apply({"event": "resumed"})

    def running(self, process: str | None) -> dict[int, Progress]:
        """The newest progress of the trials that run by now, if a process is at work."""
        going = {record.trial.number for record in self.study.running()} if self.study and process else set()
        return {number: progress for number, progress in read_progress(self.folder.progress).items() if number in going}

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
        raise ConfigError(f"{run}: no run has begun there (there is no run.toml). One that is still preparing makes its folder "
                          "when it has read the data and measured this machine, up to a minute after its command: wait for its "
                          "line 'Run folder'")
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
    folder, process, drawing, stage = watched.folder, watched.folder.process(), False, ""
    console.print(f"Watching {folder.path}" + (f", where process {process} is at work" if process else ""))
    with Display(console) as display:
        while True:
            process = folder.process()  # before the journal: what it wrote last is then read too
            watched.take(journal.news())
            if process is None:
                watched.settle()
            if watched.study is not None and watched.plan is not None:
                if not drawing:
                    drawing, display.alone = True, watched.alone
                    display.searching(watched.plan, time.monotonic() - watched.now(), watched.trials, watched.refit)
                display.update(watched.study, watched.running(process))
            if watched.finished or process is None:
                break
            if watched.stage != stage:
                stage = watched.stage
                if stage:
                    display.say(f"{stage[0].upper()}{stage[1:]} …")
            time.sleep(LOOK_SECONDS)
    console.print(_closing(watched, process))


def _print_once(console: Console, watched: Watched, process: str | None) -> None:
    """How the run stands, and what to do with it."""
    working = process is not None and not watched.finished
    if not working:
        watched.settle()
    if watched.study is not None:
        view = View(watched.study, watched.running(process), watched.now() if working else watched.seconds,
                    watched.plan if working else None, watched.trials, watched.alone, watched.refit)
        console.print(view.render(console.width))
    console.print(_closing(watched, process))


def _closing(watched: Watched, process: str | None) -> str:
    """What there is to say in the end."""
    folder, path = watched.folder, watched.folder.path
    if watched.finished:
        if not folder.results.exists():
            return f"Finished, but its results.json is gone. Report: {folder.report}"
        results = json.loads(folder.results.read_text(encoding="utf-8"))
        return (f"Finished: {short(results['metric_title'], 100)} {Score.from_table(results['test'])} on {test_rows(results)}. "
                f"Report: {folder.report}")
    if process is None:
        return f"Nobody is at work there any more, and the run is not finished. Go on with it: luthier resume {path}"
    return f"Process {process} is at work there: {watched.stage or 'training'}."
