"""The controls that a delivered model stands beside: their names as they were fitted, and what each is, for every task."""

from __future__ import annotations

from luthier.report.wording import Table, short

ORDER = ("default", "probe", "tfidf", "lexicon", "majority")
"""The strongest kind first."""

_TITLES = {"default": "default recipe", "probe": "frozen probe", "tfidf": "TF-IDF + logistic regression",
           "lexicon": "names seen in training", "majority": "most frequent label"}
_PROBES = {"multilabel": "a logistic regression for each label", "regression": "ridge regression",
           "entities": "softmax regression"}
_GUESSES = {"multilabel": "for every text, the share of the training rows that have each label as its probability",
            "regression": "always the mean of the training rows' numbers"}


def control_title(results: Table, control: str) -> str:
    """The name of a control, in the words of the run that fitted it."""
    return short((results.get("control_titles") or {}).get(control) or _TITLES.get(control, control), 80)


def named(results: Table, control: str) -> str:
    """The name with its article: "the frozen probe"."""
    title = control_title(results, control)
    return title if title.startswith("the ") else f"the {title}"


def control_meaning(results: Table, control: str) -> str:
    """What a control is, in a phrase."""
    task, pairs = results["task"], results.get("pairs")
    if control == "default":
        return "the same pre-trained model, fine-tuned with the default recipe"
    if control == "probe":
        seen = "each token" if task == "entities" else "two texts (|u−v|, u·v and their cosine)" if pairs else "a text"
        return f"{_PROBES.get(task, 'logistic regression')} on what the pre-trained model makes of {seen}; no fine-tuning"
    if control == "tfidf":
        shared = ", by what the two texts share and what they do not" if pairs else ""
        return f"words and pairs of words, weighted by rarity{shared}; no language model"
    if control == "lexicon":
        return "every name that was an entity in training, wherever the same words stand; no model at all"
    return _GUESSES.get(task, "always the label that is most frequent in training") if control == "majority" else ""
