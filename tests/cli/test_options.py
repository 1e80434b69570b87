"""Options given on the command line count more than those of --config; what is left out changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.cli.options import gather
from luthier.errors import ConfigError


@pytest.mark.parametrize(("given", "offline"), [(None, True), (True, True), (False, False)])
def test_no_offline_undoes_the_offline_of_a_run(given: bool | None, offline: bool, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('[settings]\ndata = "a.csv"\noffline = true\n', encoding="utf-8")
    assert gather({"offline": given}, tmp_path / "run.toml").offline is offline


@pytest.mark.parametrize("given", [{"budget": ""}, {"model": [""]}])
def test_an_empty_option_is_no_default(given: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=rf"--{next(iter(given))} is empty"):
        gather({"data": "a.csv", **given}, None)
