"""Models of the hub, from a small hub on this machine: revisions, what is downloaded, and what is said of the rest."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from luthier.errors import ModelError
from luthier.models.pretrained import resolve_model

OLD, NEW = "a" * 40, "b" * 40
REVISIONS = {"main": NEW, "v1.0": OLD, OLD: OLD, NEW: NEW}


class Hub(ThreadingHTTPServer):
    """Serves one model, owner/name, with the same files at two commits; remembers the files that it gave away."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.given: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    """The three questions that huggingface_hub asks: which commit, which files, this file."""

    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
        if parts[:4] == ["api", "models", "owner", "name"]:
            commit = REVISIONS.get("/".join(parts[5:]) or "main")
            if commit is None:
                self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            elif "tree" in parts:
                self._answer(200, json.dumps([{"type": "file", "path": name, "size": len(content), "oid": _tag(content)}
                                              for name, content in self.server.files.items()]).encode())
            else:
                self._answer(200, json.dumps({"id": "owner/name", "sha": commit, "siblings": []}).encode())
        elif parts[:3] == ["owner", "name", "resolve"]:
            name = "/".join(parts[4:])
            self.server.given.add(name)
            content = self.server.files[name]
            self._answer(200, content, {"ETag": f'"{_tag(content)}"', "X-Repo-Commit": parts[3]})
        else:
            self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def _tag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    others = {"pytorch_model.bin": b"\x80", "onnx/config.json": b"{}", "x/model.safetensors": b"x", "code.py": b"", "a.md": b""}
    server = Hub({file.name: file.read_bytes() for file in tiny_model.iterdir()} | others)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("asked", "commit"), [("owner/name", NEW), ("owner/name@main", NEW), ("owner/name@v1.0", OLD),
                                               (f"owner/name@{OLD}", OLD)])
def test_a_revision_is_resolved_to_its_commit(hub: Hub, tiny_model: Path, asked: str, commit: str) -> None:
    found = resolve_model(asked)
    assert (found.name, found.revision, found.exact_name) == ("owner/name", commit, f"owner/name@{commit}")
    assert found.hash == resolve_model(str(tiny_model)).hash


@pytest.mark.usefixtures("hub")
def test_the_exact_name_finds_the_same_again() -> None:
    found = resolve_model("owner/name@v1.0")
    assert resolve_model(found.exact_name) == found


def test_only_what_is_needed_is_downloaded(hub: Hub) -> None:
    resolve_model("owner/name")
    assert hub.given == {name for name in hub.files if "/" not in name and name.endswith((".json", ".safetensors", ".txt"))}


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(("asked", "message"), [
    ("owner/name@v2.0", "owner/name has no revision 'v2.0'"), (f"owner/name@{'c' * 40}", f"no revision '{'c' * 40}'"),
    ("owner/nameless@v1.0", "owner/nameless@v1.0: .* the hub did not give such a model")])
def test_what_the_hub_does_not_have_is_one_error(asked: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        resolve_model(asked)
