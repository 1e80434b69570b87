"""Verdicts on made-up curves, each of which a person would judge alike."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import pytest

from luthier.explain.curves import Curve, Reading, curves_of
from luthier.explain.facts import Facts, facts_of, loss_noise, score_error
from luthier.explain.verdicts import Kind, judge, judge_all

FACTS = Facts("macro_f1", 400, chance_loss=1.1, largest_label_share=0.4, probe_score=0.6, majority_score=0.19)


def make(train: Sequence[float], validation: Sequence[float], scores: Sequence[float], share: float = 0.42,
         train_scores: Sequence[float] = ()) -> Curve:
    def readings(**columns: Sequence[float]) -> tuple[Reading, ...]:
        return tuple(Reading(40 * (i + 1), float(i + 1), 1000.0 * (i + 1), {name: values[i] for name, values in columns.items()
                                                                            if values}) for i in range(len(train)))

    return Curve(readings(loss=train, macro_f1=train_scores),
                 readings(loss=validation, macro_f1=scores, largest_share=[share] * len(scores)), "rung")


GOOD = make([1.0, 0.7, 0.5, 0.4, 0.36, 0.35], [0.95, 0.75, 0.66, 0.64, 0.64, 0.645], [0.5, 0.65, 0.7, 0.72, 0.72, 0.73])
CURVES = {
    "good": (GOOD, Kind.GOOD),
    "slow start with averaged weights is not overfit": (
        make([1.1, 0.8, 0.6, 0.5, 0.4, 0.39], [1.09, 1.2, 0.9, 0.7, 0.62, 0.62], [0.2, 0.4, 0.6, 0.7, 0.73, 0.74]), Kind.GOOD),
    "a ripple is not overfit": (
        make([0.9, 0.7, 0.5, 0.4, 0.3, 0.28], [0.8, 0.7, 0.65, 0.68, 0.66, 0.69], [0.5, 0.6, 0.7, 0.71, 0.72, 0.72]), Kind.GOOD),
    "one high reading at the end but one is no trend": (
        make([0.9, 0.7, 0.5, 0.4, 0.3, 0.28], [0.8, 0.7, 0.65, 0.66, 1.2, 0.66], [0.5, 0.6, 0.7, 0.71, 0.72, 0.72]), Kind.GOOD),
    "overfit": (
        make([0.9, 0.6, 0.3, 0.1, 0.05, 0.02], [0.8, 0.65, 0.7, 0.9, 1.1, 1.3], [0.6, 0.72, 0.71, 0.68, 0.66, 0.65]), Kind.OVERFIT),
    "overconfident": (
        make([0.9, 0.6, 0.3, 0.1, 0.05, 0.02], [0.8, 0.65, 0.7, 0.9, 1.1, 1.3], [0.6, 0.72, 0.73, 0.74, 0.74, 0.74]),
        Kind.OVERCONFIDENT),
    "diverged to nan": (make([0.9, 0.8, math.nan], [0.9, 0.8, math.nan], [0.5, 0.6, 0.2]), Kind.DIVERGED),
    "diverged after learning": (make([0.9, 0.7, 1.3, 1.4], [0.9, 0.8, 1.3, 1.3], [0.5, 0.6, 0.2, 0.2], 0.99), Kind.DIVERGED),
    "one reading above guessing": (make([0.9, 0.6, 0.4, 1.12], [0.9, 0.7, 0.6, 0.55], [0.5, 0.6, 0.7, 0.75], 0.75), Kind.GOOD),
    "two readings above guessing": (make([0.9, 0.6, 1.11, 1.12], [0.9, 0.7, 0.9, 0.9], [0.5, 0.6, 0.5, 0.5], 0.75),
                                    Kind.DIVERGED),
    "never below guessing": (make([1.3, 1.6, 1.9], [1.4, 1.5, 1.8], [0.3, 0.3, 0.3]), Kind.DIVERGED),
    "an overfit loss above guessing is no divergence": (
        make([0.9, 0.4, 0.1, 0.02], [0.8, 0.9, 1.2, 1.5], [0.7, 0.7, 0.66, 0.65]), Kind.OVERFIT),
    "collapsed": (make([1.1, 1.1, 1.1], [1.1, 1.1, 1.1], [0.19, 0.19, 0.19], 0.99), Kind.COLLAPSED),
    "underfit, still falling": (
        make([1.09, 1.0, 0.9, 0.82, 0.75, 0.68], [1.08, 1.0, 0.92, 0.85, 0.78, 0.7], [0.4, 0.5, 0.6, 0.65, 0.7, 0.72]),
        Kind.UNDERFIT),
    "underfit, no better than the probe": (
        make([1.0, 0.9, 0.86, 0.85, 0.85, 0.85], [1.0, 0.9, 0.86, 0.85, 0.85, 0.85], [0.5, 0.55, 0.58, 0.6, 0.6, 0.61]),
        Kind.UNDERFIT),
    "fits the training rows, so not underfit": (
        make([1.0, 0.6, 0.3, 0.2], [1.0, 0.9, 0.88, 0.88], [0.5, 0.55, 0.58, 0.6], train_scores=[0.5, 0.7, 0.9, 0.95]), Kind.GOOD),
    "a perfect fit is not underfit, however far the last thousandths fall": (
        make([0.5, 0.1, 0.03, 0.01, 0.004, 0.0006], [0.4, 0.2, 0.18, 0.19, 0.19, 0.19], [0.5, 0.9, 0.95, 0.96, 0.968, 0.968],
             train_scores=[0.5, 0.9, 0.98, 1.0, 1.0, 1.0]), Kind.GOOD),
    "a training loss far below the validation loss is no underfit, whatever the scores": (
        make([1.0, 0.7, 0.5, 0.4, 0.34, 0.3], [0.95, 0.8, 0.7, 0.66, 0.64, 0.63], [0.5, 0.55, 0.58, 0.6, 0.6, 0.6],
             train_scores=[0.5, 0.55, 0.58, 0.6, 0.6, 0.6]), Kind.GOOD),
    "a fall of less than matters is no reason": (
        make([0.9, 0.5, 0.3, 0.2, 0.17, 0.15], [0.8, 0.45, 0.28, 0.19, 0.155, 0.155], [0.5, 0.7, 0.8, 0.85, 0.86, 0.86]),
        Kind.GOOD),
    "one reading": (make([0.5], [0.7], [0.6]), Kind.UNJUDGED),
    "two readings": (make([1.0, 0.5], [0.9, 0.7], [0.6, 0.75]), Kind.SHORT),
    "nothing": (Curve(), Kind.SHORT),
}


@pytest.mark.parametrize("case", CURVES)
def test_a_curve_gets_the_verdict_that_a_person_would_give(case: str) -> None:
    curve, kind = CURVES[case]
    found = judge(curve, FACTS)
    assert found.kind is kind, found.evidence
    assert found.evidence.endswith(".") and "nan" not in found.evidence


def test_overfit_names_the_epoch_of_the_minimum_and_what_moved() -> None:
    evidence = judge(CURVES["overfit"][0], FACTS).evidence
    assert evidence == ("The validation loss was lowest at epoch 2 (0.65) and ended at 1.30 at epoch 6, while the training loss "
                        "fell from 0.60 to 0.02; macro-F1 went from 0.720 to 0.650.")


def test_a_rise_within_noise_depends_on_the_number_of_rows() -> None:
    curve = make([0.9, 0.6, 0.3, 0.1], [0.8, 0.65, 0.71, 0.75], [0.6, 0.72, 0.72, 0.72])
    assert judge(curve, dataclasses.replace(FACTS, validation_rows=100)).kind is Kind.GOOD
    assert judge(curve, dataclasses.replace(FACTS, validation_rows=5000)).kind is Kind.OVERCONFIDENT


@pytest.mark.parametrize(("case", "kind"), [
    ("good", Kind.SHORT), ("underfit, still falling", Kind.SHORT), ("overfit", Kind.OVERFIT), ("collapsed", Kind.COLLAPSED),
    ("never below guessing", Kind.DIVERGED)])
def test_a_trial_that_was_ended_early_is_judged_by_what_it_did_do(case: str, kind: Kind) -> None:
    assert judge(CURVES[case][0], dataclasses.replace(FACTS, ended_early=True)).kind is kind


def test_a_slow_start_that_was_ended_early_did_not_collapse() -> None:
    curve = make([1.12, 1.0], [1.1, 1.05], [0.19, 0.19], 0.97)
    assert judge(curve, dataclasses.replace(FACTS, ended_early=True)).kind is Kind.SHORT


def test_collapse_without_shares_shows_in_the_score() -> None:
    curve = Curve((), (Reading(1, 1.0, 1.0, {"macro_f1": 0.19, "loss": 1.1}),) * 3)
    assert judge(curve, FACTS).kind is Kind.COLLAPSED


@pytest.mark.parametrize(("reason", "kind"), [
    ("the loss is nan and the gradient norm nan at step 41", Kind.DIVERGED), ("out of memory", Kind.SHORT)])
def test_a_failure_is_judged_by_its_reason(reason: str, kind: Kind) -> None:
    found = judge(Curve(), dataclasses.replace(FACTS, failure=reason))
    assert found.kind is kind and reason in found.evidence


def test_noise_shrinks_with_rows_and_grows_with_readings() -> None:
    many = dataclasses.replace(FACTS, validation_rows=1600)
    assert loss_noise(0.6, 0.7, FACTS, 6) == pytest.approx(2 * loss_noise(0.6, 0.7, many, 6))
    assert loss_noise(0.6, 0.7, FACTS, 2) < loss_noise(0.6, 0.7, FACTS, 8)
    assert score_error(0.8, FACTS) == pytest.approx(0.0155, abs=1e-3)


def trial(number: int, score: float, seed: int = 0, **changes: Any) -> dict[str, Any]:
    return {"trial": number, "role": "quasi-random", "parent": "", "state": "complete", "reason": "", "score": score, "seed": seed,
            "learning_rate": 1e-4} | changes


def test_seeds_in_two_groups_are_unstable() -> None:
    trials = [trial(0, 0.73, 0), trial(1, 0.74, 1), trial(2, 0.45, 2), trial(3, 0.72, 0, learning_rate=2e-4)]
    found = judge_all(trials, dict.fromkeys(range(4), GOOD), FACTS)
    assert [found[n].kind for n in range(4)] == [Kind.UNSTABLE] * 3 + [Kind.GOOD]
    assert found[0].evidence == "On 3 seeds this recipe scored 0.450 to 0.740, in two groups that are 0.280 apart."


def test_seeds_further_apart_than_the_default_recipes_are_unstable() -> None:
    facts = dataclasses.replace(FACTS, validation_rows=5000)
    default = [trial(n, score, n, role="default") for n, score in enumerate((0.730, 0.731, 0.732, 0.733))]
    wide = [trial(n + 4, score, n, learning_rate=3e-4) for n, score in enumerate((0.66, 0.70, 0.74, 0.78))]
    found = judge_all(default + wide, dict.fromkeys(range(8), GOOD), facts)
    assert [found[n].kind for n in range(8)] == [Kind.GOOD] * 4 + [Kind.UNSTABLE] * 4


def test_a_replicate_that_diverged_stays_diverged() -> None:
    trials = [trial(0, 0.73, 0), trial(1, 0.2, 1)]
    found = judge_all(trials, {0: GOOD, 1: CURVES["diverged after learning"][0]}, FACTS)
    assert [found[0].kind, found[1].kind] == [Kind.UNSTABLE, Kind.DIVERGED]


def test_a_final_is_judged_with_its_parents_curve() -> None:
    final = Curve((Reading(280, 7.0, 7000, {"loss": 0.33}),), (Reading(280, 7.0, 7000, {"loss": 0.63, "macro_f1": 0.75}),), "rung")
    found = judge_all([trial(0, 0.73), trial(1, 0.75, parent=0, role="final")], {0: GOOD, 1: final}, FACTS)
    assert found[1].kind is Kind.GOOD and "epoch 7" in found[1].evidence


def test_curves_of_reads_the_rows_of_a_file() -> None:
    rows = [{"trial": "3", "split": split, "rows": rows, "step": step, "epoch": "1.5", "work": "", "weights": weights,
             "metric": "loss", "value": value}
            for split, rows, step, weights, value in (
                ("train", "", "40", "raw", "0.9"), ("validation", "rung", "80", "averaged", "0.7"),
                ("validation", "rung", "40", "averaged", "0.8"), ("validation", "rung", "40", "raw", "0.85"),
                ("validation", "all", "80", "averaged", "0.75"), ("train", "", "80", "raw", "nan"), ("train", "", "80", "raw", ""))]
    curve = curves_of(rows)[3]
    assert [value for _, value in curve.values("loss")] == [0.8, 0.7] and curve.rows == "rung"
    assert not curve.is_finite and len(curve.train_values("loss")) == 1
    assert curves_of([]) == {}


def test_facts_come_from_results_with_or_without_their_own_table() -> None:
    results: dict[str, Any] = {"metric": "macro_f1", "rows": {"validation": 100},
                               "counts": {"a": {"train": 50, "validation": 60}, "b": {"train": 50, "validation": 40}},
                               "controls_validation": {"probe": {"value": 0.7}, "majority": {"value": 0.3}}}
    facts = facts_of(results)
    assert (facts.probe_score, facts.majority_score, facts.largest_label_share, facts.validation_rows) == (0.7, 0.3, 0.6, 100)
    assert facts.chance_loss == pytest.approx(math.log(2))
    own = facts_of(results | {"facts": {"chance_loss": 1.0, "probe_score": None, "validation_rows": 80}})
    assert (own.chance_loss, own.probe_score, own.validation_rows) == (1.0, None, 80)
    assert facts_of({"metric": "accuracy"}) == Facts("accuracy", 0)


@pytest.mark.parametrize("task, said", [
    ("multilabel", "always giving the most frequent labels"), ("regression", "always saying the mean of the training rows"),
    ("entities", "finding no entity at all")])
def test_a_collapse_is_told_in_the_words_of_its_task(task: str, said: str) -> None:
    curve = make([1.1, 1.1, 1.1], [1.1, 1.1, 1.1], [0.0, 0.0, 0.0])
    curve = dataclasses.replace(curve, validation=tuple(dataclasses.replace(reading, metrics={
        name: value for name, value in reading.metrics.items() if name != "largest_share"}) for reading in curve.validation))
    facts = dataclasses.replace(FACTS, task=task, majority_score=0.0, largest_label_share=None, metric_title="the figure")
    verdict = judge(curve, facts)
    assert verdict.kind is Kind.COLLAPSED and said in verdict.evidence and "Its the figure" in verdict.evidence


def test_entities_that_are_not_found_yet_while_the_loss_falls_are_no_collapse() -> None:
    curve = make([1.0, 0.7, 0.5, 0.35], [0.9, 0.7, 0.5, 0.4], [0.0, 0.0, 0.0, 0.0])
    curve = dataclasses.replace(curve, validation=tuple(dataclasses.replace(reading, metrics={
        name: value for name, value in reading.metrics.items() if name != "largest_share"}) for reading in curve.validation))
    assert judge(curve, dataclasses.replace(FACTS, task="entities", majority_score=0.0)).kind is not Kind.COLLAPSED
    assert judge(curve, dataclasses.replace(FACTS, task="multilabel", majority_score=0.0)).kind is Kind.COLLAPSED


def test_a_divergence_names_what_guessing_is() -> None:
    curve = make([0.9, 0.7, 1.3, 1.4], [0.9, 0.8, 1.3, 1.3], [0.5, 0.6, 0.2, 0.2])
    for task, said in (("regression", "of always saying the mean."), ("entities", "by the tags' frequencies."),
                       ("classification", "by the labels' frequencies.")):
        assert said in judge(curve, dataclasses.replace(FACTS, task=task)).evidence


@pytest.mark.parametrize("metric", ["pearson", "spearman", "r2", "macro_f1"])
@pytest.mark.parametrize("score", [-0.5, 0.0, 0.5, 0.99, 1.0])
def test_the_error_of_a_score_is_positive_and_shrinks_with_rows(metric: str, score: float) -> None:
    few, many = (score_error(score, Facts(metric, rows)) for rows in (100, 400))
    assert 0 < many < few < 0.2 and few == pytest.approx(2 * many)


def test_facts_of_entities_know_that_nothing_found_scores_nothing() -> None:
    facts = facts_of({"metric": "f1", "metric_title": "entity F1", "task": "entities", "rows": {"validation": 50},
                      "counts": {"PER": {"train": 9, "validation": 4}}, "controls_validation": {"probe": {"value": 0.4}}})
    assert (facts.majority_score, facts.title, facts.largest_label_share, facts.chance_loss) == (0.0, "entity F1", None, None)


def test_a_trial_that_holds_out_other_rows_is_not_held_against_the_probe() -> None:
    curve = make([1.0, 0.9, 0.86, 0.85, 0.85, 0.85], [1.0, 0.9, 0.86, 0.85, 0.85, 0.85], [0.5, 0.55, 0.58, 0.6, 0.6, 0.6])
    rows = [trial(0, 0.6, fold=0), trial(1, 0.6, fold="2", parent=0, role="fresh")]
    found = judge_all(rows, dict.fromkeys(range(2), curve), FACTS)
    assert (found[0].kind, found[1].kind) == (Kind.UNDERFIT, Kind.GOOD) and "probe" not in found[1].evidence


def test_a_model_that_saw_the_validation_rows_is_not_judged_by_them() -> None:
    found = judge_all([trial(0, 0.7), trial(1, 0.7, parent=0, role="refit")], {0: GOOD}, FACTS)
    assert found[1].kind is Kind.UNJUDGED and "validation rows too" in found[1].evidence


def test_a_small_loss_is_not_told_as_nothing() -> None:
    curve = make([0.5, 0.1, 0.01, 0.001], [0.3, 0.0006, 0.3, 0.4], [0.9, 0.97, 0.97, 0.97])
    assert "lowest at epoch 2 (0.0006)" in judge(curve, FACTS).evidence
