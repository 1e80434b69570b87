"""What a study may keep on disk beside its results, and how that is divided. Pure functions.

Half is for the checkpoints of trials, half for what frozen blocks make of rows. The halves are fixed, for a share that shrank
as checkpoints came would have the same trial stored at one time and not at another, and stored numbers differ in their last
bits from those made on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from luthier.errors import ConfigError

DEFAULT_BYTES = 16 * 2**30
"""What a study may keep unless told otherwise, and unless half of what is free is less."""
MOST_BYTES = 2**63 - 1
_UNITS = {"": 1, "b": 1, **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
          **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)}}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)


@dataclass(frozen=True)
class Quota:
    """Bytes that a study may keep on disk beside its results."""

    total: int = DEFAULT_BYTES

    @property
    def checkpoints(self) -> int:
        """The bytes that checkpoints of trials may take."""
        return self.total - self.trunk

    @property
    def trunk(self) -> int:
        """The bytes that what frozen blocks make of rows may take."""
        return self.total // 2


def parse_size(text: str) -> int:
    """Bytes of a size such as 2GB, 500MB, 1.5GiB or 1000000.

    Raises:
        ConfigError: it is not one.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    found = int(Decimal(match[1]) * unit) if match and unit else -1
    if not 0 <= found <= MOST_BYTES:
        raise ConfigError(f"--disk {text}: not an amount of disk space; write 500MB, 2GB, 1.5GiB or a number of bytes")
    return found


def size(amount: float) -> str:
    """Bytes as a person says them: 512 bytes, 1.0 MB, 16 GB."""
    for unit, name in ((1000**4, "TB"), (1000**3, "GB"), (1000**2, "MB"), (1000, "kB")):
        if amount >= unit:
            return f"{amount / unit:.{1 if amount < 10 * unit else 0}f} {name}"
    return f"{amount:.0f} bytes"
