"""Which tokens begin a word, as `pipeline("token-classification")` tells them: what a saved model serves rests on it.

A tokenizer that marks the pieces that go on (WordPiece's "##") knows its words. For all others the pipeline takes what
stands between spaces as a word, punctuation included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.data.tokens import Tokens


def word_heads(tokens: Tokens, texts: Sequence[str], tokenizer: Any) -> npt.NDArray[np.bool_]:
    """Whether each token is the first of a word; special tokens are of none. Shape [tokens].

    A row whose tokens stand for no character (an empty text) has no word.
    """
    assert tokens.offsets is not None
    goes_on = _marked(tokens, tokenizer) if knows_words(tokenizer) else _between_spaces(tokens, texts)
    if tokenizer.unk_token_id is not None:
        goes_on &= tokens.ids != tokenizer.unk_token_id
    first, last = tokens.starts[:-1] + tokens.prefix, tokens.starts[1:] - tokens.suffix
    change = np.zeros(len(tokens.ids) + 1, np.int64)
    np.add.at(change, np.minimum(first, last), 1)
    np.add.at(change, last, -1)
    heads = (np.cumsum(change[:-1]) > 0) & ~goes_on
    heads[first[first < last]] = True
    row = np.repeat(np.arange(len(tokens)), tokens.lengths)
    written = np.bincount(row, tokens.offsets[:, 1] > tokens.offsets[:, 0], len(tokens)) > 0
    return np.asarray(heads & written[row])


def trimmed_offsets(tokens: Tokens, texts: Sequence[str]) -> npt.NDArray[np.int32]:
    """The offsets without the white space that tokens of some tokenizers (SentencePiece's "▁word") begin with. Shape [tokens, 2].

    A word begins with its first letter, as people mark it; the pipeline of transformers gives such a tokenizer's offsets as they
    are, with the space. WordPiece, and byte-level BPE as it is set up for encoders, have none.
    """
    assert tokens.offsets is not None
    found = np.array(tokens.offsets)
    for row, text in enumerate(texts):
        first, end = int(tokens.starts[row]), int(tokens.starts[row + 1])
        for index, (low, high) in enumerate(found[first:end].tolist(), first):
            if low < high and text[low].isspace():
                found[index, 0] = high - len(text[low:high].lstrip())
    return found


def knows_words(tokenizer: Any) -> bool:
    """Whether the tokenizer marks the pieces that go on a word."""
    model = getattr(getattr(tokenizer, "_tokenizer", None), "model", None)
    return bool(getattr(model, "continuing_subword_prefix", None))


def _marked(tokens: Tokens, tokenizer: Any) -> npt.NDArray[np.bool_]:
    """Pieces whose name is longer than what they stand for: "##ing" stands for "ing"."""
    assert tokens.offsets is not None
    used, place = np.unique(tokens.ids, return_inverse=True)
    lengths = np.array([len(name) for name in tokenizer.convert_ids_to_tokens(used.tolist())], np.int64)
    return np.asarray(lengths[place] != np.diff(tokens.offsets, axis=1)[:, 0])


def _between_spaces(tokens: Tokens, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    assert tokens.offsets is not None
    found = np.zeros(len(tokens.ids), bool)
    for row, text in enumerate(texts):
        for index in range(int(tokens.starts[row]), int(tokens.starts[row + 1])):
            start = int(tokens.offsets[index, 0])
            found[index] = start > 0 and " " not in text[start - 1:start + 1]
    return found
