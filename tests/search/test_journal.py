"""The journal: what was appended is read back, whatever the writer met."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import RunError
from luthier.search.journal import Follower, Journal, read_journal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6)
EVENTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4).map(lambda event: event | {"event": "note"}), max_size=4)


def _write(path: Path, events: list[dict[str, Any]]) -> None:
    with Journal(path) as journal:
        for event in events:
            journal.append(event)


@settings(max_examples=60, deadline=None)
@given(events=EVENTS)
def test_read_journal_gives_back_what_was_appended(events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    _write(path, events)
    assert list(read_journal(path)) == events
    assert path.read_bytes().count(b"\n") == len(events)


@pytest.mark.parametrize("reason", ["two\nlines", "\r\n", "\u2028 \u0085 \x1c", "Übergrößenträger ✓", '"quoted" \\n'])
def test_an_event_is_one_line_whatever_its_text(reason: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"event": "stopped", "reason": reason}] * 2)
    assert [event["reason"] for event in read_journal(path)] == [reason, reason]


def test_append_writes_paths_enums_and_tuples_plainly(tmp_path: Path) -> None:
    kind = enum.Enum("kind", {"TUNE": "tune"})
    path = tmp_path / "journal.jsonl"
    _write(path, [{"command": kind.TUNE, "levels": (1.0, 2.0), "checkpoint": Path("a") / "b"}])
    assert list(read_journal(path)) == [{"command": "tune", "levels": [1.0, 2.0], "checkpoint": str(Path("a") / "b")}]


@pytest.mark.skipif(os.name == "nt", reason="file names are not bytes on Windows")
def test_append_takes_a_path_that_is_not_utf8(tmp_path: Path) -> None:
    checkpoint = Path(os.fsdecode(b"runs/caf\xe9/trial-0.safetensors"))
    path = tmp_path / "journal.jsonl"
    _write(path, [{"checkpoint": checkpoint}])
    assert [Path(event["checkpoint"]) for event in read_journal(path)] == [checkpoint]


def test_append_is_on_disk_before_it_returns(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for count in range(1, 4):
            journal.append({"count": count})
            assert [event["count"] for event in read_journal(path)] == list(range(1, count + 1))


def test_a_journal_cut_anywhere_reads_as_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    events = [{"event": "trial", "number": 0}, {"reason": "ü✓"}, {"a": [1, 2]}]
    _write(path, events)
    whole = path.read_bytes()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        assert list(read_journal(path)) == events[:whole[:end].count(b"\n")]


@pytest.mark.parametrize("damage", [b'{"a": 1\n', b"\n", b'{"a": "\xff"}\n', b'{"a": 1}{"b": 2}\n'])
def test_read_journal_names_the_damaged_line(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"a": 1}\n' + damage + b'{"a": 3}\n')
    with pytest.raises(RunError, match=r"line 2: .*damaged"):
        list(read_journal(path))


def test_journal_never_overwrites_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}])
    with pytest.raises(RunError, match="choose another --output"):
        Journal(path)
    assert list(read_journal(path)) == [{"a": 1}]


def test_read_journal_says_that_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such file"):
        list(read_journal(tmp_path / "journal.jsonl"))


def test_a_journal_that_is_gone_on_with_loses_its_torn_tail_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    _write(path, [{"a": 1}, {"b": "ü✓"}])
    whole = path.read_bytes()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        with Journal(path, again=True) as journal:
            journal.append({"c": 3})
        kept = [{"a": 1}, {"b": "ü✓"}][:whole[:end].count(b"\n")]
        assert list(read_journal(path)) == [*kept, {"c": 3}]


def test_events_say_when_they_happened_where_there_is_a_clock(tmp_path: Path) -> None:
    path, seconds = tmp_path / "journal.jsonl", iter([1.23456, 7.0])
    with Journal(path, lambda: next(seconds)) as journal:
        journal.append({"a": 1})
        journal.append({"a": 2})
    assert list(read_journal(path)) == [{"a": 1, "at": 1.235}, {"a": 2, "at": 7.0}]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
def test_a_full_disk_leaves_the_journal_whole_and_says_how_to_go_on(tmp_path: Path) -> None:
    """The limit stands for a full disk: a part of the line is written, and then no more."""
    import resource
    import signal

    path = tmp_path / "journal.jsonl"
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal(path) as journal:
        journal.append({"a": 1})
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, before[1]))
            with pytest.raises(RunError, match="make room on the disk, then go on with: luthier resume"):
                journal.append({"reason": "x" * 100})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_bytes() == b'{"a": 1}\n'
        journal.append({"a": 2})
    assert list(read_journal(path)) == [{"a": 1}, {"a": 2}]


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no folder with an open file in it")
def test_a_folder_that_is_gone_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with Journal(tmp_path / "run" / "journal.jsonl") as journal:
        journal.append({"a": 1})
        (tmp_path / "run").rename(tmp_path / "moved")
        with pytest.raises(RunError, match="was deleted or moved while the run was at work"):
            journal.append({"a": 2})
        (tmp_path / "moved").rename(tmp_path / "run")
        journal.append({"a": 3})
    assert list(read_journal(tmp_path / "run" / "journal.jsonl")) == [{"a": 1}, {"a": 3}]


@pytest.mark.parametrize(("line", "problem"), [
    ('{"a": 1}', "no event is named"), ('{"event": "stage", "trial": 0}', "'stage' lacks reached, until"),
    ('{"event": "dropped", "trial": 7}', "'dropped' of trial 7, which no line before it begins")])
def test_a_line_that_is_no_event_of_the_study_is_named(line: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(f'{{"event": "study"}}\n{{"event": "trial", "trial": {{"number": 0}}}}\n{line}\n{{"event": "done"}}\n')
    for read in (lambda: list(read_journal(path)), lambda: Follower(path).news()):
        with pytest.raises(RunError, match=rf"line 3: {problem}; the journal is damaged"):
            read()
