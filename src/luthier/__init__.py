"""Luthier finds how to fine-tune a pre-trained language model for your labelled text, and shows why.

    data ─► rows ─► tokens ─┐
                            ├─► search: trials ─► training ─► curves ─► finals ─► model, honest figure, report
    recipe, space ──────────┘

    import luthier
    run = luthier.tune("reviews.csv", budget="10m")
    run.metrics["test"], run.controls, run.trials
    run.model.predict(["Works as it should."])

The public names are those of `__all__`; they are imported when first used, so that `import luthier` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.api.check import Check, check
    from luthier.api.fetch import fetch
    from luthier.api.model import Model
    from luthier.api.public import load, open_run, resume, train, tune
    from luthier.api.run import Run
    from luthier.errors import ConfigError, DataError, LuthierError, ModelError, RunError, TrainingError, UsageError
    from luthier.recipes.recipe import Recipe
    from luthier.tasks.metrics import Score

__version__ = "0.1.0"

__all__ = ["Check", "ConfigError", "DataError", "LuthierError", "Model", "ModelError", "Recipe", "Run", "RunError", "Score",
           "TrainingError", "UsageError", "check", "fetch", "load", "open_run", "resume", "train",
           "tune"]

_HOMES = {
    "luthier.api.check": ["Check", "check"],
    "luthier.api.model": ["Model"], "luthier.api.run": ["Run"],
    "luthier.api.fetch": ["fetch"],
    "luthier.api.public": ["load", "open_run", "resume", "train", "tune"],
    "luthier.recipes.recipe": ["Recipe"], "luthier.tasks.metrics": ["Score"],
    "luthier.errors": ["ConfigError", "DataError", "LuthierError", "ModelError", "RunError", "TrainingError", "UsageError"],
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'luthier' has no attribute '{name}'")
