"""New files, which are there whole or not at all, and the error that says that there is no room for them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import numpy.typing as npt


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


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file: it takes the place of `path` when it is whole, and nothing of it is left where it is not."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as a .npy file, whole or not at all.

    NumPy's own writing to files does not say why it fails, so that a full disk could not be told from another fault.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    import numpy as np

    values = np.ascontiguousarray(array)
    with whole(path) as partial, partial.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(values))
        stream.write(values.data)


def is_full_disk(error: Exception) -> bool:
    """Whether an error says that there is no room on the disk, or no more of it for this user or this process.

    Libraries in other languages (safetensors, tokenizers) say so in words alone.
    """
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in full
    return any(os.strerror(number) in str(error) for number in full)
