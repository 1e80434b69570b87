"""The public names, and that asking for one costs nothing before it is needed."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import luthier

NAMES = ["Check", "ConfigError", "DataError", "LuthierError", "Model", "ModelError", "Recipe", "Run", "RunError", "Score",
         "TrainingError", "UsageError", "check", "fetch", "load", "open_run", "resume", "train",
         "tune"]
HEAVY = ("torch", "transformers", "pandas", "optuna", "sklearn", "scipy", "pyarrow", "datasets")


def test_public_names_are_these() -> None:
    """A change here is a change for every user."""
    assert luthier.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_can_be_imported_and_is_described(name: str) -> None:
    value = getattr(luthier, name)
    assert value.__name__ == name
    assert inspect.getdoc(value)
    assert value.__module__.startswith("luthier.")


def test_all_public_names_are_shown_by_dir() -> None:
    assert set(NAMES) <= set(dir(luthier))


def test_a_name_that_is_not_public_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'luthier' has no attribute 'tunes'"):
        luthier.tunes  # noqa: B018
    with pytest.raises(ImportError):
        from luthier import tunes  # noqa: F401


def test_public_functions_take_keywords_after_the_first_two() -> None:
    for name in ("train", "tune", "load", "open_run"):
        kinds = [parameter.kind for parameter in inspect.signature(getattr(luthier, name)).parameters.values()]
        assert all(kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD) for kind in kinds[2:])


def _loaded_after(statement: str) -> list[str]:
    """The heavy packages that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("statement", ["import luthier", "import luthier.cli.main", "from luthier import Recipe, ConfigError"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert _loaded_after(statement) == []


def test_star_import_gives_every_public_name() -> None:
    code = f"from luthier import *\nassert all(name in globals() for name in {NAMES!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
