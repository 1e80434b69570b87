"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from luthier.files import whole_file


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
