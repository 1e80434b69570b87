"""Build the module that is trained: transformers' stock class for a task on a pre-trained body, with a new head."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import ModelError
from luthier.models.encoder import anatomy
from luthier.models.suits import POOLING_SETTINGS
from luthier.recipes.recipe import Pooling, Recipe
from luthier.tasks.base import Head, Task

if TYPE_CHECKING:
    from torch import nn

_DROPOUTS = ("hidden_dropout_prob", "classifier_dropout", "dropout", "seq_classif_dropout", "hidden_dropout",
             "embedding_dropout", "mlp_dropout", "resid_pdrop", "embd_pdrop", "summary_last_dropout",
             "classifier_dropout_prob", "pooler_dropout")
_ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout", "attn_pdrop")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' load reports and progress bars: a new head is what we asked for."""
    import transformers

    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)


def load_tokenizer(path: Path) -> Any:
    """The model's tokenizer; one without a padding token pads with its end-of-text or unknown token.

    Raises:
        ModelError: there is none that transformers can load without code of the model's own.
    """
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(str(path), trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds for a broken tokenizer
        raise ModelError(f"{path}: its tokenizer cannot be loaded: {_first_line(error)}") from None
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token is None:
        raise ModelError(f"{path}: its tokenizer has no padding, end-of-text or unknown token to pad with.")
    return tokenizer


def load_classifier(path: Path, task: Task, recipe: Recipe, *, seed: int, pad_token_id: int) -> nn.Module:
    """The stock model of the architecture at `path` for a task, in fp32, its head new from `seed`.

    Args:
        task: gives the names of the outputs, and whether texts or tokens are classified.
        recipe: gives dropout and pooling, which are part of the model's config.

    Raises:
        ModelError: transformers has no classification class for it, or cannot load it from safetensors.
    """
    import torch
    from transformers import AutoConfig

    names = dict(enumerate(task.outputs))
    try:
        with quiet():
            config = AutoConfig.from_pretrained(
                str(path), trust_remote_code=False,
                num_labels=len(names), id2label=names, label2id={name: i for i, name in names.items()},
                problem_type=task.problem_type)
            _configure(config, recipe)
            config.pad_token_id = pad_token_id
            torch.manual_seed(seed)
            model: nn.Module = _stock_class(task.head).from_pretrained(
                str(path), config=config, dtype=torch.float32, use_safetensors=True, ignore_mismatched_sizes=True)
    except Exception as error:  # transformers raises many kinds; each means that this model cannot be used
        raise ModelError(f"{path}: cannot be loaded for {task.head.value}: {_first_line(error)}") from None
    _renew_head(model, seed)
    return model


def _configure(config: Any, recipe: Recipe) -> None:
    """Write dropout and pooling into a config, under the names that it has for them."""
    attention = recipe.dropout if recipe.attention_dropout is None else recipe.attention_dropout
    for names, value in ((_DROPOUTS, recipe.dropout), (_ATTENTION_DROPOUTS, attention)):
        for name in names:
            if getattr(config, name, None) is not None or (name == "classifier_dropout" and hasattr(config, name)):
                setattr(config, name, value)
    if recipe.pooling is not Pooling.MODEL:
        for name, ways in POOLING_SETTINGS.items():
            if hasattr(config, name):
                setattr(config, name, ways[recipe.pooling])


def _stock_class(head: Head) -> Any:
    import transformers

    return {Head.TEXT: transformers.AutoModelForSequenceClassification,
            Head.TOKENS: transformers.AutoModelForTokenClassification}[head]


def trained_head(config: Any) -> Head:
    """What a saved model says something of, by the class that its config names."""
    return Head.TOKENS if any("TokenClassification" in name for name in config.architectures or ()) else Head.TEXT


def load_trained(folder: Path) -> nn.Module:
    """A finished model as it was saved, in fp32.

    Raises:
        ModelError: it cannot be loaded from safetensors, or has no trained head.
    """
    import torch
    from transformers import AutoConfig

    try:
        with quiet():
            head = trained_head(AutoConfig.from_pretrained(str(folder), trust_remote_code=False))
            model, report = _stock_class(head).from_pretrained(
                str(folder), dtype=torch.float32, use_safetensors=True, output_loading_info=True)
    except Exception as error:  # transformers raises many kinds; each means that this model cannot be used
        raise ModelError(f"{folder}: cannot be loaded: {_first_line(error)}") from None
    if report["missing_keys"]:
        raise ModelError(f"{folder}: not a finished classifier: no weights for {sorted(report['missing_keys'])[0]}. "
                         "Train it first with luthier train or luthier tune.")
    trained: nn.Module = model.eval()
    return trained


def _renew_head(model: nn.Module, seed: int) -> None:
    """Draw the head afresh: a run's own head must not leak into a new task that has equally many labels."""
    import torch

    parts = anatomy(model)
    generator = torch.Generator().manual_seed(seed)
    spread = float(getattr(model.config, "initializer_range", 0.02))
    for name, parameter in model.named_parameters():
        if parts.is_head(name):
            with torch.no_grad():
                if parameter.ndim >= 2:
                    parameter.normal_(0.0, spread, generator=generator)
                elif name.endswith("bias"):
                    parameter.zero_()
                else:
                    parameter.fill_(1.0)


def number_of_labels(model: nn.Module) -> int:
    """The labels that the model's config names."""
    config: Any = model.config
    return int(config.num_labels)


def last_linear(model: nn.Module) -> nn.Linear:
    """The head's last linear layer, which gives one score a label."""
    from torch import nn

    parts = anatomy(model)
    layers = [module for name, module in model.named_modules()
              if isinstance(module, nn.Linear) and parts.is_head(name + ".")]
    if not layers or layers[-1].out_features != number_of_labels(model):
        raise ModelError(f"{type(model).__name__}: no linear layer over the labels found in its head.")
    return layers[-1]


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
