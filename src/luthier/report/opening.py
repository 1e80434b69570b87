"""The report's first words: how good the delivered model is, said as it is.

The first sentence names the figure, its interval and the best control; what follows says what the search bought, and
whether the run was cut short. The page and the model card begin with the same sentences.
"""

from __future__ import annotations

from luthier.data.places import count
from luthier.explain.rows import listed
from luthier.report.controls import ORDER, named
from luthier.report.honest import recipe_sentence
from luthier.report.metrics import article
from luthier.report.wording import Table, cut_epochs, figure, interval, opened_before, short, signed, test_rows


def opening(results: Table) -> list[str]:
    """The sentences that a report begins with, the most important first."""
    sentences = [_standing(results), _doubt(results), cut_sentence(results)]
    if results["command"] == "tune":
        sentences += [_gain(results), _in_turn(results) or recipe_sentence(results)]
    if results.get("refit"):
        rows = results["rows"]["train"] + results["rows"]["validation"]
        sentences.append("The delivered model was trained by its recipe once more, on training and validation rows together: "
                         f"{rows:,} in all.")
    if results.get("record_test"):
        sentences.append("Selection is no longer blind: the test rows were scored for every trial (--record-test). Luthier "
                         "chose by the validation rows, but whoever chooses by the test scores makes them optimistic.")
    if results.get("interrupted"):
        sentences.append("The run was interrupted before its planned end: more time might have changed the result.")
    return [sentence for sentence in sentences if sentence]


def _in_turn(results: Table) -> str:
    """What a figure of rows held out in turn is of; empty where there were test rows."""
    if not results.get("folds"):
        return ""
    return (f"There were no test rows: the recipes of the finals were trained {results['folds']} times, each time without a part "
            "of the training rows, and the figure is of all these parts, corrected for the choice among the finals (BBC-CV). It is "
            "the recipe's; the model that is delivered has been trained on more rows, and was not scored on any unseen ones.")


def default_delivered(results: Table) -> bool:
    """Whether a search ended with the default recipe itself, or its final, as the model to deliver."""
    best, default = results["best"], results.get("default_trial")
    own = default is not None and default in (best.get("trial"), best.get("parent"))
    return results["command"] == "tune" and not results.get("gain") and own


def rivals(results: Table) -> dict[str, Table]:
    """The controls that the delivered model is compared with; the default recipe is no rival to itself."""
    controls = results["controls"]
    return {name: controls[name] for name in sorted(controls, key=lambda name: (*ORDER, name).index(name))
            if controls.get(name) and not (name == "default" and default_delivered(results))}


def unbeaten(results: Table) -> list[str]:
    """The controls that the delivered model is not above on the test rows, the best first."""
    against = rivals(results)
    names = [name for name in against if against[name]["value"] >= results["test"]["value"]]
    return sorted(names, key=lambda name: -against[name]["value"])


def _best_rival(results: Table) -> str | None:
    against = rivals(results)
    return max(against, key=lambda name: against[name]["value"]) if against else None


def _standing(results: Table) -> str:
    test, against, best = results["test"], rivals(results), _best_rival(results)
    who = "the delivered recipe" if results.get("folds") else "the delivered model"
    where = f"On {_rows(results)} {who}"
    metric = short(results["metric_title"], 100)
    reach = f"reaches {article(metric)} {metric} of {figure(test['value'])} (95 % interval {interval(test)})"
    if best is None:
        return f"{where} {reach}."
    ahead = unbeaten(results)
    if ahead:
        names = listed([named(results, name) for name in ahead])
        return (f"{where} does not beat {names}: it {reach}, {named(results, best)} "
                f"{figure(against[best]['value'])}.")
    return f"{where} {reach}, above the best control, {named(results, best)} ({figure(against[best]['value'])})."


def _doubt(results: Table) -> str:
    best = _best_rival(results)
    if best is None:
        return ""
    if simpler := set(unbeaten(results)) - {"default"}:
        test, ahead = results["test"], max((rivals(results)[name] for name in simpler), key=lambda score: score["value"])
        overlap = " Their intervals overlap, so this may be chance." if ahead["low"] <= test["high"] else ""
        where = "in this run" if overlap or cut_epochs(results) or results.get("interrupted") else "here"
        return (f"By this figure fine-tuning did not pay {where}: a simpler method does "
                f"{'better' if ahead['value'] > test['high'] else 'as well'}.{overlap}")
    if best != "default" and rivals(results)[best]["value"] >= results["test"]["low"]:
        return "The control's figure lies inside the model's interval, so this lead may be chance."
    return ""


def cut_sentence(results: Table) -> str:
    """That the budget did not afford the default recipe's epochs; empty where it did."""
    found = cut_epochs(results)
    return (f"Runs were cut short: the default recipe would train {found[0]} epochs, and the budget afforded {found[1]}, so more "
            "time may well do better.") if found else ""


def _rows(results: Table) -> str:
    """The rows that the figure is of, and whether anybody had looked at them before."""
    if results.get("folds"):
        return test_rows(results)
    if opened_before(results):
        return f"{test_rows(results)}, which had been opened before,"
    doubt = results.get("record_test") or (results.get("opening") or {}).get("note")
    return test_rows(results) if doubt else count(results["rows"]["test"], "unseen test row")


def _gain(results: Table) -> str:
    gain = results.get("gain")
    if default_delivered(results):
        return "The search found nothing provably better than the default recipe, so that is what is delivered."
    if not gain:
        return "The default recipe was not scored on the test rows, so what the search gained is not known."
    bounds = f"paired 95 % interval {signed(gain['low'])} to {signed(gain['high'])}{_like_with_like(results)}"
    if gain["low"] > 0:
        return f"The search gained {signed(gain['value'])} over the default recipe ({bounds})."
    if gain["high"] < 0:
        return f"What the search chose is worse than the default recipe: the difference is {signed(gain['value'])} ({bounds})."
    return (f"The search bought nothing provable beyond the default recipe: the difference is {signed(gain['value'])} "
            f"({bounds}), which includes 0.")


def _like_with_like(results: Table) -> str:
    """What the gain is of, where it is not the difference of two figures that are told beside it."""
    if results.get("folds"):
        return ", corrected for the choice"
    return "; of two models trained without the validation rows" if results.get("refit") else ""
