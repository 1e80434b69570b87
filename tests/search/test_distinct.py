"""A sampler that suggests what has been run is asked again, then points are drawn, and then there is nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulated import BASE, ListSampler, add_trial, new_study

from luthier.recipes.space import parse_space
from luthier.search.distinct import DRAWS, TRIES, suggest
from luthier.search.samplers import RandomSampler, Suggestion
from luthier.search.study import Observation, Study

SPACE = parse_space({"batch_size": "8,16,32"}, BASE)
FALLBACK = RandomSampler(SPACE, 2)


@dataclass
class Stubborn:
    """Suggests one recipe, whatever it is asked, and notes what it is asked."""

    asked: list[int] = field(default_factory=list)

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The base."""
        self.asked.append(number)
        return Suggestion(BASE, "stubborn")


def _study(*sizes: int, failing: bool = False) -> Study:
    study = new_study()
    for size in sizes:
        add_trial(study, BASE.replace(batch_size=size), None if failing else 0.5, 10, failure="lost" if failing else None)
    return study


def test_what_is_new_is_taken_at_once() -> None:
    sampler = Stubborn()
    assert suggest(_study(8), sampler, FALLBACK) == Suggestion(BASE, "stubborn")
    assert sampler.asked == [1]


def test_the_sampler_is_asked_again_with_other_numbers_before_points_are_drawn() -> None:
    sampler = Stubborn()
    found = suggest(_study(16, 8), sampler, FALLBACK)
    assert found is not None and (found.recipe.batch_size, found.role) == (32, "random")
    assert len(set(sampler.asked)) == 1 + TRIES and sampler.asked[0] == 2
    assert suggest(_study(16, 8), Stubborn(), FALLBACK) == found, "the same each time"


def test_a_sampler_that_knows_something_new_when_asked_again_is_listened_to() -> None:
    class Twice(Stubborn):
        def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
            first = super().suggest(observations, number)
            return first if len(self.asked) < 3 else Suggestion(BASE.replace(batch_size=64), "changed its mind")

    found = suggest(_study(16), Twice(), FALLBACK)
    assert found is not None and found.role == "changed its mind"


def test_recipes_that_failed_are_not_suggested_again() -> None:
    found = suggest(_study(16, failing=True), Stubborn(), FALLBACK)
    assert found is not None and found.recipe.batch_size != 16


def test_a_space_that_was_tried_whole_has_nothing_more() -> None:
    sampler, drawn = Stubborn(), Stubborn()
    assert suggest(_study(8, 16, 32), sampler, FALLBACK) is None
    assert suggest(_study(16), sampler, drawn) is None and len(set(drawn.asked)) == DRAWS


def test_without_a_fallback_recipes_are_run_again() -> None:
    assert suggest(_study(16), ListSampler([BASE]), None) == Suggestion(BASE, "list")
