"""Memory of a process: kept for the next step, and the most that one stage held, though its worker has run others before."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import re
import sys
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""What glibc's malloc.h calls these options."""
_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def keep_memory() -> None:
    """Have this process keep the memory that it frees, for what it needs next.

    glibc gives large pieces back to the system at once, and each step of training would have them mapped and cleared anew.
    Elsewhere nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
        library.mallopt(_TOP_PAD, 2**26)


def reset_peak(device: str) -> None:
    """Forget what was held before: free memory goes back to the system, and the peak starts anew where that can be had."""
    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # glibc on Linux; elsewhere the process's own peak must do
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text("5", encoding="ascii")


def peak_memory(device: str) -> int:
    """Bytes: of the GPU's memory where there is one, else of this process; 0 where the system does not tell."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated())
    with contextlib.suppress(OSError):
        if match := _PEAK.search(_STATUS.read_text(encoding="ascii")):
            return int(match[1]) * 1024
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
