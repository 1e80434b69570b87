"""The memory of a part, foretold: more for longer rows and more blocks, and never more than there is."""

from __future__ import annotations

from collections.abc import Callable

from luthier.training.footprint import SHARE, STATE, Footprint, most_tokens
from luthier.training.learner import Learner


def test_a_token_takes_what_its_model_and_its_row_ask_for(make: Callable[..., Learner]) -> None:
    of = Footprint.of(make())
    assert (of.hidden, of.wide, of.heads, of.blocks, of.trained, of.number) == (384, 1536, 12, 2, 2, 4)
    assert of.token(384) - of.token(25) == 4 * 3 * 2 * 12 * (384 - 25), "two blocks, and one more in passing"
    assert of.part(1000, 25) == 1000 * of.token(25)


def test_frozen_blocks_keep_nothing_and_two_passes_keep_twice_as_much(make: Callable[..., Learner]) -> None:
    assert Footprint.of(make(frozen_layers=1)).trained == 1
    assert Footprint.of(make(frozen_layers=2)).trained == 0
    assert Footprint.of(make(r_drop=1.0)).passes == 2


def test_parts_fit_what_is_free_beside_the_optimiser(make: Callable[..., Learner]) -> None:
    learner = make()
    state, token = STATE * sum(weight.numel() for weight in learner.trainable.values()), Footprint.of(learner).token(64)
    assert most_tokens(learner, 64, 10**13) > 10**6
    assert most_tokens(learner, 64, int((state + 1000.5 * token) / SHARE)) == 1000
    assert most_tokens(learner, 64, 0) == 1
