"""How much memory is free: as the system says, or the control group where that has less."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.engines import memory

GIB = 2**30


def _say(monkeypatch: pytest.MonkeyPatch, folder: Path, groups: str) -> None:
    (folder / "meminfo").write_text(f"MemTotal: {9 * 2**20} kB\nMemAvailable:   {8 * 2**20} kB\n", encoding="ascii")
    (folder / "own").write_text(groups, encoding="ascii")
    for name, path in (("_MEMINFO", "meminfo"), ("_OWN_GROUPS", "own"), ("_GROUPS", "groups")):
        monkeypatch.setattr(memory, name, folder / path)


def _group(folder: Path, limit: str, used: int, files: str, names: tuple[str, str]) -> None:
    folder.mkdir(parents=True)
    (folder / names[0]).write_text(f"{limit}\n", encoding="ascii")
    (folder / names[1]).write_text(f"{used}\n", encoding="ascii")
    (folder / "memory.stat").write_text(f"anon 5\n{files}\n", encoding="ascii")


def test_without_groups_it_is_what_the_machine_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _say(monkeypatch, tmp_path, "0::/\n")
    assert memory.free_memory("cpu") == 8 * GIB


@pytest.mark.parametrize(("limit", "free"), [(str(5 * GIB), 3 * GIB), ("max", 8 * GIB), (str(100 * GIB), 8 * GIB)])
def test_a_groups_limit_counts_where_it_leaves_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str,
                                                    free: int) -> None:
    _say(monkeypatch, tmp_path, "0::/above/own\n")
    _group(tmp_path / "groups" / "above", limit, 3 * GIB, f"inactive_file {GIB}", ("memory.max", "memory.current"))
    assert memory.free_memory("cpu") == free


def test_groups_of_the_older_version_are_read_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _say(monkeypatch, tmp_path, "5:cpu:/own\n4:memory,hugetlb:/own\n")
    _group(tmp_path / "groups" / "memory" / "own", str(2 * GIB), GIB, "total_inactive_file 0",
           ("memory.limit_in_bytes", "memory.usage_in_bytes"))
    assert memory.free_memory("cpu") == GIB


def test_here_it_is_more_than_nothing() -> None:
    assert (memory.free_memory("cpu") or 1) > 0
