"""Ctrl-C and SIGTERM: once ends well with what there is, twice ends at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ONE_PRESS = 0.5
"""Seconds within which two signals are one: some programs send theirs to a command and, once more, to its whole group."""


class Interrupt:
    """Whether the user has asked for the end."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def interruptible(say: Callable[[str], None]) -> Iterator[Interrupt]:
    """Within this block the first Ctrl-C or SIGTERM sets `asked`; the second raises KeyboardInterrupt."""
    interrupt, asked = Interrupt(), 0.0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if interrupt.asked and time.monotonic() - asked < ONE_PRESS:
            return
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked, asked = True, time.monotonic()
        say("Interrupted: the search ends here, and what there is is finished. Ctrl-C again stops at once, without a model.")

    if threading.current_thread() is not threading.main_thread():
        yield interrupt  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
