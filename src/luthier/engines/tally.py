"""What a stage keeps count of while it trains: what its figures are of, and how fast it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.tasks.base import Task
from luthier.training.loop import Step

MOST_UNITS = 20_000
"""Units whose scores training figures are of: every reading of a curve would otherwise hold those of all tokens since the last."""


class Seen:
    """What was trained on since the last point: scores and targets of no more steps than hold the last `MOST_UNITS` units."""

    def __init__(self) -> None:
        self.objectives: list[float] = []
        self.units: deque[tuple[npt.NDArray[np.float32], npt.NDArray[Any]]] = deque()
        self.number = 0

    def add(self, step: Step) -> None:
        """Keep a step, and let go of those that are no longer among the last units."""
        self.objectives.append(step.objective)
        self.units.append((step.scores.astype(np.float32), step.targets))
        self.number += len(step.targets)
        while self.number - len(self.units[0][1]) >= MOST_UNITS:
            self.number -= len(self.units.popleft()[1])

    def figures(self, task: Task) -> dict[str, float]:
        """The metrics of the units that are kept, and the mean of what was minimised over all steps; empty without a step."""
        if not self.objectives:
            return {}
        scores, targets = (np.concatenate(parts) for parts in zip(*self.units, strict=True))
        return task.batch_metrics(scores.astype(np.float64), targets) | {"objective": float(np.mean(self.objectives))}


@dataclass
class Made:
    """Steps that a stage has made: how many, of how many rows and real tokens, and the seconds they took."""

    steps: int = 0
    rows: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def add(self, step: Step, seconds: float) -> None:
        """Count one more."""
        self.steps, self.rows, self.tokens = self.steps + 1, self.rows + step.rows, self.tokens + step.tokens
        self.seconds += seconds

    def speed(self, others: Made) -> tuple[float, float]:
        """Rows and tokens a second, over these steps and others."""
        seconds = self.seconds + others.seconds
        return ((self.rows + others.rows) / seconds, (self.tokens + others.tokens) / seconds) if seconds else (0.0, 0.0)
