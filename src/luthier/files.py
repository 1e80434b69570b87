"""New files, which are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole_file(path: Path, *, again: bool = False, newline: str = "\n") -> Iterator[TextIO]:
    """A file to write text into, as UTF-8; it takes its name when it is whole, and nothing of it is left where it is not.

    Args:
        again: whether it may take the place of one that is there.

    Raises:
        FileExistsError: one is there.
        OSError: it cannot be written, as on a full disk; `filename` is the path.
    """
    if not again and path.exists():
        raise FileExistsError(f"{path}: is there already")
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline=newline) as stream:
            yield stream
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
