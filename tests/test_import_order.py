"""A package imports only from those to its left:

    errors, files, config, environment → recipes → data → tasks → models → training → sharing
        → search → engines → explain → report → api → cli

Imports for type checkers and inside functions count too. `luthier` itself, which holds the version, is for api and cli.
`__main__` only starts the command line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import luthier

ORDER = ("errors", "files", "config", "environment", "recipes", "data", "tasks", "models", "training", "sharing", "search",
         "engines", "explain", "report", "api", "cli", "__main__")
SOURCE = Path(luthier.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def imported(source: str, module: str) -> Iterator[tuple[int, str]]:
    """(line, full name) of everything that the source of `module` (a package's own name for its __init__) imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[:-node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def forbidden(package: str, name: str) -> bool:
    """Whether a module of `package` may not import `name`."""
    parts = name.split(".")
    if parts[0] != "luthier":
        return False
    if len(parts) == 1 or parts[1].startswith("__"):
        return package not in ("api", "cli")
    return parts[1] not in ORDER or ORDER.index(parts[1]) > ORDER.index(package)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_packages_to_its_left(path: Path) -> None:
    relative = path.relative_to(SOURCE)
    package = relative.parts[0].removesuffix(".py")
    assert package in ORDER, f"{package} has no place in the order"
    module = ".".join(["luthier", *relative.with_suffix("").parts])
    wrong = [f"{relative}:{line}: imports {name}" for line, name in imported(path.read_text(encoding="utf-8"), module)
             if forbidden(package, name)]
    assert not wrong, "\n".join(wrong)


def test_every_package_of_the_order_is_there() -> None:
    assert {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in FILES} == set(ORDER)


@pytest.mark.parametrize(("source", "found"), [
    ("import luthier.api.run", ["luthier.api.run"]),
    ("from luthier import api, cli", ["luthier.api", "luthier.cli"]),
    ("from luthier.api.run import Run", ["luthier.api.run.Run"]),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from luthier.api.run import Run",
     ["typing.TYPE_CHECKING", "luthier.api.run.Run"]),
    ("def f():\n    def g():\n        import luthier", ["luthier"]),
    ("from . import engine", ["luthier.search.engine"]),
    ("from .study import Study", ["luthier.search.study.Study"]),
    ("from ..api import run", ["luthier.api.run"]),
    ("from luthier import __version__", ["luthier.__version__"]),
])
def test_every_form_of_import_is_seen(source: str, found: list[str]) -> None:
    assert sorted(name for _, name in imported(source, "luthier.search.loop")) == sorted(found)


@pytest.mark.parametrize(("package", "name", "wrong"), [
    ("search", "luthier.search.study", False), ("search", "luthier.sharing.plan", False), ("search", "luthier.errors", False),
    ("search", "luthier.engines.local", True), ("search", "luthier", True), ("search", "luthier.__version__", True),
    ("search", "luthier.unheard", True), ("api", "luthier.__version__", False), ("cli", "luthier", False),
    ("config", "luthier.errors", False), ("errors", "luthier.config", True), ("search", "numpy.api", False)])
def test_the_order_is_applied(package: str, name: str, wrong: bool) -> None:
    assert forbidden(package, name) is wrong
