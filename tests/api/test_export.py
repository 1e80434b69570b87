"""What keeps a run from being exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.api.export import export
from luthier.api.folder import RunFolder
from luthier.errors import RunError

ASKED = ('command = "tune"\n[settings]\n[data]\nname = ""\nhash = ""\ntask = ""\nlabels = []\nrows = {}\n[recipe]\n[[model]]\n'
         'key = ""\nhash = ""\nrevision = ""\n')


def test_a_journal_that_lost_its_first_line_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.config.write_text(ASKED, encoding="utf-8")
    assert export(folder, "decisions").count("\n") == 1, "it has only been asked for"
    folder.journal.write_text('{"event": "exhausted", "recipes": 3}\n', encoding="utf-8")
    with pytest.raises(RunError, match="its first line is gone"):
        export(folder, "decisions")
