"""The ruling on finals, the search's optimism, the bias-corrected bootstrap. Their worth: tests/benchmarks/test_honesty.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import new_study

from luthier.search import honest
from luthier.search.finals import missing_default
from luthier.search.honest import (
    Entrant,
    Ruling,
    choose,
    dunnett_level,
    expected_maximum,
    judge,
    optimism,
    winner,
)
from luthier.tasks.metrics import Score

FOLDS = (0.80, 0.82, 0.78)


def entrant(number: int, ahead: float = 0.0, work: float = 1.0, jitter: tuple[float, ...] = (0, 0, 0)) -> Entrant:
    return Entrant(number, tuple(value + ahead + extra for value, extra in zip(FOLDS, jitter, strict=True)), 0.016, work)


def gain(value: float, error: float = 0.01) -> Score:
    return Score(value, value - 2 * error, value + 2 * error, error)


def ruled(*leads: float, works: tuple[float, ...] = (), default: int | None = 0, disjoint: bool = True, **asked: Any) -> Ruling:
    """The default, trial 0, and challengers that are ahead by so much on every pair."""
    given_works = works or (1.0,) * len(leads)
    entrants = [entrant(0), *(entrant(number, lead, work) for number, (lead, work) in
                              enumerate(zip(leads, given_works, strict=True), 1))]
    return judge(default, entrants, {number: gain(lead) for number, lead in enumerate(leads, 1)}, disjoint, **asked)


def test_a_default_that_nobody_is_ahead_of_is_as_good() -> None:
    ruling = ruled(0.0, -0.02)
    assert (ruling.chosen, ruling.ahead) == (0, ())
    assert ruling.reason == "no other recipe was ahead of the default on 3 fresh seeds: the default is as good, and is delivered"


def test_a_lead_within_its_error_leaves_the_default() -> None:
    ruling = ruled(0.011, 0.002)
    assert ruling.chosen == 0
    assert ruling.reason == ("on 3 fresh seeds the best other recipe is ahead of the default by +0.011, which may be chance "
                             "(standard error 0.010; above +0.016 would count): the default is as good, and is delivered")


def test_a_clear_lead_is_delivered_with_its_interval() -> None:
    ruling = ruled(0.01, 0.06)
    assert (ruling.chosen, ruling.ahead) == (2, (2,))
    assert ruling.gain is not None and 0.05 < ruling.gain.value < 0.06
    assert ruling.reason == (f"ahead of the default by {ruling.gain.value:+.3f} on 3 fresh seeds, 95 % interval "
                             f"[{ruling.gain.low:+.3f}, {ruling.gain.high:+.3f}] before selection among 3 finals")


def test_of_those_ahead_that_are_as_good_the_cheapest_is_delivered() -> None:
    works = (1.0, 0.4, 0.2, 0.1)
    ruling = ruled(0.06, 0.055, 0.045, 0.01, works=works)  # 2 is within 0.01 of 1; 3 is not; 4 is not ahead
    assert (ruling.chosen, ruling.ahead) == (2, (1, 2, 3))
    assert ruling.reason.endswith("; the cheapest of those that are as good")
    for works in ((0.4, 1.0), (1.0, 0.95)):  # the second: whole steps alone make it cheaper
        dear = ruled(0.06, 0.055, works=works)
        assert dear.chosen == 1 and "cheapest" not in dear.reason


def test_a_choice_that_is_made_again_by_the_same_figures_is_the_same() -> None:
    """So that what is corrected for is the choice that was made, the cheaper of two that are as good included."""
    leads, works = (0.06, 0.055, 0.045, 0.01), (1.0, 0.4, 0.2, 0.1)
    ruling = ruled(*leads, works=works)
    means = dict(enumerate((0.8, *(0.8 + lead for lead in leads))))
    assert winner(means, dict(enumerate((1.0, *works))), ruling.tie, 0, ruling.needed) == ruling.chosen == 2
    assert winner(means, dict(enumerate((1.0, *works))), 0.0, 0, ruling.needed) == 1
    assert winner(means, dict(enumerate((1.0, *works))), ruling.tie, 0, dict.fromkeys(range(1, 5), 0.1)) == 0


def test_what_is_cheaper_by_less_than_a_tenth_is_not_delivered_for_it() -> None:
    assert ruled(0.06, 0.057, 0.055, works=(1.0, 0.95, 0.86)).chosen == 3, "the second is hardly cheaper than the first"
    assert ruled(0.06, 0.055, 0.057, works=(1.0, 0.80, 0.85)).chosen == 3, "as cheap as the second, and better"


def test_more_challengers_need_a_greater_lead() -> None:
    needed = [ruled(*[0.0] * number).needed[1] for number in (1, 2, 3)]
    assert needed == pytest.approx([0.01282, 0.01577, 0.01734], abs=1e-5)  # no noise between trainings: normal quantiles


@pytest.mark.parametrize(("alarm", "known"), [(0.05, (1.645, 1.916, 2.062)), (0.1, (1.282, 1.577, 1.734))])
def test_the_level_is_dunnett_s(alarm: float, known: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """One-sided, infinite degrees of freedom; 0.05: table 1a of Dunnett 1955."""
    from scipy import stats

    monkeypatch.setattr(honest, "FALSE_ALARM", alarm)
    found = [float(stats.norm.isf(dunnett_level.__wrapped__(number))) for number in (1, 2, 3)]
    assert found == pytest.approx(known, abs=5e-3)


def test_without_a_default_the_best_is_delivered_and_the_reason_says_why() -> None:
    assert ruled(0.06, default=7).chosen == 1
    assert "was not run to its end" in ruled(0.06, default=None).reason
    assert ruled(0.06, default=None, missing="is not a cell of the grid").reason == (
        "the default recipe is not a cell of the grid, so the best of the others is delivered")
    cheap = ruled(0.06, 0.059, works=(1.0, 0.5), default=None)
    assert cheap.chosen == 2 and "the cheapest of those as good as the best of the others" in cheap.reason


def test_a_gain_of_the_default_over_itself_says_nothing() -> None:
    entrants, gains = [entrant(0), entrant(1, 0.013)], {1: gain(0.013)}
    assert judge(0, entrants, gains | {0: Score(0, 0, 0, 0)}, True) == judge(0, entrants, gains, True)


def test_a_default_alone_is_delivered_without_a_comparison() -> None:
    ruling = ruled()
    assert ruling.chosen == 0 and ruling.gain is None and "without a comparison" in ruling.reason
    assert ruling.score.value == pytest.approx(0.8)
    assert ruling.score.low < 0.8 - 1.96 * 0.016 and ruling.score.high > 0.8 + 1.96 * 0.016


@pytest.mark.parametrize("entrants", [[], [entrant(0), Entrant(1, (0.8,), 0.01, 1.0)], [Entrant(0, (), 0.01, 1.0)],
                                      [entrant(0), Entrant(1, FOLDS, 0.01, 1.0, pooled=0.8)]])
def test_finalists_of_other_pairs_are_refused(entrants: list[Entrant]) -> None:
    with pytest.raises(ValueError, match="same pairs"):
        judge(0, entrants, {}, True)


def test_what_is_pooled_goes_before_the_mean_of_the_pairs() -> None:
    entrants = [Entrant(0, FOLDS, 0.016, 1.0, pooled=0.85), Entrant(1, FOLDS, 0.016, 1.0, pooled=0.81)]
    ruling = judge(0, entrants, {1: gain(-0.04)}, True)
    assert ruling.chosen == 0 and 0.84 < ruling.score.value < 0.85
    assert judge(1, entrants, {0: gain(0.04)}, True).chosen == 0  # ahead of it, though not by the mean


def test_one_pair_goes_by_rows_alone() -> None:
    entrants = [Entrant(0, (0.8,), 0.016, 1.0), Entrant(1, (0.85,), 0.016, 1.0)]
    ruling = judge(0, entrants, {1: gain(0.05)}, True)
    assert (ruling.chosen, ruling.seed_error) == (1, 0.0) and "one fresh seed" in ruling.reason
    assert judge(0, entrants, {}, True).chosen == 1 and judge(0, entrants, {}, True).needed[1] > ruling.needed[1]


def test_what_a_pair_does_to_all_alike_is_no_noise_of_training() -> None:
    """FOLDS differ by 0.02, the recipes by the same on each: nothing is left; pooled noise is that of what is left."""
    assert ruled(0.03).seed_error == 0
    noisy = judge(0, [entrant(0), entrant(1, 0.03, jitter=(0.02, -0.02, 0))], {1: gain(0.03, 0.001)}, disjoint=False)
    assert noisy.seed_error == pytest.approx(0.02 / 2**0.5)  # (0.01² · 4) / ((2 - 1) · (3 - 1))
    assert noisy.scores[0].error == pytest.approx((0.016**2 + 0.0002 / 3)**0.5)


def test_rows_of_their_own_explain_part_of_the_noise_shared_rows_none() -> None:
    entrants = [entrant(0), entrant(1, 0.03, jitter=(0.02, -0.02, 0))]
    own, shared = (judge(0, entrants, {1: gain(0.03, 0.008)}, disjoint) for disjoint in (True, False))
    assert own.seed_error**2 == pytest.approx(0.0002 - 3 * 0.008**2 / 2)
    assert shared.seed_error**2 == pytest.approx(0.0002)


def test_few_trainings_give_no_silly_width() -> None:
    two = [Entrant(0, (0.80, 0.83), 0.016, 1.0), Entrant(1, (0.84, 0.81), 0.016, 1.0)]
    score = judge(0, two, {1: gain(0.01)}, True).scores[0]
    assert (score.high - score.low) / 2 < 2.31 * score.error < 0.07  # Student's t of its own two pairs says 0.19


@given(st.lists(st.floats(0.1, 0.9), min_size=2, max_size=5), st.floats(0.001, 0.3))
def test_shrinking_keeps_the_order_and_the_middle_and_goes_no_further(means: list[float], error: float) -> None:
    found = honest.shrunk_means(dict(enumerate(means)), error)
    middle = np.mean(means)
    assert np.mean(list(found.values())) == pytest.approx(middle)
    for number, mean in enumerate(means):
        assert abs(found[number] - middle) <= abs(mean - middle) + 1e-12
        assert (found[number] - middle) * (mean - middle) >= -1e-12
    far = honest.shrunk_means(dict(enumerate(means)), 1e-9)
    assert list(far.values()) == pytest.approx(means)


@given(st.lists(st.tuples(*[st.floats(0.5, 0.9)] * 3, st.floats(0.1, 2)), min_size=2, max_size=4), st.booleans(), st.randoms())
def test_neither_order_nor_level_of_the_figures_decides(cells: list[tuple[float, ...]], disjoint: bool, chance: Any) -> None:
    def ruling(add: float, order: list[int]) -> Ruling:
        entrants = [Entrant(number, tuple(value + add for value in cells[number][:3]), 0.02, cells[number][3]) for number in order]
        return judge(0, entrants, {number: gain(0.0, 0.015) for number in order if number}, disjoint)

    order = list(range(len(cells)))
    first = ruling(0.0, order)
    chance.shuffle(order)
    second = ruling(0.0, order)
    assert (second.chosen, second.ahead) == (first.chosen, tuple(n for n in order if n in first.ahead))
    assert second.reason == first.reason
    assert ruling(0.05, sorted(order)).score.value == pytest.approx(first.score.value + 0.05, abs=1e-9)


@pytest.mark.parametrize(("number", "known"), [(1, 0.0), (2, np.pi**-0.5), (20, 1.87), (50, 2.25), (200, 2.75)])
def test_the_expected_maximum_is_the_known_one(number: int, known: float) -> None:
    assert expected_maximum(number) == pytest.approx(known, abs=0.005)


def test_optimism_without_noise_is_none_and_with_nothing_else_is_all() -> None:
    values = [0.70, 0.72, 0.74, 0.76, 0.80]
    clear, noisy = optimism(values, 4, 0.0), optimism(values, 4, 0.2)
    assert (clear.shrunk.value, clear.expected) == (pytest.approx(0.80), 0.0)
    assert (noisy.shrunk.value, noisy.spread, noisy.raw.value) == (pytest.approx(0.74), 0.0, 0.80)
    assert noisy.expected == pytest.approx(expected_maximum(5) * 0.2)
    between = optimism(values, 4, 0.02)
    assert 0.74 < between.shrunk.value < 0.80 and between.shrunk.low < between.shrunk.value < between.shrunk.high
    wider = optimism(values, 4, 0.02, common=0.05).shrunk
    assert wider.value == between.shrunk.value and wider.high > between.shrunk.high
    assert optimism([0.7], 0, 0.02).shrunk.value == pytest.approx(0.7)
    with pytest.raises(ValueError, match="no values"):
        optimism([], 0, 0.1)


def test_how_badly_others_failed_does_not_make_the_best_better() -> None:
    values = [0.70, 0.72, 0.74, 0.76, 0.80]
    assert optimism([0.1, 0.2, *values[2:]], 4, 0.02) == optimism(values, 4, 0.02)


def test_choose_keeps_the_default_where_nothing_beats_it() -> None:
    verdict = choose(5, {5: 0.8, 6: 0.8, 7: 0.7}, {6: gain(0.0, 0.01), 7: gain(-0.1, 0.01)}, 3)
    assert verdict.chosen == 5
    assert "no trial beat the default" in verdict.reason


@pytest.mark.parametrize(("tried", "lead", "chosen"), [(2, 0.0256, 5), (2, 0.0257, 7), (8, 0.039, 5), (8, 0.05, 7), (40, 0.05, 5)])
def test_choose_asks_for_more_the_more_recipes_were_tried(tried: int, lead: float, chosen: int) -> None:
    verdict = choose(5, {5: 0.8, 7: 0.8 + lead}, {7: gain(lead, 0.02)}, tried)
    assert verdict.chosen == chosen
    assert f"{lead:+.3f}" in verdict.reason and f"among {tried} recipes" in verdict.reason
    assert ("may be chance" in verdict.reason) == (chosen == 5)


def test_choose_keeps_an_equal_default_in_nine_of_ten_searches() -> None:
    """The finals are the best of so many equal recipes on the very rows that they are compared by."""
    chance, tried, studies = np.random.default_rng(0), 12, 2000
    kept = 0
    for _ in range(studies):
        values = chance.normal(0.8, 0.02, tried)
        finals = {0: values[0]} | {n: values[n] for n in 1 + np.argsort(-values[1:])[:3]}
        gains = {number: gain(value - values[0], 0.02 * math.sqrt(2)) for number, value in finals.items() if number}
        kept += choose(0, finals, gains, tried).chosen == 0
    assert 0.88 <= kept / studies <= 0.92


def test_choose_takes_the_best_where_the_default_did_not_finish() -> None:
    verdict = choose(None, {6: 0.7, 7: 0.9, 8: 0.9}, {}, 3)
    assert verdict.chosen == 7  # the earlier among equals
    assert "the default recipe was not run to its end" in verdict.reason


def test_choose_says_where_a_grid_does_not_hold_the_default() -> None:
    verdict = choose(None, {6: 0.7, 7: 0.9}, {}, 2, missing_default(new_study()))
    assert verdict.chosen == 7
    assert "is not a cell of the grid" in verdict.reason


def test_choose_says_when_there_was_nothing_to_compare_with() -> None:
    verdict = choose(5, {5: 0.1}, {}, 1)
    assert verdict.chosen == 5
    assert "without a comparison" in verdict.reason
