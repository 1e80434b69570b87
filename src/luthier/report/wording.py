"""Figures and words that the page and the model card share, so that they never disagree."""

from __future__ import annotations

import enum
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier import config
from luthier.data.places import count
from luthier.explain.rows import listed, number
from luthier.recipes.recipe import HELP, applies
from luthier.tasks.wording import wording_of

Table = Mapping[str, Any]

_TURNING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Characters that turn the direction of the text around them, and could make it read as what it is not."""


def clean(value: Any) -> str:
    """`value` as text that every viewer and file can hold: controls, turners and lone surrogates are replaced."""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_unfit(char) else char for char in text)


def _is_unfit(char: str) -> bool:
    return char in _TURNING or (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t")


def short(value: Any, length: int) -> str:
    """`value` on one line, cut to `length` characters."""
    text = " ".join(clean(value).split())
    return text if len(text) <= length else text[:length - 3].rstrip() + "..."


def test_rows(results: Table) -> str:
    """The rows that figures are of, with their number: "150 test rows", or "700 rows held out in turn"."""
    number_of = results["rows"]["test"]
    return f"{count(number_of, 'row')} held out in turn" if results.get("folds") else count(number_of, "test row")


def judged_by(results: Table) -> str:
    """The same without their number."""
    return "rows held out" if results.get("folds") else "test rows"


def whose(results: Table) -> str:
    """What a figure on these rows is of: one model or, where rows were held out in turn, a recipe."""
    return "its recipe" if results.get("folds") else "this model"


def opened_before(results: Table) -> int:
    """How often the test rows had been opened before this run, as far as the ledger knows."""
    return int((results.get("opening") or {}).get("count", 1)) - 1


def blindness(results: Table) -> str:
    """How far the rows that figures are of were unseen: what comes after "rows, "."""
    if results.get("folds"):
        return "each answered by models that had not been trained on it"
    if opened_before(results):
        return (f"which nothing in this run was trained or chosen on, though they had been opened "
                f"{count(opened_before(results), 'time')} before")
    return "which nothing was trained or chosen on"


def uncorrected(results: Table) -> str:
    """What follows "by other metrics" where the headline alone is corrected for the choice; else nothing."""
    return ", which are not corrected for the choice" if results.get("folds") else ""


def split_rows(results: Table) -> str:
    """How many rows were for what."""
    rows = results["rows"]
    if results.get("folds"):
        return (f"{rows['train']:,} for training, each of them held out once in turn for the figures; {rows['validation']:,} for "
                "validation, which are never held out")
    return f"{rows['train']:,} for training, {rows['validation']:,} for validation, {rows['test']:,} for test"


def delivered(results: Table) -> str:
    """Which trial is delivered, and why, in a sentence or two."""
    best = results["best"]
    reason = str(best.get("reason") or "").rstrip(".")
    why = f": {reason}." if reason else "."
    if not results.get("refit"):
        return f"Trial {best['trial']} is delivered{why}"
    again = f" as trial {best['refit']}" if best.get("refit") is not None else ""
    return (f"Trial {best['trial']} was chosen{why} What is delivered is its recipe, trained once more{again} on training and "
            "validation rows together.")


def validation_note(results: Table) -> str:
    """Whose the figure on the validation rows is, where it is not the delivered model's; else empty."""
    if not results.get("refit"):
        return ""
    return (f"The figure on the validation rows is trial {results['best']['trial']}'s: the delivered model has been trained on "
            "these rows.")


def cut_epochs(results: Table) -> tuple[str, str] | None:
    """The epochs that the default recipe would train and those that the budget afforded; None where these are all."""
    found = results.get("epochs") or {}
    usual, afforded = number(found.get("usual")), number(found.get("afforded"))
    return None if usual is None or afforded is None else (epochs(usual), epochs(afforded))


def epochs(value: float) -> str:
    """A number of epochs as people say it: 2.7, 19."""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def figure(value: Any) -> str:
    """A score to three decimals."""
    found = number(value)
    return "-" if found is None else f"{found:.3f}"


def amount(value: Any) -> str:
    """A number of any size, to four digits: "1.030", "1234"."""
    found = number(value)
    return "-" if found is None else f"{found:#.4g}".rstrip(".")


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
    if isinstance(value, Mapping | list):
        return clean(config.shown(value))
    if isinstance(value, float):
        return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e")
    return clean(value)


def sentence(text: Any) -> str:
    """`text` with a capital and a full stop."""
    words = short(text, 600).rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def literal(text: Any) -> str:
    """`text` as a Python string literal."""
    return json.dumps(clean(text), ensure_ascii=False)


class Difference(enum.Enum):
    """How a hyperparameter of the delivered model stands to the default recipe's."""

    NONE = ""
    CHANGED = "changed"
    FINAL = "final decay"
    CUT = "cut short"


@dataclass(frozen=True)
class Setting:
    """One hyperparameter, as text."""

    name: str
    value: str
    default: str
    difference: Difference


def hyperparameters(results: Table) -> list[Setting]:
    """The delivered model's hyperparameters beside the default's, in the order of the recipe's fields.

    Those that mean nothing for the task, or in either recipe, such as the rank of LoRA where there is none, are left out.
    """
    delivered, default = results["best"]["recipe"], results["best"].get("default_recipe") or {}
    names = [name for name in HELP if name in delivered] + [name for name in delivered if name not in HELP]
    idle = wording_of(str(results.get("task"))).idle
    names = [name for name in names if name not in idle]
    names = [name for name in names if _says_something(name, delivered) or (default and _says_something(name, default))]
    found = []
    for name in names:
        value, usual = shown(delivered[name]), shown(default[name]) if name in default else ""
        difference = Difference.NONE
        if usual and value != usual:
            difference = Difference.FINAL if name in _ending(results) else Difference.CHANGED
            difference = Difference.CUT if name == "epochs" and is_cut(results) else difference
        found.append(Setting(name, value, usual, difference))
    return found


def _says_something(name: str, recipe: Table) -> bool:
    return recipe.get(name) != "" and applies(name, recipe)


def _ending(results: Table) -> tuple[str, ...]:
    """What the decay at the end of every final sets, the default's final included: no finding of the search.

    It makes epochs more; where they were read off the curve, before its end, they were chosen.
    """
    best = results["best"]
    if best["role"] != "final" or best["recipe"].get("schedule") != "warmup-stable-decay":
        return ()
    return ("schedule", "decay_share") if best.get("shortened") else ("epochs", "schedule", "decay_share")


def is_cut(results: Table) -> bool:
    """Whether what is delivered was ended before the epochs that were planned for it, by time or by hand."""
    best = results["best"]
    if "cut" in best or best.get("shortened") or best["role"] != "final":
        return bool(best.get("cut"))
    if best.get("parent") in (None, "") or best.get("parent") != results.get("default_trial"):
        return False  # of a run that did not write it down, only the default's are known
    made, planned = (number((best.get(recipe) or {}).get("epochs")) for recipe in ("recipe", "default_recipe"))
    return made is not None and planned is not None and made < planned


def changes(results: Table) -> str:
    """In a sentence, how many hyperparameters differ from the default recipe's."""
    settings = hyperparameters(results)
    changed = sum(setting.difference is Difference.CHANGED for setting in settings)
    said = (f"It differs from the default recipe in {count(changed, 'hyperparameter')}." if changed
            else "It is the default recipe.")
    ending = [setting.name for setting in settings if setting.difference is Difference.FINAL]
    work = changed and results["command"] == "tune" and "epochs" in ending and not results.get("own_epochs")
    ending = [name for name in ending if not work or name != "epochs"]
    if ending:
        said += (f" The decay of the learning rate that ends every final, the default's too, accounts for "
                 f"{listed(ending)}.")
    if work:
        said += " Its number of epochs was not searched: every recipe gets as much computation as the default, and then the decay."
    if is_cut(results):
        said += " Its training was ended before the epochs that were planned for it, so it has made fewer."
    return said
