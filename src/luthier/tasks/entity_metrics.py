"""Metrics of named entities from gold and predicted spans, and what goes wrong with them, as seqeval and nervaluate count.

Spans of a row do not overlap one another. Both readings of predicted tags, strict and conventional, go through the same
functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from luthier.data.row import Span
from luthier.tasks.bootstrap import Floats, Ints, Statistic, ratio

Spans = Sequence[Sequence[Span]]
SCHEMES = ("strict", "exact", "partial", "ent_type")
OUTCOMES = ("correct", "incorrect", "partial", "missed", "spurious")
ERRORS = ("correct", "wrong_type", "wrong_boundary", "both_wrong", "missed", "spurious")
_HIT, _HALF, _MISSED, _SPURIOUS = 0, 1, 2, 3


@dataclass(frozen=True)
class Counts:
    """How many spans of each label each row holds. Arrays [rows, labels]."""

    labels: tuple[str, ...]
    right: Ints
    predicted: Ints
    gold: Ints


def count(gold: Spans, predicted: Spans, labels: Sequence[str]) -> Counts:
    """Gold, predicted and rightly predicted spans (same bounds and label); a span given twice counts once.

    Args:
        gold: true spans, a sequence a row.
        predicted: the spans of the same rows that one reading of the predictions gives.
        labels: all label names.

    Raises:
        ValueError: the numbers of rows differ, or a span has a label that is not one of `labels`.
    """
    index = {label: i for i, label in enumerate(labels)}
    arrays = [np.zeros((len(gold), len(index)), dtype=np.int64) for _ in range(3)]
    for row, (true, given) in enumerate(zip(gold, predicted, strict=True)):
        one, two = set(true), set(given)
        for array, spans in zip(arrays, (one & two, two, one), strict=True):
            for span in spans:
                if span.label not in index:
                    raise ValueError(f"Row {row + 1} has the label {span.label!r}, which is not one of {', '.join(index)}.")
                array[row, index[span.label]] += 1
    return Counts(tuple(index), *arrays)


def entity_metrics(counts: Counts) -> Statistic:
    """f1, precision and recall over all spans (micro), and macro_f1, the mean over labels that occur, as seqeval has them."""
    right, predicted, gold = (array.astype(np.float64) for array in (counts.right, counts.predicted, counts.gold))

    def statistic(weights: Floats) -> dict[str, Floats]:
        sums = [weights @ array for array in (right, predicted, gold)]
        precision, recall, f1 = _rates(*(array.sum(-1) for array in sums))
        occurs = (sums[1] + sums[2]) > 0
        macro = ratio(_rates(*sums)[2].sum(-1), occurs.sum(-1).astype(np.float64))
        return {"f1": f1, "precision": precision, "recall": recall, "macro_f1": macro}

    return statistic


@dataclass(frozen=True)
class Comparison:
    """What became of the spans of each row, in nervaluate's four schemes (arrays [rows, OUTCOMES]) and by error [rows, ERRORS].

    The schemes (MUC-5, Chinchor & Sundheim 1993; SemEval-2013 task 9) ask of a predicted span that overlaps a gold one: strict,
    same bounds and label; exact, same bounds; partial, same bounds, and any overlap is worth half; ent_type, same label. The
    errors are those of ent_type, parted by whether the bounds are right too.
    """

    schemes: dict[str, Ints]
    errors: Ints

    def error_counts(self) -> dict[str, int]:
        """How many spans there are of each of ERRORS.

        Gold spans are all but the spurious ones; predicted spans are all but the missed ones.
        """
        return {name: int(number) for name, number in zip(ERRORS, self.errors.sum(0), strict=True)}


def compare(gold: Spans, predicted: Spans) -> Comparison:
    """Match predicted with gold spans, row by row, as nervaluate 1.2 does.

    A predicted span takes the right gold span that is nearest, or else the first that it overlaps, in the order of the text; each
    gold span is taken once. Overlap is at least one hundredth of the gold span.

    Raises:
        ValueError: the numbers of rows differ.
    """
    schemes = {scheme: np.zeros((len(gold), len(OUTCOMES)), dtype=np.int64) for scheme in SCHEMES}
    errors = np.zeros((len(gold), len(ERRORS)), dtype=np.int64)
    for row, (true, given) in enumerate(zip(gold, predicted, strict=True)):
        golds, guesses = sorted(set(true)), sorted(set(given))
        if golds == guesses:
            for array in (*schemes.values(), errors):
                array[row, 0] = len(golds)
            continue
        for scheme, right in _RIGHT.items():
            half = OUTCOMES.index("partial" if scheme == "partial" else "incorrect")
            columns = (OUTCOMES.index("correct"), half, OUTCOMES.index("missed"), OUTCOMES.index("spurious"))
            for outcome, true_span, guess in _match(golds, guesses, right):
                schemes[scheme][row, columns[outcome]] += 1
                if scheme == "ent_type":
                    errors[row, _error(outcome, true_span, guess)] += 1
    return Comparison(schemes, errors)


def scheme_metrics(comparison: Comparison) -> Statistic:
    """precision, recall and f1 of each of nervaluate's schemes: "strict_f1", "partial_recall" and so on."""
    arrays = {scheme: array.astype(np.float64) for scheme, array in comparison.schemes.items()}

    def statistic(weights: Floats) -> dict[str, Floats]:
        figures: dict[str, Floats] = {}
        for scheme, array in arrays.items():
            correct, incorrect, partial, missed, spurious = np.moveaxis(weights @ array, -1, 0)
            shared = correct + incorrect + partial
            precision, recall, f1 = _rates(correct + partial / 2, shared + spurious, shared + missed)
            figures |= {f"{scheme}_precision": precision, f"{scheme}_recall": recall, f"{scheme}_f1": f1}
        return figures

    return statistic


def documents(names: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Groups of rows for `bootstrap`: rows of one document together, a row of none by itself. Shape [rows]."""
    known = {name: i for i, name in enumerate(dict.fromkeys(name for name in names if name is not None))}
    return np.array([len(known) + row if name is None else known[name] for row, name in enumerate(names)], dtype=np.int64)


def _rates(right: Floats, predicted: Floats, gold: Floats) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1; each 0 where it is undefined."""
    return ratio(right, predicted), ratio(right, gold), ratio(2 * right, predicted + gold)


def _bounds(gold: Span, guess: Span) -> bool:
    return gold.start == guess.start and gold.end == guess.end


_RIGHT: dict[str, Callable[[Span, Span], bool]] = {
    "strict": lambda gold, guess: gold == guess,
    "exact": _bounds,
    "partial": _bounds,
    "ent_type": lambda gold, guess: gold.label == guess.label,
}


def _match(golds: list[Span], guesses: list[Span],
           right: Callable[[Span, Span], bool]) -> list[tuple[int, Span | None, Span | None]]:
    """(what became of it, gold, guess) of every span."""
    found: list[tuple[int, Span | None, Span | None]] = []
    free = list(golds)
    for guess in guesses:
        near = [gold for gold in free if _overlap(gold, guess)]
        hits = [gold for gold in near if right(gold, guess)]
        if not near:
            found.append((_SPURIOUS, None, guess))
            continue
        taken = min(hits, key=lambda gold: abs(gold.start - guess.start) + abs(gold.end - guess.end)) if hits else near[0]
        free.remove(taken)
        found.append((_HIT if hits else _HALF, taken, guess))
    return found + [(_MISSED, gold, None) for gold in free]


def _overlap(gold: Span, guess: Span) -> bool:
    shared = min(gold.end, guess.end) - max(gold.start, guess.start)
    return shared > 0 and 100 * shared >= gold.end - gold.start


def _error(outcome: int, gold: Span | None, guess: Span | None) -> int:
    if gold is None or guess is None:
        return ERRORS.index("spurious" if outcome == _SPURIOUS else "missed")
    names = ("correct", "wrong_boundary") if outcome == _HIT else ("wrong_type", "both_wrong")
    return ERRORS.index(names[0] if _bounds(gold, guess) else names[1])
