"""Seeds: each source of randomness follows the trial's seed unless it is held."""

from __future__ import annotations

import pytest

from luthier.recipes.seeds import HeldSeeds, Seeds


@pytest.mark.parametrize(("held", "seeds"), [
    (HeldSeeds(), Seeds(7, 7, 7)), (HeldSeeds(init=0), Seeds(0, 7, 7)), (HeldSeeds(order=3), Seeds(7, 3, 7)),
    (HeldSeeds(1, 2, 3), Seeds(1, 2, 3))])
def test_a_source_follows_the_trial_unless_it_is_held(held: HeldSeeds, seeds: Seeds) -> None:
    assert held.seeds(7) == seeds


def test_one_seed_for_everything_is_nothing_held() -> None:
    assert HeldSeeds().seeds(4) == Seeds.all(4)
