"""The Python that loads a delivered model and uses it, for every task, and what to know about its arguments.

A snippet shows made-up texts: rows of data stay private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from luthier.data.row import Kind
from luthier.data.sequences import OVERLAP
from luthier.report.wording import Table, literal
from luthier.tasks.registry import kind_named, of_tokens

_ONE, _PAIR = '"A text to read"', '{"text": "A text to read", "text_pair": "Another text"}'


def snippet(results: Table) -> str:
    """Python for `results["model"]`, the model's folder."""
    folder, text = literal(results["model"]), _PAIR if results.get("pairs") else _ONE
    lines = _entities if of_tokens(results["task"]) else _SNIPPETS.get(kind_named(results["task"]), _classification)
    return "\n".join(["from transformers import pipeline", "", *lines(folder, text)]) + "\n"


def _classification(folder: str, text: str) -> list[str]:
    return [f'classify = pipeline("text-classification", model={folder})', f"classify({text}, truncation=True)"]


def _multilabel(folder: str, text: str) -> list[str]:
    return [f'classify = pipeline("text-classification", model={folder})',
            'thresholds = classify.model.config.luthier["thresholds"]',
            f"scores = classify({text}, top_k=None, truncation=True)",
            '[one["label"] for one in scores if one["score"] >= thresholds[one["label"]]]']


def _regression(folder: str, text: str) -> list[str]:
    return [f'rate = pipeline("text-classification", model={folder}, function_to_apply="none")',
            f"rate({text}, truncation=True)"]


def _entities(folder: str, text: str) -> list[str]:
    return [f'find = pipeline("token-classification", model={folder}, aggregation_strategy="first")', f"find({text})"]


_SNIPPETS: Mapping[Kind | None, Callable[[str, str], list[str]]] = {Kind.LABELS: _multilabel, Kind.NUMBER: _regression}


def snippet_notes(results: Table) -> list[str]:
    """What to know about the arguments of the snippet; arguments and names of Python stand between backticks."""
    tokenwise = of_tokens(results["task"])
    own = _entity_notes if tokenwise else _NOTES.get(kind_named(results["task"]), _classification_notes)
    notes = [] if tokenwise else [_length_note(results)]
    if results.get("pairs"):
        notes.append("The two texts go in together, under `text` and `text_pair`, in the order of the training rows.")
    return [*own(results), *notes]


def _length_note(results: Table) -> str:
    longest = f"{results['max_length']:,} tokens"
    if results.get("long_texts") == "windows":
        return (f"`truncation=True` reads the first {longest} of a text alone; `luthier predict` reads a longer one whole, in "
                "overlapping windows whose outputs are pooled, as in training, so the two differ there.")
    return (f"`truncation=True` cuts a text at {longest}, where training cut it; without it, a text that is longer than the "
            "model can take is an error.")


def _classification_notes(results: Table) -> list[str]:
    return [f"Add `top_k=None` to get the scores of all {len(results['labels'])} labels, the best first, instead of the best "
            "label alone."]


def _multilabel_notes(results: Table) -> list[str]:
    return ["A label is given where its score reaches its own threshold; there may be none. The thresholds were tuned on the "
            "validation rows and lie in the model's config.json.",
            "`top_k=None` asks for the scores of all labels; without it the pipeline gives only the best one."]


def _regression_notes(results: Table) -> list[str]:
    return ['`function_to_apply="none"` keeps the number as it is, in the unit of the training rows; some versions of '
            "transformers would squeeze it between 0 and 1."]


def _entity_notes(results: Table) -> list[str]:
    longest = int(results["max_length"])
    return ['`aggregation_strategy="first"` gives a word the label of its first piece, as the figures here were made.',
            f"The pipeline silently ends a text at {longest:,} tokens. `luthier predict` reads longer ones whole, in overlapping "
            f"windows; `stride={max(1, longest // OVERLAP)}` in `pipeline(...)` does much the same, though entities near the edges "
            "of its windows may differ."]


_NOTES: Mapping[Kind | None, Callable[[Table], list[str]]] = {Kind.LABELS: _multilabel_notes, Kind.NUMBER: _regression_notes}


def parts(note: str) -> list[tuple[str, bool]]:
    """A note in parts, with whether each is code."""
    return [(part, bool(at % 2)) for at, part in enumerate(note.split("`")) if part]
