"""`Engine`: what runs stages. The search loop knows no more of processes, machines and clocks than this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from luthier.recipes.trial import EngineEvent, Stage


class Engine(Protocol):
    """Runs stages, several at once where it has several slots."""

    @property
    def slots(self) -> int:
        """How many stages can run at once."""

    def now(self) -> float:
        """Seconds on the engine's clock."""

    def submit(self, stage: Stage) -> None:
        """Begin a stage; at most `slots` are under way."""

    def cancel(self, stage: Stage) -> None:
        """Ask a stage to end at its next step: it evaluates, saves, and is reported as finished there."""

    def events(self, timeout: float) -> Iterable[EngineEvent]:
        """What has happened since the last call; waits up to `timeout` seconds for the first event."""

    def close(self) -> None:
        """End all workers and give back what they hold."""
