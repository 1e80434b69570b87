"""What a training is judged against: what guessing and the frozen probe reach, and how far figures move by chance.

**Noise.** Two readings are on the same rows, so their difference is much less noisy than either. Measured on all-MiniLM-L6
and 496 reviews, ten epochs at learning rate 2e-4, averaged weights (per-row losses at every pair of epochs): the spread of
a row's change is 0.5 to 0.8 times the mean loss between neighbouring epochs and 1 to 2 times across a doubling of the loss,
which is beyond doubt anyway. Correctness of a row at two epochs correlates at 0.4 to 0.9, mostly about 0.7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from luthier.data.row import Kind
from luthier.explain.rows import Row, number
from luthier.tasks.registry import kind_named, of_tokens
from luthier.tasks.wording import wording_of

LOSS_SPREAD = 1.0
"""The spread of one row's change in loss, over the mean loss: above what is seen where a loss changes little (see above)."""
AGREEMENT = 0.7
"""How far correctness of the same row correlates between two readings (see above)."""
ERROR_RATE = 0.05
"""How often a verdict may be given for noise alone."""


@dataclass(frozen=True)
class Facts:
    """What a curve is judged against; None where it is not known.

    Attributes:
        metric: the headline metric's name.
        chance_loss: loss of one who knows only the training rows' labels: of always predicting their frequencies (log loss), or the
            mean of their numbers (mean squared error).
        largest_label_share: of the validation rows, where each has one label.
        probe_score: the headline metric of the frozen probe on the validation rows.
        majority_score: the headline metric of one who says the same of every text.
        task: its name, for words that differ between tasks.
        metric_title: the headline metric, as people name it.
        failure: why the trial failed, if it did.
        ended_early: whether the trial was stopped or left before its end.
    """

    metric: str
    validation_rows: int
    chance_loss: float | None = None
    largest_label_share: float | None = None
    probe_score: float | None = None
    majority_score: float | None = None
    failure: str = ""
    ended_early: bool = False
    task: str = "classification"
    metric_title: str = ""

    @property
    def title(self) -> str:
        """The metric, as sentences name it."""
        return self.metric_title or self.metric.replace("macro_f1", "macro-F1").replace("_", " ")

    @property
    def guessing(self) -> str:
        """What has the chance loss, in words."""
        return wording_of(self.task).guessing


def facts_of(results: Row) -> Facts:
    """The facts of a run: results.json's "facts", and what is missing there from its counts and controls."""
    given = results.get("facts") or {}
    held = results.get("controls_validation") or {}
    chance, largest = _label_facts(results)
    majority, probe = ((held.get(name) or {}).get("value") for name in ("majority", "probe"))
    task = str(results.get("task") or "classification")
    if of_tokens(task) and majority is None:
        majority = 0.0  # without an entity found, every F1 is 0
    rows = number(given.get("validation_rows")) or number((results.get("rows") or {}).get("validation")) or 0
    return Facts(str(given.get("metric") or results["metric"]), int(rows), number(given.get("chance_loss", chance)),
                 number(given.get("largest_label_share", largest)), number(given.get("probe_score", probe)), number(majority),
                 task=task, metric_title=str(results.get("metric_title") or ""))


def elsewhere(facts: Facts) -> Facts:
    """The facts for a trial that is read on other rows than the controls were: no figure of theirs is held against it.

    A score of 0 for saying the same of every text is 0 on any rows.
    """
    return replace(facts, probe_score=None, majority_score=0.0 if facts.majority_score == 0 else None)


def _label_facts(results: Row) -> tuple[float | None, float | None]:
    """The loss of guessing by the training frequencies, and the greatest share of a label, on the validation rows.

    Neither is known where a row may have several labels or none.
    """
    if kind_named(str(results.get("task", "classification"))) is not Kind.CLASS:
        return None, None
    counts: Sequence[Mapping[str, Any]] = list((results.get("counts") or {}).values())
    train, held = (sum(label.get(split, 0) for label in counts) for split in ("train", "validation"))
    if not train or not held:
        return None, None
    chance = sum(-label.get("validation", 0) / held * math.log(max(label.get("train", 0), 0.5) / train) for label in counts)
    return chance, max(label.get("validation", 0) for label in counts) / held


def loss_noise(before: float, after: float, facts: Facts, readings: int) -> float:
    """How far a validation loss may rise from the least of so many readings by chance: paired over rows, at `ERROR_RATE`.

    Each of the other readings could have been the one that looks raised, so the rate is shared among them.
    """
    z = NormalDist().inv_cdf(1 - ERROR_RATE / max(1, readings - 1))
    return z * LOSS_SPREAD * (before + after) / 2 / math.sqrt(facts.validation_rows)


def score_error(score: float, facts: Facts) -> float:
    """One standard error of the difference between two scores on the same rows.

    Of shares of right answers, and near enough of F1, by the binomial; of correlations by 1 - r² (Fisher 1915), and of R² by the
    rule that it is a correlation's square.
    """
    rows = max(1, facts.validation_rows)
    if facts.metric in ("pearson", "spearman", "r2"):
        correlation = math.sqrt(max(score, 0.0)) if facts.metric == "r2" else score
        spread = 1 - min(abs(correlation), 0.99) ** 2
        spread *= 2 * max(correlation, 0.1) if facts.metric == "r2" else 1
    else:
        share = min(max(score, 0.01), 0.99)
        spread = math.sqrt(share * (1 - share))
    return spread * math.sqrt(2 * (1 - AGREEMENT) / rows)
