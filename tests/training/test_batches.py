"""Batches: every row once an epoch, orders from the seed alone, padding where it belongs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.sequences import Cut, sequences
from luthier.data.tokens import Tokens
from luthier.recipes.recipe import steps_per_epoch
from luthier.training.batches import by_length, collate, step_rows


def make_tokens(lengths: list[int]) -> Tokens:
    starts = np.cumsum([0, *lengths], dtype=np.int64)
    return Tokens(np.arange(1, starts[-1] + 1, dtype=np.int32), starts, np.arange(len(lengths), dtype=np.int32), 1, 1)


@given(rows=st.integers(1, 200), batch=st.integers(1, 70), seed=st.integers(0, 2**31 - 1), epoch=st.integers(0, 5))
def test_step_rows_visit_every_row_once_an_epoch(rows: int, batch: int, seed: int, epoch: int) -> None:
    per_epoch = steps_per_epoch(rows, batch)
    seen = np.concatenate([step_rows(epoch * per_epoch + i, rows, batch, seed) for i in range(per_epoch)])
    assert sorted(seen.tolist()) == list(range(rows))


def test_step_rows_differ_between_epochs_and_seeds() -> None:
    first = step_rows(0, 100, 100, 1).tolist()
    assert first != step_rows(1, 100, 100, 1).tolist()
    assert first != step_rows(0, 100, 100, 2).tolist()
    assert first == step_rows(0, 100, 100, 1).tolist()


def test_collate_pads_on_the_right_and_masks_the_padding() -> None:
    batch = collate(sequences(make_tokens([3, 5, 4]), Cut(128)), [0, 1], pad_token_id=0)
    assert batch.input_ids.tolist() == [[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.targets.tolist() == [0, 1]
    assert set(batch.inputs()) == {"input_ids", "attention_mask"}


@given(lengths=st.lists(st.integers(2, 40), min_size=1, max_size=60), size=st.integers(1, 9))
def test_by_length_gives_every_position_once_in_order_of_length(lengths: list[int], size: int) -> None:
    read = sequences(make_tokens(lengths), Cut(128))
    batches = list(by_length(read.lengths, size))
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(read.lengths[order]) >= 0).all()
