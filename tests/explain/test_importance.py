"""Importance against noise: on made-up searches whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from luthier.explain.importance import FEWEST_RECIPES, Ranking, design, outcomes, rank

ROWS = 30


def make(seed: int, effect: float, rows: int = ROWS) -> list[dict[str, Any]]:
    """A random search over 5 to 7 hyperparameters; `effect`: the range of the score over the learning rate, noise being 1."""
    generator = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "learning_rate": 10 ** generator.uniform(-4.7, -3.1, rows), "layer_decay": generator.uniform(0.6, 1, rows),
        "batch_size": generator.choice([8, 16, 32, 64], rows), "frozen_layers": generator.integers(0, 7, rows),
        "averaging": generator.choice(["none", "ema"], rows), "dropout": generator.uniform(0, 0.3, rows),
        "weight_decay": 10 ** generator.uniform(-2.5, 0.5, rows)}
    names = list(columns)[:5 + seed % 3]
    away = (np.log10(columns["learning_rate"]) + 3.9) / 0.8
    scores = generator.normal(0, 1, rows) - effect * away ** 2
    return [{"trial": i, "role": "quasi-random", "parent": "", "state": "complete", "score": float(scores[i]), "seed": 0,
             **{name: columns[name][i].item() for name in names}} for i in range(rows)]


def false_alarms(studies: int) -> float:
    return sum(bool(rank(make(seed, 0.0)).distinguishable) for seed in range(studies)) / studies


def ranked_first(studies: int, effect: float) -> float:
    return sum(rank(make(seed, effect)).entries[0].name == "learning_rate" for seed in range(studies)) / studies


def test_few_false_alarms_and_the_real_one_first_in_short() -> None:
    assert false_alarms(14) <= 0.15
    assert ranked_first(14, 3.5) >= 0.85


@pytest.mark.slow
def test_few_false_alarms() -> None:
    assert false_alarms(200) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("effect", [3.0, 3.5, 4.0])
def test_the_real_one_is_ranked_first(effect: float) -> None:
    assert ranked_first(200, effect) >= 0.85


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_few_false_alarms_on_a_search_that_adapts() -> None:
    """TPE looks where noise happened to be kind, so its recipes are not independent of the scores."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    alarms = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(
            seed=seed, multivariate=True, group=True, n_startup_trials=10))
        rows = []
        for number in range(ROWS):
            trial = study.ask()
            values = {"learning_rate": trial.suggest_float("learning_rate", 2e-5, 8e-4, log=True),
                      "layer_decay": trial.suggest_float("layer_decay", 0.6, 1.0),
                      "batch_size": trial.suggest_categorical("batch_size", [8, 16, 32, 64]),
                      "frozen_layers": trial.suggest_int("frozen_layers", 0, 6), "dropout": trial.suggest_float("dropout", 0, 0.3)}
            score = float(generator.normal())
            study.tell(trial, score)
            rows.append({"trial": number, "role": "tpe", "parent": "", "state": "complete", "score": score, **values})
        alarms += bool(rank(rows).distinguishable)
    assert alarms <= 10


def test_a_strong_effect_is_distinguishable_and_beyond_its_noise() -> None:
    found = rank(make(1, 12.0))
    first = found.entries[0]
    assert found.distinguishable == ("learning_rate",) and first.p <= 0.035 and first.quantile == 1.0
    assert first.importance > first.noise and all(entry.importance <= entry.noise for entry in found.entries[1:])


def test_the_same_table_gives_the_same_figures() -> None:
    assert rank(make(2, 3.0)) == rank(make(2, 3.0))


def test_cells_of_text_count_as_their_numbers() -> None:
    rows = make(4, 3.0)
    assert rank([{name: str(value) for name, value in row.items()} for row in rows]) == rank(rows)


def test_too_few_recipes_are_said_to_be_too_few() -> None:
    found = rank(make(3, 12.0, FEWEST_RECIPES - 1))
    assert found.entries == () and found.reason == "too few recipes to tell: 9 ran, at least 10 are needed"
    replicates = [row | {"trial": row["trial"] + 10 * seed, "seed": seed} for row in make(3, 12.0, 5) for seed in range(3)]
    assert rank(replicates).recipes == 5, "seeds are not recipes"
    assert rank([]) == Ranking((), 0, "too few recipes to tell: 0 ran, at least 10 are needed")


def test_equal_scores_and_no_search_have_nothing_to_tell() -> None:
    rows = make(3, 0.0)
    assert "came out the same" in rank([row | {"score": 0.7} for row in rows]).reason
    assert "no hyperparameter was varied" in rank(rows, names=()).reason


def test_words_and_blanks_are_one_hyperparameter_each() -> None:
    rows = make(5, 0.0)
    for row in rows:
        row["averaging"] = ["none", "ema", "late"][row["trial"] % 3]
        row["reinit_layers"] = "" if row["trial"] % 2 else 1 + row["trial"] % 4
        row["score"] += 6 * (row["averaging"] == "late")
    found = rank(rows, names=["learning_rate", "averaging", "reinit_layers"])
    assert len(found.entries) == 3 and found.distinguishable == ("averaging",)


def test_design_puts_off_below_every_value_on_a_log_scale() -> None:
    columns, owner = design([{"weight_decay": value} for value in ("0", "0.01", "1", "")], ["weight_decay"])
    assert columns[0, 0] < columns[1, 0] < columns[2, 0] and columns[3, 0] == columns[0, 0]
    assert owner.tolist() == [0]
    words, owner = design([{"schedule": word} for word in ("linear", "constant", "linear")], ["schedule"])
    assert words.tolist() == [[1, 0], [0, 1], [1, 0]] and owner.tolist() == [0, 0]


def test_outcomes_compare_trials_where_both_had_come_to() -> None:
    trials = [{"trial": i, "state": state, "score": score} for i, (state, score) in enumerate(
        [("complete", 0.8), ("stopped", 0.5), ("stopped", 0.6), ("failed", "")])]
    points = {0: [(1.0, 0.55), (9.0, 0.8)], 1: [(1.0, 0.5)], 2: [(1.0, 0.6)]}
    assert outcomes(trials, points) == pytest.approx({0: 2 / 3, 1: 1 / 3, 2: 1.0, 3: 0.0})
    assert outcomes(trials, {}) == pytest.approx({0: 1.0, 1: 1 / 3, 2: 2 / 3, 3: 0.0})


def test_trials_that_failed_count_and_finals_do_not() -> None:
    rows = make(6, 0.0)
    for row in rows:
        if row["learning_rate"] > 3e-4:
            row |= {"state": "failed", "score": ""}
    final = {**rows[0], "trial": 99, "parent": 0, "score": 100.0}
    found = rank([*rows, final])
    assert found.entries[0].name == "learning_rate" and found == rank(rows)
