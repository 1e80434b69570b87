"""What one signal, two at once, and two apart come to."""

from __future__ import annotations

import os
import signal
import time

import pytest

from luthier.api.interrupt import ONE_PRESS, interruptible

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one process")


def test_two_signals_at_once_are_one_and_another_later_ends_at_once() -> None:
    """As some programs send theirs to a command and, once more, to its whole group."""
    said: list[str] = []
    with interruptible(said.append) as interrupt:
        assert not interrupt.asked
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert interrupt.asked and len(said) == 1
        time.sleep(ONE_PRESS + 0.05)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
