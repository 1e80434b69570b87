"""docs/hyperparameters.md says what the code does."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_page_of_hyperparameters_is_what_the_recipe_says() -> None:
    render = runpy.run_path(str(DOCS / "generate.py"))["render"]
    assert (DOCS / "hyperparameters.md").read_text(encoding="utf-8") == render(), "run: python docs/generate.py"
