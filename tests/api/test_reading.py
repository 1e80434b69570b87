"""Rows of entities as a model reads them: words are the pipeline's, and no entity begins with a space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.api.reading import encode
from luthier.data.row import Row, Span
from luthier.data.sequences import Cut
from luthier.tasks.entities import Entities, EntityTruth
from luthier.training.loop import predict_scores

TEXTS = ["Ana Sá lives in Rome now, near the sea.", "  two spaces  in it ", "e-mail: ana@rome.it (old)", "tents\tand\nrivers",
         "Ünïcode 😀 wörd"]
TASK = Entities(("name", "place"))


def _tokenizer(kind: str, special: bool = True) -> Any:
    import tokenizers as library
    from transformers import PreTrainedTokenizerFast

    if kind == "byte-level":
        made = library.Tokenizer(library.models.BPE())
        made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer: Any = library.trainers.BpeTrainer(vocab_size=320, special_tokens=["<s>", "</s>", "<pad>"], show_progress=False,
                                                   initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet())
    elif kind == "metaspace":
        made = library.Tokenizer(library.models.BPE(unk_token="<unk>"))
        made.pre_tokenizer = library.pre_tokenizers.Metaspace()
        trainer = library.trainers.BpeTrainer(vocab_size=90, special_tokens=["<s>", "</s>", "<pad>", "<unk>"], show_progress=False)
    else:
        made = library.Tokenizer(library.models.WordPiece(unk_token="<unk>"))
        made.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
        trainer = library.trainers.WordPieceTrainer(vocab_size=90, special_tokens=["<s>", "</s>", "<pad>", "<unk>"],
                                                    show_progress=False)
    made.train_from_iterator(TEXTS[:4], trainer)
    if special and kind == "byte-level":
        made.post_processor = library.processors.RobertaProcessing(("</s>", 1), ("<s>", 0), add_prefix_space=False)
    elif special:
        made.post_processor = library.processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    unknown = {} if kind == "byte-level" else {"unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>", **unknown)


def _rows(texts: list[str], spans: tuple[Span, ...] = ()) -> list[Row]:
    return [Row(str(line), text, None, spans, "a", line) for line, text in enumerate(texts, 1)]


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize("kind", ["wordpiece", "byte-level", "metaspace"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_answers_are_the_pipelines_but_for_spaces_before_words(kind: str, seed: int) -> None:
    import torch
    import transformers

    torch.manual_seed(seed)
    tokenizer = _tokenizer(kind)
    config = transformers.BertConfig(vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                                     intermediate_size=16, id2label=dict(enumerate(TASK.outputs)),
                                     label2id={name: i for i, name in enumerate(TASK.outputs)}, initializer_range=1.0)
    model = transformers.BertForTokenClassification(config)
    texts = [text for text in TEXTS if kind != "metaspace" or "  " not in text]  # there a space can be a word of its own
    tokens = encode(_rows(texts), TASK, tokenizer, None)
    scores = predict_scores(model, TASK, tokens, np.arange(len(texts)), Cut(512, windows=True), tokenizer.pad_token_id)
    served = transformers.pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first")
    seen = 0
    for text, own in zip(texts, TASK.answers(scores, tokens, texts), strict=True):
        expected = [(one["entity_group"], int(one["start"]), int(one["end"])) for one in served(text)]
        if kind == "metaspace":
            expected = [(name, end - len(text[start:end].lstrip()), end) for name, start, end in expected]
        assert [(one["label"], one["start"], one["end"]) for one in own["entities"]] == expected
        seen += len(expected)
    assert seen > 2


def test_spans_after_a_space_are_found_exactly_by_a_tokenizer_that_takes_the_space_in() -> None:
    tokenizer, span = _tokenizer("metaspace"), Span(16, 20, "place")
    tokens = encode(_rows(TEXTS[:1], (span,)), TASK, tokenizer, None)
    sure = np.eye(len(TASK.outputs))[np.maximum(tokens.targets, 0)]
    truth: EntityTruth = TASK.truth(tokens)
    assert [found.span for found in TASK.find(sure, truth)[0]] == truth.gold[0] == [span]


@pytest.mark.parametrize("kind", ["byte-level", "metaspace"])
def test_an_empty_text_without_special_tokens_holds_no_entity(kind: str) -> None:
    tokens = encode(_rows(["", "Ana"]), TASK, _tokenizer(kind, special=False), None)
    assert tokens.heads is not None and tokens.heads.tolist()[:2] == [False, True]
    everywhere = np.eye(len(TASK.outputs))[np.ones(len(tokens.ids), int)]
    assert TASK.answers(everywhere, tokens, ["", "Ana"])[0] == {"entities": []}
