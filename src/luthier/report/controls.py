"""The controls that a delivered model stands beside: their names as they were fitted, and what each is, for every task."""

from __future__ import annotations

from luthier.report.wording import Table, short
from luthier.tasks.registry import of_tokens
from luthier.tasks.wording import wording_of

ORDER = ("default", "probe", "tfidf", "lexicon", "majority")
"""The strongest kind first."""

_TITLES = {"default": "default recipe", "probe": "frozen probe", "tfidf": "TF-IDF + logistic regression",
           "lexicon": "names seen in training"}


def control_title(results: Table, control: str) -> str:
    """The name of a control, in the words of the run that fitted it."""
    usual = wording_of(results["task"]).guess if control == "majority" else _TITLES.get(control, control)
    return short((results.get("control_titles") or {}).get(control) or usual, 80)


def named(results: Table, control: str) -> str:
    """The name with its article: "the frozen probe"."""
    title = control_title(results, control)
    return title if title.startswith("the ") else f"the {title}"


def control_meaning(results: Table, control: str) -> str:
    """What a control is, in a phrase."""
    words, pairs = wording_of(results["task"]), results.get("pairs")
    if control == "default":
        return "the same pre-trained model, fine-tuned with the default recipe"
    if control == "probe":
        seen = "each token" if of_tokens(results["task"]) else "two texts (|u−v|, u·v and their cosine)" if pairs else "a text"
        return f"{words.probe} on what the pre-trained model makes of {seen}; no fine-tuning"
    if control == "tfidf":
        shared = ", by what the two texts share and what they do not" if pairs else ""
        return f"words and pairs of words, weighted by rarity{shared}; no language model"
    if control == "lexicon":
        return "every name that was an entity in training, wherever the same words stand; no model at all"
    return words.guess_meaning if control == "majority" else ""
