"""Memory: how much is free, kept by a process for its next step, and the most that one stage held, though its worker has run
others before."""

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
_MEMINFO, _GROUPS, _OWN_GROUPS = Path("/proc/meminfo"), Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB", re.MULTILINE)
_FILES = re.compile(r"^(?:total_)?inactive_file (\d+)$", re.MULTILINE)
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


def free_memory(device: str) -> int | None:
    """Bytes that are free: on a GPU, or on this machine, or in the control group of this process where that has less.

    None where the system does not tell.
    """
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info()[0])
    found = _left_to_group()
    with contextlib.suppress(OSError):
        if match := _AVAILABLE.search(_MEMINFO.read_text(encoding="ascii")):
            found.append(int(match[1]) * 1024)
    return min(found) if found else None


def _left_to_group() -> list[int]:
    """What the limits of this process's control groups leave, cached files not counted; groups are of version 2 or 1."""
    found = []
    with contextlib.suppress(OSError):
        for line in _OWN_GROUPS.read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers == "":
                folder, names = _GROUPS, ("memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                folder, names = _GROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
            else:
                continue
            own = folder / name.strip("/")
            for group in (own, *(parent for parent in own.parents if parent.is_relative_to(folder))):
                with contextlib.suppress(OSError, ValueError):  # a limit may be "max"
                    limit, used = (int((group / part).read_text(encoding="ascii")) for part in names)
                    files = _FILES.search((group / "memory.stat").read_text(encoding="ascii"))
                    found.append(max(0, limit - used + (int(files[1]) if files else 0)))
    return found


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
