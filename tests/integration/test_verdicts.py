"""Real runs, driven on purpose into each verdict."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.data.row import Row
from luthier.data.tokens import tokenize
from luthier.engines.execute import Base, Setup, run_stage
from luthier.explain.curves import curves_of
from luthier.explain.facts import Facts
from luthier.explain.verdicts import Kind, Verdict, judge_all
from luthier.models.classifier import load_tokenizer
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Stage, StageResult, Trial
from luthier.report.tables import curve_rows, trial_rows
from luthier.search.events import result_event, stage_event, trial_event
from luthier.search.study import Study
from luthier.sharing.work import Shape
from luthier.tasks.classification import Classification

TASK = Classification(("negative", "positive"))
PLAIN = {"batch_size": 16, "max_length": 48, "warmup_steps": 5, "schedule": "constant", "epochs": 8}
Judged = Callable[..., Verdict]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def judged(tiny_model: Path, reviews: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Train one recipe, or one recipe on several seeds, and judge it."""
    tokenizer = load_tokenizer(tiny_model)
    rows = [row for row in reviews if row.target in TASK.labels]

    def judged(train: int = 240, noise: float = 0.0, probe: float = 0.6, seeds: tuple[int, ...] = (0,), **changes: Any) -> Verdict:
        folder, chance = tmp_path_factory.mktemp("judged"), random.Random(0)
        for name, part in (("train", rows[:train]), ("validation", rows[300:500])):
            tokens = TASK.encode(tokenize([row.text for row in part], tokenizer, 64), part)
            flipped = [t if chance.random() >= noise or name != "train" else 1 - t for t in tokens.targets]
            replace(tokens, targets=np.array(flipped, np.int32)).save(folder / name)
        setup = Setup(bases={"": Base(tiny_model, "tiny", folder, pad_token_id=0, layers=2)}, task=TASK,
                      rung_rows=np.arange(200), cache=folder, device="cpu")
        recipe = Recipe.from_table(PLAIN | changes)
        tokens = setup.bases[""].split("train")
        study = Study(0, TASK.metric, Shape.of(tokens, 2), (1e12,), repeats=len(seeds))
        steps = recipe.total_steps(train)
        for number, seed in enumerate(seeds):
            trial = Trial(number, recipe, seed, "made up", Seeds.all(seed))
            stage = Stage(trial, 0, steps, steps, evaluate_at=tuple(steps * i // 10 for i in range(1, 10)))
            study.apply(trial_event(trial))
            study.apply(stage_event(stage))
            (result,) = [event for event in run_stage(stage, setup, lambda: False) if isinstance(event, StageResult)]
            study.apply(result_event(result))
        targets = tokens.targets.astype(np.int64)
        facts = Facts(TASK.metric, 200, chance_loss=TASK.chance_loss(targets), largest_label_share=0.5, probe_score=probe)
        return judge_all(trial_rows(study), curves_of(curve_rows(study)), facts)[0]

    return judged


@pytest.mark.parametrize(("kind", "changes"), [
    (Kind.DIVERGED, {"learning_rate": 1.0, "max_grad_norm": 1e6, "warmup_steps": 0}),
    (Kind.COLLAPSED, {"learning_rate": 0.006, "warmup_steps": 0}),
    (Kind.UNDERFIT, {"learning_rate": 2e-4, "epochs": 5, "averaging": "none", "frozen_layers": 1, "probe": 0.85, "seeds": (1,)}),
    pytest.param(Kind.OVERFIT, {"learning_rate": 2e-4, "batch_size": 8, "noise": 0.2, "epochs": 24, "dropout": 0.0,
                                "averaging": "none"}, marks=pytest.mark.slow),
    (Kind.OVERCONFIDENT, {"learning_rate": 1e-3, "train": 120, "epochs": 16, "dropout": 0.0}),
    (Kind.GOOD, {"learning_rate": 2e-4, "epochs": 5}),
])
def test_a_run_driven_there_gets_the_verdict(judged: Judged, kind: Kind, changes: dict[str, Any]) -> None:
    verdict = judged(**changes)
    assert verdict.kind is kind, verdict
    assert verdict.evidence.endswith(".") and any(char.isdigit() for char in verdict.evidence)
