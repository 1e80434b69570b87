"""`without_network`: keep the hub's libraries off the network, in this process and in those started meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from luthier.environment import environment

_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_YES = {"1", "ON", "YES", "TRUE"}


@contextlib.contextmanager
def without_network(asked: bool) -> Iterator[None]:
    """While this lasts, huggingface_hub, transformers and datasets open no network socket; afterwards all is as before.

    It holds for the whole process, other threads included; worker processes inherit the environment variables.
    """
    if not asked:
        yield
        return
    switch = _switch()
    try:
        with environment(dict.fromkeys(_VARIABLES, "1")):
            _set_switch(True)
            yield
    finally:
        _set_switch(any(os.environ.get(name, "").upper() in _YES for name in _VARIABLES[:2]) if switch is None else switch)


def is_offline() -> bool:
    """Whether the hub may not be asked: `without_network` lasts, or the user's environment says so."""
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _switch() -> bool | None:
    """What huggingface_hub goes by: it reads the variables when it is imported, and never again. None before that."""
    return getattr(sys.modules.get("huggingface_hub.constants"), "HF_HUB_OFFLINE", None)


def _set_switch(value: bool) -> None:
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = value  # type: ignore[attr-defined]
