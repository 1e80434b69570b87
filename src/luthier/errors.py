"""The exceptions that a user of Luthier can meet.

    LuthierError
    ├── UsageError        what was asked cannot be done as asked: nothing has been started (exit status 2)
    │   ├── ConfigError   an option, a hyperparameter or a configuration file
    │   ├── DataError     the rows, columns, labels or files given as data
    │   └── ModelError    the pre-trained model, or the folder given as one
    └── RunError          something failed while it ran (exit status 1)
        └── TrainingError training of one trial cannot go on (a loss that is not finite)

Every message says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LuthierError(Exception):
    """Base of everything that Luthier raises on purpose."""


class UsageError(LuthierError):
    """What was asked cannot be done as asked; nothing has been started."""


class ConfigError(UsageError):
    """An option, a hyperparameter or a configuration file is wrong."""


class DataError(UsageError):
    """The data cannot be used as given."""


class ModelError(UsageError):
    """The pre-trained model cannot be used as given."""


class RunError(LuthierError):
    """Something failed while it ran."""


class TrainingError(RunError):
    """Training of one trial cannot go on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the known name closest to `name` (" Did you mean 'x'?"), or "" when none is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
