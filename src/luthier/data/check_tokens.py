"""Checks that need a tokenizer: rows that are too long for the model, entities that it cannot mark, a language it hardly knows.

All are pure functions of arrays that tokenising gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from luthier.data.checks.common import entities, finding, shown
from luthier.data.checks.spans import spans_of
from luthier.data.findings import Finding, Severity
from luthier.data.places import count, percent, places
from luthier.data.row import Kind, Row, Span

LONG_SHARE = 0.05
"""From this share of rows that are cut on, windows are worth their time."""
FERTILE = 2.5
"""Tokens per word from which a tokenizer hardly knows a language; English takes 1.2 to 1.5 (Rust et al. 2021)."""
UNKNOWN_SHARE, MOST_UNKNOWN, MOSTLY = 0.01, 0.1, 0.5
CASE_CARRIES = 0.3
"""By how much entities are capitalised more often than other words from which case is a sign of them."""
EXAMPLES = 5

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Misaligned:
    """An entity that begins or ends inside of a word, and the nearest span that a label for each word can mark."""

    row: int
    span: Span
    nearest: Span


def check_tokens(kind: Kind, rows: Sequence[Row], *, lengths: Ints, max_length: int, limit: int, words: Ints, unknown: Ints,
                 tokens: Ints, uncased: bool, cut_entities: Sequence[int] | None = None,
                 misaligned: Sequence[Misaligned] = (), windows: bool = False) -> list[Finding]:
    """What a model and its tokenizer make of the rows.

    Args:
        lengths: tokens of each row, special ones included, uncut. Shape [rows].
        max_length: tokens of a row that are to be read.
        limit: the most that the model can read.
        words: words of each row (`count_words`). Shape [rows].
        unknown: tokens of each row that stand for something the vocabulary lacks. Shape [rows].
        tokens: tokens of each row without special ones. Shape [rows].
        uncased: whether the tokenizer throws case away.
        cut_entities: for entities, the row of each that a cut at `max_length` would lose.
        misaligned: entities whose bounds fall inside of a word.
        windows: whether rows that are too long are read in windows.
    """
    found = [*too_long(kind, rows, lengths, max_length, limit, cut_entities, windows), *unknown_tokens(rows, unknown, tokens),
             *fertility(rows, words, unknown, tokens)]
    if kind is Kind.SPANS:
        found += [*misaligned_spans(rows, misaligned), *(case_lost(rows) if uncased else [])]
    return found


def too_long(kind: Kind, rows: Sequence[Row], lengths: Ints, max_length: int, limit: int,
             cut_entities: Sequence[int] | None = None, windows: bool = False) -> list[Finding]:
    """Rows of which a cut at `max_length` would leave out the end; arguments as for `check_tokens`."""
    over = np.flatnonzero(lengths > max_length)
    if not len(over):
        return []
    share, long = len(over) / len(rows), [rows[index] for index in over.tolist()]
    message = (f"{percent(share)} of rows exceed {max_length:,} tokens: {count(len(over), 'row')} of {len(rows):,}, the longest "
               f"has {int(lengths.max()):,} ({places(long)})")
    if kind is Kind.SPANS:
        total, lost = sum(len(spans_of(row)) for row in rows), len(cut_entities or ())
        return [finding("long-texts", Severity.NOTE, f"{message}; {lost:,} of {entities(total)} would be cut.",
                        "Luthier reads such rows in windows that overlap, so that nothing is lost; a plain pipeline needs "
                        "stride for it.", long)]
    if windows:
        return [finding("long-texts", Severity.NOTE, f"{message}.", "They are read in windows that overlap.", long)]
    if share <= LONG_SHARE:
        return [finding("long-texts", Severity.NOTE, f"{message}.", "Their ends are not read.", long)]
    if any(row.pair is not None for row in rows):
        advice = f"Their ends are not read, the longer text first: shorten them{_longer(max_length, limit)}."
    else:
        advice = f"Their ends are not read. To read all of them in windows: --set long_texts=windows{_longer(max_length, limit)}."
    return [finding("long-texts", Severity.WARNING, f"{message}.", advice, long)]


def _longer(max_length: int, limit: int) -> str:
    return f"; or --set max_length={limit} at most" if max_length < limit else ""


def unknown_tokens(rows: Sequence[Row], unknown: Ints, tokens: Ints) -> list[Finding]:
    """Characters or words that the vocabulary lacks: to the model they are all the same."""
    total = int(unknown.sum())
    if not total:
        return []
    share, hit = total / max(1, int(tokens.sum())), [rows[index] for index in np.flatnonzero(unknown).tolist()]
    return [finding("unknown-tokens", Severity.WARNING if share > UNKNOWN_SHARE else Severity.NOTE,
                    f"{count(total, 'token')} of {int(tokens.sum()):,} ({percent(share)}) stand for something that the model's "
                    f"vocabulary lacks, in {count(len(hit), 'row')} ({places(hit)}).",
                    "They all look the same to it; if they matter, choose a model whose vocabulary has them.", hit)]


def fertility(rows: Sequence[Row], words: Ints, unknown: Ints, tokens: Ints) -> list[Finding]:
    """Texts in a language or script that the vocabulary hardly knows: cut into very many tokens, or unknown ones."""
    all_words, all_tokens, all_unknown = int(words.sum()), int(tokens.sum()), int(unknown.sum())
    if not all_words:
        return []
    rate, mostly_unknown = all_tokens / all_words, all_unknown > MOST_UNKNOWN * all_tokens
    if rate <= FERTILE and not mostly_unknown:
        return []
    foreign = _foreign_share(rows)
    if not mostly_unknown and all_unknown <= UNKNOWN_SHARE * all_tokens and foreign <= MOSTLY:
        return []
    return [finding("language", Severity.WARNING,
                    f"{rate:.1f} tokens per word, {percent(all_unknown / max(1, all_tokens))} of them unknown, and "
                    f"{percent(foreign)} of the letters are not Latin: this model's vocabulary hardly knows the language.",
                    "Choose a model that was trained on it, or a multilingual one.")]


def _foreign_share(rows: Sequence[Row]) -> float:
    letters = foreign = 0
    for row in rows:
        for sign, times in Counter(row.text).items():
            if sign.isalpha():
                letters, foreign = letters + times, foreign + times * (ord(sign) > 0x24F)
    return foreign / max(1, letters)


def misaligned_spans(rows: Sequence[Row], misaligned: Sequence[Misaligned]) -> list[Finding]:
    """Entities that no labels of words can mark exactly."""
    if not misaligned:
        return []
    hit = list(dict.fromkeys(rows[one.row] for one in misaligned))
    examples = "; ".join(_beside(rows[one.row], one) for one in misaligned[:EXAMPLES])
    more = "; …" if len(misaligned) > EXAMPLES else ""
    return [finding("misaligned-span", Severity.WARNING,
                    f"{entities(len(misaligned))} whose bounds fall "
                    f"inside of a word, as the tokenizer cuts them: {examples}{more} ({places(hit)}).",
                    "They are trained as the nearest span, and a model can never find them exactly: correct the bounds, or "
                    "choose a model that cuts words finer.", hit)]


def _beside(row: Row, one: Misaligned) -> str:
    return (f"{shown(row.text[one.span.start:one.span.end], 40)} ({one.span.label}, {one.span.start}–{one.span.end}) beside "
            f"{shown(row.text[one.nearest.start:one.nearest.end], 40)} ({one.nearest.start}–{one.nearest.end})")


def find_misaligned(rows: Sequence[Row], starts: Ints, offsets: npt.NDArray[np.int32],
                    heads: npt.NDArray[np.bool_]) -> list[Misaligned]:
    """Entities that begin or end inside of a word, as the tokenizer knows words: a model gives each word one label.

    Args:
        starts: where the tokens of each row begin. Shape [rows + 1].
        offsets: the characters that each token stands for; special tokens have (0, 0). Shape [tokens, 2].
        heads: whether a token is the first of a word. Shape [tokens].
    """
    found = []
    for index, row in enumerate(rows):
        own = offsets[starts[index]:starts[index + 1]]
        real = own[:, 1] > own[:, 0]
        own, first = own[real], np.flatnonzero(heads[starts[index]:starts[index + 1]][real])
        if not len(first):
            continue
        own = np.stack([own[first, 0], own[np.append(first[1:], len(own)) - 1, 1]], axis=1)
        for span in spans_of(row):
            touched = own[(own[:, 0] < span.end) & (own[:, 1] > span.start)]
            if not len(touched):
                continue
            low, high = _inner(row.text, int(touched[:, 0].min()), int(touched[:, 1].max()))
            if low < span.start or high > span.end:
                found.append(Misaligned(index, span, Span(min(low, span.start), max(high, span.end), span.label)))
    return found


def _inner(text: str, low: int, high: int) -> tuple[int, int]:
    """Bounds without the white space that a token may hold at its edges."""
    while low < high and text[low].isspace():
        low += 1
    while high > low and text[high - 1].isspace():
        high -= 1
    return low, high


def find_cut_entities(rows: Sequence[Row], starts: Ints, offsets: npt.NDArray[np.int32], kept: int) -> list[int]:
    """The row of each entity that is not wholly within the first `kept` tokens of its text.

    The arrays are those of `find_misaligned`.
    """
    found = []
    for index, row in enumerate(rows):
        own = offsets[starts[index]:starts[index + 1]]
        own = own[own[:, 1] > own[:, 0]]
        if len(own) > kept:
            found += [index] * sum(span.end > own[kept - 1, 1] for span in spans_of(row))
    return found


def case_lost(rows: Sequence[Row]) -> list[Finding]:
    """Entities that capitals tell from other words, under a tokenizer that makes all letters small."""
    inside = outside = inside_capital = outside_capital = 0
    for row in rows:
        taken = [(span.start, span.end) for span in spans_of(row)]
        for start, end, first in _words(row.text):
            capital, own = row.text[start].isupper(), any(low < end and start < high for low, high in taken)
            if own:
                inside, inside_capital = inside + 1, inside_capital + capital
            elif not first:
                outside, outside_capital = outside + 1, outside_capital + capital
    if not inside or not outside:
        return []
    names, others = inside_capital / inside, outside_capital / outside
    if names - others < CASE_CARRIES:
        return []
    return [finding("uncased", Severity.WARNING,
                    f"Capitals tell entities here: {percent(names)} of their words begin with one, {percent(others)} of the "
                    "other words do. This model's tokenizer makes all letters small, so it does not see them.",
                    "A cased model will likely find more.")]


def _words(text: str) -> list[tuple[int, int, bool]]:
    """Bounds of the words that begin with a letter, and whether each is the first of its text."""
    found: list[tuple[int, int, bool]] = []
    position = 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        if word[0].isalpha():
            found.append((start, position, not found))
    return found


def count_words(texts: Sequence[str]) -> Ints:
    """Words of each text, as white space parts them. Shape [texts]."""
    return np.fromiter((len(text.split()) for text in texts), np.int64, len(texts))
