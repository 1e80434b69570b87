"""The whole explanation, from the tables of a run."""

from __future__ import annotations

import json
from typing import Any

from luthier.explain.overview import explain, importance_sentence, verdict_sentence


def make(command: str = "tune", trials: int = 12) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    results = {"command": command, "metric": "macro_f1", "best": {"trial": 0}, "rows": {"validation": 300}}
    rows = [{"trial": str(i), "role": "random", "parent": "", "state": "complete", "reason": "", "score": str(0.6 + i / 100),
             "steps": "120", "seed": "0", "learning_rate": str(1e-5 * (i + 1)), "dropout": str(i * 7 % 5 / 10)}
            for i in range(trials)]
    curves = [{"trial": str(i), "split": "validation", "rows": "rung", "weights": "averaged", "step": str(40 * place), "work": "",
               "epoch": str(place), "metric": metric, "value": str(value)}
              for i in range(trials) for place in (1, 2, 3)
              for metric, value in (("macro_f1", 0.5 + place * i / 300), ("loss", 0.9 - place / 10))]
    return results, rows, curves


def test_explanation_of_a_search_holds_everything_and_is_json() -> None:
    found = explain(*make())
    assert found.counts == {"good": 12} and {entry.name for entry in found.ranking.entries} == {"learning_rate", "dropout"}
    assert [response.name for response in found.responses] == [entry.name for entry in found.ranking.entries]
    table = json.loads(json.dumps(found.to_table()))
    assert table["verdict_counts"] == {"good": 12} and len(table["responses"]) == 2 and table["delivered"] == 0
    assert verdict_sentence(found.counts) == "Verdicts: 12 good."
    assert "learning_rate stands out from noise" in importance_sentence(found.ranking)


def test_verdicts_that_the_table_holds_are_kept() -> None:
    results, rows, curves = make()
    stored = [row | {"verdict": "unstable", "evidence": "Seeds differ."} for row in rows]
    assert explain(results, stored, curves).counts == {"unstable": 12}
    stored[3] = rows[3] | {"verdict": "", "evidence": ""}
    assert explain(results, stored, curves).counts == {"good": 12}, "one without a verdict: all are judged anew"


def test_what_the_run_says_was_searched_is_believed() -> None:
    results, rows, curves = make()
    found = explain(results | {"searched": ["dropout", "unheard"]}, rows, curves)
    assert [entry.name for entry in found.ranking.entries] == ["dropout"]


def test_a_training_has_its_verdict_alone() -> None:
    found = explain(*make("train", 1))
    assert found.counts == {"good": 1} and found.responses == () and found.ranking.entries == ()


def test_a_search_in_which_nothing_ran_is_explained_too() -> None:
    results, _, _ = make()
    found = explain(results, [], [])
    assert found.counts == {} and found.sentences == () and "too few recipes" in importance_sentence(found.ranking)
    assert verdict_sentence({}) == ""
