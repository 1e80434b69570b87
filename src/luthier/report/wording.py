"""Figures and words that the page and the model card share, so that they never disagree."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Any]

CONTROLS = {
    "default": ("default recipe", "the same pre-trained model, fine-tuned with the default recipe"),
    "probe": ("frozen probe", "logistic regression on what the pre-trained model makes of a text; no fine-tuning"),
    "tfidf": ("TF-IDF + logistic regression", "words and pairs of words, weighted by rarity; no language model"),
    "majority": ("most frequent label", "always the label that is most frequent in training"),
}
"""Title and meaning of each control, the strongest kind first."""


def clean(value: Any) -> str:
    """`value` as text that every viewer and every file can hold: control characters and lone surrogates replaced."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" else char
                   for char in str(value).replace("\r\n", "\n").replace("\r", "\n"))


def short(value: Any, length: int) -> str:
    """`value` on one line, cut to `length` characters."""
    text = " ".join(clean(value).split())
    return text if len(text) <= length else text[:length - 3].rstrip() + "..."


def number(value: Any) -> float | None:
    """`value` as a finite number, or None where a table has an empty cell or a word."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def figure(value: Any) -> str:
    """A score to three decimals."""
    found = number(value)
    return "-" if found is None else f"{found:.3f}"


def signed(value: float) -> str:
    """A difference of scores, with its sign."""
    return f"{value:+.3f}"


def interval(score: Table) -> str:
    """The 95 % interval of a score: "0.710 to 0.850"."""
    return f"{figure(score['low'])} to {figure(score['high'])}"


def shown(value: Any) -> str:
    """A hyperparameter's value, to four digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e")
    return clean(value)


def duration(seconds: float) -> str:
    """Seconds as a person says them: "48 s", "3 min 51 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def count(amount: int, noun: str) -> str:
    """ "1 row", "2,000 rows"."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def listed(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def literal(text: Any) -> str:
    """`text` as a Python string literal."""
    return json.dumps(clean(text), ensure_ascii=False)


def snippet(folder: Any, text: Any) -> str:
    """The Python that loads the model in `folder` and classifies `text`."""
    return ("from transformers import pipeline\n\n"
            f'classify = pipeline("text-classification", model={literal(folder)})\n'
            f"classify({literal(short(text, 120))}, truncation=True)\n")


def snippet_notes(results: Table) -> list[str]:
    """What to know about the arguments of the snippet."""
    return [f"truncation=True cuts texts that are longer than the model can take, which would be an error otherwise; "
            f"training read the first {results['max_length']} tokens of each text.",
            f"Add top_k=None to get the scores of all {len(results['labels'])} labels, the best first, instead of the "
            "best label alone."]


def hyperparameters(results: Table) -> list[tuple[str, str, str, bool]]:
    """(name, delivered value, default value, whether they differ) in the order of the recipe's fields."""
    from luthier.recipes.recipe import HELP

    delivered, default = results["best"]["recipe"], results["best"].get("default_recipe") or {}
    names = [name for name in HELP if name in delivered] + [name for name in delivered if name not in HELP]
    rows = []
    for name in names:
        value = shown(delivered[name])
        usual = shown(default[name]) if name in default else ""
        rows.append((name, value, usual, name in default and value != usual))
    return rows


def per_label_f1(confusion: list[list[float]]) -> list[float | None]:
    """F1 of each label from counts[true][predicted]; None for a label that no row has or was given."""
    found: list[float | None] = []
    for label, row in enumerate(confusion):
        both = sum(row) + sum(other[label] for other in confusion)
        found.append(2 * row[label] / both if both else None)
    return found
