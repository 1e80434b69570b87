"""`--offline` opens no network socket, neither in the command nor in its workers, and finds hub models in the cache.

Every Python process of the command loads a sitecustomize.py that notes each network socket it sees; that hook is shown to
fire by the controls: in a parent, in a spawned worker, and in the same command without `--offline`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import luthier

HOOK = '''
import os, pathlib, socket, sys
folder = pathlib.Path(os.environ["SOCKET_NOTES"])
(folder / f"process-{os.getpid()}").touch()

def note(event, arguments):
    if event == "socket.getaddrinfo":
        where = arguments[0]
    elif event == "socket.__new__" and arguments[1] in (-1, socket.AF_INET, socket.AF_INET6):
        where = arguments[1:]
    elif event in ("socket.connect", "socket.bind", "socket.sendto") and arguments[0].family != socket.AF_UNIX:
        where = arguments[1]
    else:
        return
    with (folder / "sockets").open("a") as notes:
        notes.write(f"{os.getpid()} {event} {where}\\n")

sys.addaudithook(note)
'''
SOURCE = Path(luthier.__file__).parent.parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes between processes are no AF_UNIX sockets there")


class Watched:
    """Runs Python with the hook, as on a machine where nothing says "offline" and the hub does not answer."""

    def __init__(self, folder: Path, hub_home: Path) -> None:
        self.notes = folder / "notes"
        (folder / "hook").mkdir()
        self.notes.mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
        left_out = {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_CACHE", "PYTEST_CURRENT_TEST"}
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in left_out and not name.lower().endswith("_proxy")} | {
            "PYTHONPATH": os.pathsep.join([str(folder / "hook"), str(SOURCE)]), "SOCKET_NOTES": str(self.notes),
            "HF_HOME": str(hub_home), "HF_ENDPOINT": "http://127.0.0.1:9"}

    def python(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False, timeout=280,
                              encoding="utf-8", env=self.environment)

    def luthier(self, *words: object) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "luthier", *words)

    @property
    def processes(self) -> int:
        return len(list(self.notes.glob("process-*")))

    @property
    def sockets(self) -> str:
        file = self.notes / "sockets"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def watched(tmp_path: Path, hub_home: Any) -> Watched:
    return Watched(tmp_path, hub_home.path)


def test_control_the_hook_fires_in_a_parent_and_in_a_spawned_worker(watched: Watched, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("""
import multiprocessing, os, socket

def look_up():
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    except OSError:
        pass
    print(os.getpid(), flush=True)

if __name__ == "__main__":
    look_up()
    worker = multiprocessing.get_context("spawn").Process(target=look_up)
    worker.start()
    worker.join()
""", encoding="utf-8")
    done = watched.python(script)
    assert done.returncode == 0, done.stderr
    parent, worker = done.stdout.split()
    for process in (parent, worker):
        for event in ("socket.getaddrinfo", "socket.__new__", "socket.connect"):
            assert f"{process} {event} " in watched.sockets


def test_control_the_same_command_without_offline_asks_the_hub(watched: Watched, small_data: Path, tmp_path: Path) -> None:
    done = watched.luthier("train", small_data, "--model", "owner/unknown", "--output", tmp_path / "run")
    assert done.returncode == 2 and "the hub did not give such a model" in done.stderr
    assert "socket.connect" in watched.sockets


def test_train_offline_from_the_cache_opens_no_socket(watched: Watched, hub_home: Any, small_data: Path, tmp_path: Path) -> None:
    done = watched.luthier("train", small_data, "--model", "owner/name@main", "--offline", "--set", "epochs=0.2",
                           "--set", "max_length=16", "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert watched.sockets == "" and watched.processes >= 2, "the command and its worker"
    tables = tomllib.loads((tmp_path / "run" / "run.toml").read_text(encoding="utf-8"))
    assert tables["settings"]["model"] == [f"owner/name@{hub_home.commit}"] and tables["settings"]["offline"] is True
    card = (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert 'base_model: "owner/name"\n' in card and hub_home.commit in card
    scored = watched.luthier("predict", tmp_path / "run", small_data, "--offline", "--json")
    assert scored.returncode == 0 and len(scored.stdout.splitlines()) == 240, scored.stderr
    assert watched.sockets == ""


def test_tune_offline_opens_no_socket(watched: Watched, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    done = watched.luthier("tune", small_data, "--model", tiny_model, "--offline", "--trials", 2, "--workers", 2, "--set",
                           "epochs=0.2", "--set", "max_length=16", "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert watched.sockets == "" and watched.processes >= 3, "the command and its workers"


def test_offline_of_the_library_holds_where_the_hub_was_imported_before(watched: Watched, hub_home: Any, small_data: Path,
                                                                        tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import os
import huggingface_hub, transformers  # online, as nothing has told them otherwise yet
import luthier
from luthier.models.network import without_network
from luthier.models.pretrained import resolve_model

with without_network(True):
    for revision in ("", "@main", "@{hub_home.commit}"):
        print(resolve_model("owner/name" + revision).exact_name)
for function in (luthier.train, luthier.tune):
    try:
        function({str(small_data)!r}, model="owner/unknown", offline=True)
    except luthier.ModelError as error:
        print("offline, and this model is not" in str(error))
print(huggingface_hub.is_offline_mode(), "HF_HUB_OFFLINE" in os.environ)
""", encoding="utf-8")
    done = watched.python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"owner/name@{hub_home.commit}"] * 3 + ["True", "True", "False False"]
    assert watched.sockets == ""


@pytest.mark.parametrize("name", ["owner/unknown", "owner/name@v9", f"owner/name@{'c' * 40}"])
def test_a_model_that_is_not_cached_is_status_2_and_one_message(name: str, watched: Watched, small_data: Path,
                                                                tmp_path: Path) -> None:
    done = watched.luthier("tune", small_data, "--model", name, "--offline", "--output", tmp_path / "run")
    assert done.returncode == 2 and "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert f"{name}: " in done.stderr and "offline, and " in done.stderr and f"luthier fetch {name} FOLDER" in done.stderr
    assert watched.sockets == "" and not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_predict_and_evaluate_offline_open_no_socket(command: str, watched: Watched, small_data: Path) -> None:
    done = watched.luthier(command, "owner/unknown", small_data, "--offline", "--json")
    assert done.returncode == 2 and "offline, and this model is not" in done.stderr and "Traceback" not in done.stderr
    assert watched.sockets == ""
