"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from luthier.files import is_full_disk, whole_file, write_array


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.txt") as stream:
        stream.write("é\n")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_bytes() == "é\n".encode() and len(list(tmp_path.iterdir())) == 1


def test_what_is_there_stays_when_another_fails(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UnicodeEncodeError), whole_file(tmp_path / "a.txt", again=True) as stream:
        stream.write("new \ud800")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
    with pytest.raises(FileExistsError, match=r"a\.txt"), whole_file(tmp_path / "a.txt"):
        pass


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No room: '.*a\.txt'") as caught, whole_file(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No room")
    assert caught.value.errno == errno.ENOSPC and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("array", [np.arange(6, dtype=np.int32).reshape(2, 3), np.zeros((0, 4), np.float32),
                                   np.asfortranarray(np.eye(3)), np.array([True, False])], ids=str)
def test_an_array_is_what_numpy_reads(tmp_path: Path, array: np.ndarray) -> None:
    write_array(tmp_path / "a.npy", array)
    found = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert found.dtype == array.dtype and np.array_equal(found, array) and found.shape == array.shape
    assert len(list(tmp_path.iterdir())) == 1


def test_an_array_that_does_not_fit_on_the_disk_is_told_from_other_faults(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk; NumPy's own error would say how many were written, and not why."""
    resource = pytest.importorskip("resource", reason="this system has no limits on the size of files")
    write_array(tmp_path / "a.npy", np.zeros(3))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError) as caught:
            write_array(tmp_path / "a.npy", np.zeros(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert is_full_disk(caught.value)
    assert np.load(tmp_path / "a.npy").shape == (3,) and len(list(tmp_path.iterdir())) == 1, "what was there stays"


@pytest.mark.parametrize(("error", "full"), [
    (OSError(errno.ENOSPC, "x"), True), (OSError(errno.EDQUOT, "x"), True), (OSError(errno.EACCES, "x"), False),
    (OSError("Error while serializing: No space left on device"), True), (Exception("No space left on device (os error 28)"), True),
    (ValueError("no"), False)])
def test_a_full_disk_is_known_by_number_or_by_words(error: Exception, full: bool) -> None:
    assert is_full_disk(error) is full
