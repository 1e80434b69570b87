"""Off the network while it lasts, whenever the hub's library was imported, and as before afterwards."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from luthier.models.network import is_offline, without_network

VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("online")
def test_a_library_imported_before_is_told_and_told_again_afterwards() -> None:
    from huggingface_hub import get_session
    from huggingface_hub.errors import OfflineModeIsEnabled
    from transformers.utils.hub import is_offline_mode

    with pytest.raises(RuntimeError), without_network(True):
        assert is_offline() and is_offline_mode() and all(os.environ[name] == "1" for name in VARIABLES)
        with pytest.raises(OfflineModeIsEnabled):
            get_session().get("http://127.0.0.1:9/")
        raise RuntimeError
    assert not is_offline() and not is_offline_mode() and not any(name in os.environ for name in VARIABLES)


@pytest.mark.usefixtures("online")
def test_not_asked_changes_nothing() -> None:
    with without_network(False):
        assert not is_offline() and "HF_HUB_OFFLINE" not in os.environ


def test_what_the_user_had_set_stays_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "yes")
    with without_network(True):
        pass
    assert os.environ["HF_HUB_OFFLINE"] == "yes" and is_offline()


@pytest.mark.parametrize(("variable", "after"), [("", False), ("1", True)])
def test_a_library_imported_meanwhile_goes_online_afterwards_unless_the_user_said_otherwise(variable: str, after: bool) -> None:
    code = ("from luthier.models.network import is_offline, without_network\n"
            "with without_network(True): print(is_offline())\n"
            "print(is_offline())")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | {"HF_HUB_OFFLINE": variable}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.split() == ["True", str(after)], done.stderr
