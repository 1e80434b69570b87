"""What frozen blocks make of rows: equal to running them, whoever made it, and whatever becomes of its files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from luthier.data.row import Row
from luthier.data.sequences import Cut, Sequences, sequences
from luthier.data.tokens import Tokens, tokenize
from luthier.models.classifier import load_classifier, load_tokenizer
from luthier.models.packing import pack
from luthier.models.vocabulary import compact
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.sharing import trunk as module
from luthier.sharing.trunk import Stored, Trunk, TrunkStore
from luthier.tasks.classification import Classification
from luthier.training.learner import Learner
from luthier.training.loop import predict_logits, train
from luthier.training.precision import Precision, lower

pytestmark = pytest.mark.usefixtures("one_thread")
TASK, CUT, ROOM = Classification(("negative", "neutral", "positive")), Cut(24), 10**8
Get = Callable[..., Stored]


@pytest.fixture(scope="module")
def tokens(tiny_model: Path, reviews: list[Row]) -> Tokens:
    return TASK.encode(tokenize([row.text for row in reviews[:150]], load_tokenizer(tiny_model), 64), reviews[:150])


@pytest.fixture(scope="module")
def read(tokens: Tokens) -> Sequences:
    return sequences(tokens, CUT)


@pytest.fixture(params=[True, False], ids=["packed", "padded"])
def model(request: pytest.FixtureRequest, tiny_model: Path) -> torch.nn.Module:
    found = load_classifier(tiny_model, TASK, Recipe(dropout=0.3), seed=0, pad_token_id=0)
    assert not request.param or pack(found, 0)
    return found


def get(store: TrunkStore, model: torch.nn.Module, read: Sequences, boundary: int = 1,
        precision: Precision = Precision.FP32) -> Stored:
    found = store.get(model, "weights", boundary, read, precision, 0)
    assert found is not None
    return found


def left(folder: Path) -> list[str]:
    """The files of a store, without its locks."""
    return [path.name for path in folder.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("boundary", [1, 2])
def test_stored_values_are_what_the_blocks_put_out(tiny_model: Path, model: torch.nn.Module, read: Sequences, tmp_path: Path,
                                                   boundary: int) -> None:
    stored = get(TrunkStore(tmp_path, ROOM), model, read, boundary)
    model = load_classifier(tiny_model, TASK, Recipe(dropout=0.3), seed=0, pad_token_id=0).eval()
    for index in (0, 7, len(read) - 1):
        ids = torch.from_numpy(read.tokens.ids[read.positions(index)]).long()[None]
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
        np.testing.assert_allclose(stored.values[stored.starts[index]:stored.starts[index + 1]], states[boundary][0].numpy(),
                                   atol=2e-6)


def test_a_model_above_its_trunk_says_the_same(model: torch.nn.Module, read: Sequences, tmp_path: Path) -> None:
    stored = get(TrunkStore(tmp_path, ROOM), model, read)
    ran: list[int] = []
    block = model.get_submodule("bert.encoder.layer.0.attention.self.query")
    block.register_forward_hook(lambda *_: ran.append(1))
    whole = predict_logits(model, read.tokens, np.arange(len(read.tokens)), CUT, 0)
    assert ran
    trunk = Trunk(model, 1)
    ran.clear()
    above = predict_logits(model, read.tokens, np.arange(len(read.tokens)), CUT, 0, partial(trunk.give, stored))
    assert not ran, "the lowest block was not run"
    np.testing.assert_allclose(above, whole, atol=2e-6)
    again = predict_logits(model, read.tokens, np.arange(len(read.tokens)), CUT, 0)
    assert ran and np.array_equal(again, whole), "without something given it is run again"
    trunk.remove()
    assert "forward" not in vars(model.get_submodule("bert.encoder.layer.0"))


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "electra", "modernbert", "llama", "gpt2", "mpnet",
                                    "deberta-v2"])
def test_every_architecture_can_begin_above_its_trunk(architecture: Callable[..., Any], tmp_path: Path, family: str,
                                                      packed: bool) -> None:
    model = architecture(family, num_hidden_layers=3, n_layers=3)
    pad = int(model.config.pad_token_id)
    if packed and not pack(model, pad):
        pytest.skip("not packed")
    lengths = np.array([7, 20, 1, 4, 4])
    ids = np.random.default_rng(0).integers(3, 50, lengths.sum()).astype(np.int32)
    tokens = Tokens(ids, np.concatenate([[0], np.cumsum(lengths)]), np.zeros(5, np.int32), 0, 0)
    read = sequences(tokens, Cut(32))
    whole = predict_logits(model, tokens, np.arange(5), Cut(32), pad)
    for boundary in (1, 2):
        stored = TrunkStore(tmp_path, ROOM).get(model, "weights", boundary, read, Precision.FP32, pad)
        assert stored is not None
        trunk = Trunk(model, boundary)
        above = predict_logits(model, tokens, np.arange(5), Cut(32), pad, partial(trunk.give, stored))
        np.testing.assert_allclose(above, whole, atol=1e-5)
        trunk.remove()


@pytest.mark.parametrize("changes", [{}, {"method": "lora"}, {"method": "bitfit"}, {"reinit_layers": 1}, {"batch_size": 32},
                                     {"r_drop": 1.0}])
def test_training_above_the_trunk_is_the_same_training(tiny_model: Path, read: Sequences, tmp_path: Path,
                                                       changes: dict[str, Any]) -> None:
    losses = []
    for with_trunk in (True, False):
        recipe = Recipe.from_table({"frozen_layers": 1, "batch_size": 8, "dropout": 0.0, "learning_rate": 1e-4} | changes)
        found = load_classifier(tiny_model, TASK, recipe, seed=0, pad_token_id=0)
        pack(found, 0)
        learner = Learner(found, recipe, Seeds.all(0))
        given = partial(Trunk(found, 1).give, get(TrunkStore(tmp_path, ROOM), found, read)) if with_trunk else None
        losses.append([step.objective for step in train(learner, TASK, read, 5, 5, 0, given)])
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-5)


def test_bf16_is_stored_as_it_is_computed(tiny_model: Path, read: Sequences, tmp_path: Path) -> None:
    found = load_classifier(tiny_model, TASK, Recipe(), seed=0, pad_token_id=0)
    pack(found, 0)
    stored = get(TrunkStore(tmp_path, ROOM), lower(found, Precision.BF16), read, precision=Precision.BF16)
    assert stored.values.dtype == np.int16
    exact = get(TrunkStore(tmp_path, ROOM), found.float(), read)
    rounded = stored.padded(np.arange(4)).float().numpy()
    np.testing.assert_allclose(rounded, exact.padded(np.arange(4)).numpy(), atol=0.1)


def test_an_entry_is_made_once_and_read_by_all(model: torch.nn.Module, read: Sequences, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    made, whole = [], module._values
    monkeypatch.setattr(module, "_values", lambda *args: (made.append(args[1]), whole(*args))[1])
    first, second = (get(TrunkStore(tmp_path, ROOM), model, read) for _ in range(2))
    assert made == [1] and np.array_equal(first.values, second.values)
    some = sequences(read.tokens, CUT, np.arange(20))
    other = sequences(read.tokens, Cut(16))
    get(TrunkStore(tmp_path, ROOM), model, some)
    get(TrunkStore(tmp_path, ROOM), model, other)
    assert made == [1, 1, 1], "other rows, and other lengths, are other entries"


def test_a_deeper_entry_begins_at_a_lower_one(tmp_path: Path, read: Sequences, model: torch.nn.Module,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen, whole = TrunkStore(tmp_path, ROOM), [], module._values
    monkeypatch.setattr(module, "_values", lambda *args: (seen.append(args[3] and args[3].boundary), whole(*args))[1])
    alone = get(TrunkStore(tmp_path / "other", ROOM), model, read, 2).values
    get(store, model, read, 1)
    np.testing.assert_allclose(get(store, model, read, 2).values, alone, atol=2e-6)
    assert seen == [None, None, 1]


def test_making_an_entry_from_a_lower_one_leaves_the_trunk_of_a_trial_in_place(
        architecture: Callable[..., Any], tmp_path: Path) -> None:
    tokens = Tokens(np.array([5, 9, 7, 5, 9, 5], np.int32), np.array([0, 4, 6]), np.zeros(2, np.int32), 0, 0)
    read, store = sequences(tokens, Cut(8)), TrunkStore(tmp_path, ROOM)
    model = architecture("bert", num_hidden_layers=5)
    get(store, model, read, 2)
    trunk, run = Trunk(model, 4), []
    for block in model.bert.encoder.layer:
        block.attention.register_forward_hook(lambda *_: run.append(1))
    stored = get(store, model, read, 4)
    run.clear()
    predict_logits(model, tokens, np.arange(2), Cut(8), 0, partial(trunk.give, stored))
    assert len(run) == 1, "the one block above"


def test_entries_of_two_depths_with_a_compact_vocabulary(architecture: Callable[..., Any], tmp_path: Path) -> None:
    """What a search over depths does: the model of each trial has only the embeddings of the rows."""
    ids = np.array([5, 9, 7, 5, 9, 5], np.int32)
    tokens = Tokens(ids, np.array([0, 4, 6]), np.zeros(2, np.int32), 0, 0)
    store, found = TrunkStore(tmp_path, ROOM), []
    for boundary in (2, 4):
        model = architecture("bert", num_hidden_layers=5)
        pack(model, 0)
        whole = predict_logits(model, tokens, np.arange(2), Cut(8), 0)
        trunk = Trunk(model, boundary)
        assert compact(model, np.array([0, 5, 7, 9]))
        stored = get(store, model, sequences(tokens, Cut(8)), boundary)
        found.append(predict_logits(model, tokens, np.arange(2), Cut(8), 0, partial(trunk.give, stored)))
        np.testing.assert_allclose(found[-1], whole, atol=1e-5)
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize("harm", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_an_entry_that_cannot_be_read_is_made_again(harm: bytes, model: torch.nn.Module, read: Sequences, tmp_path: Path) -> None:
    store = TrunkStore(tmp_path, ROOM)
    before = np.array(get(store, model, read).values)
    (file,) = tmp_path.glob("*.npy")
    file.write_bytes(harm)
    assert np.array_equal(get(store, model, read).values, before)


def test_an_entry_with_other_numbers_than_were_written_is_made_again(
        model: torch.nn.Module, read: Sequences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TrunkStore(tmp_path, ROOM)
    before = np.array(get(store, model, read).values)
    (file,) = tmp_path.glob("*.npy")
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr(module, "_SOUND", set())  # as in another process
    assert np.array_equal(get(store, model, read).values, before)
    monkeypatch.setattr(module, "_values", lambda *_: pytest.fail("it is whole now"))
    monkeypatch.setattr(module, "_SOUND", set())
    assert np.array_equal(get(store, model, read).values, before)


def test_entries_used_longest_ago_make_room(model: torch.nn.Module, read: Sequences, tmp_path: Path) -> None:
    parts = [sequences(read.tokens, CUT, np.arange(start, start + 50)) for start in (0, 50, 100)]
    sizes = [int(part.lengths.sum()) * 384 * 4 for part in parts]
    store = TrunkStore(tmp_path, sum(sizes[:2]) + max(sizes) * 9 // 10)
    for age, part in enumerate(parts[:2]):
        get(store, model, part)
        (newest,) = set(tmp_path.glob("*.npy")) - {file for file in tmp_path.glob("*.npy") if file.stat().st_mtime < 2000}
        os.utime(newest, (1000 - age, 1000 - age))  # the second was used before the first
    get(store, model, parts[2])
    assert len(list(tmp_path.glob("*.npy"))) == 2
    assert any(file.stat().st_mtime == 1000 for file in tmp_path.glob("*.npy")), "the other one went"


def test_what_does_not_fit_is_not_stored(model: torch.nn.Module, read: Sequences, tmp_path: Path) -> None:
    assert TrunkStore(tmp_path, 1000).get(model, "weights", 1, read, Precision.FP32, 0) is None
    assert not left(tmp_path)


def test_a_disk_that_is_full_is_no_failure(model: torch.nn.Module, read: Sequences, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Any:
        yield np.arange(3), np.zeros((3, 384), np.float32)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_values", full)
    assert TrunkStore(tmp_path, ROOM).get(model, "weights", 1, read, Precision.FP32, 0) is None
    assert not left(tmp_path)
    (tmp_path / "file").touch()
    assert TrunkStore(tmp_path / "file", ROOM).get(model, "weights", 1, read, Precision.FP32, 0) is None


def test_a_worker_waits_for_another_and_takes_over_from_a_dead_one(
        model: torch.nn.Module, read: Sequences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    expected = np.array(get(TrunkStore(tmp_path, ROOM), model, read).values)
    (file,) = tmp_path.glob("*.npy")
    content = file.read_bytes()
    file.unlink()
    begun = threading.Event()

    def make() -> None:
        with FileLock(tmp_path / f"{file.name}.lock"):
            begun.set()
            time.sleep(0.2)
            (tmp_path / "made").write_bytes(content)
            (tmp_path / "made").replace(file)

    other = threading.Thread(target=make)
    other.start()
    begun.wait()
    monkeypatch.setattr(module, "_values", lambda *_: pytest.fail("another worker is at it"))
    assert np.array_equal(get(TrunkStore(tmp_path, ROOM), model, read).values, expected)
    other.join()
    monkeypatch.undo()
    file.unlink()
    (tmp_path / f"{file.name}.1.partial").touch()  # the system has let go of a dead worker's lock
    assert np.array_equal(get(TrunkStore(tmp_path, ROOM), model, read).values, expected)
    assert left(tmp_path) == [file.name], "nothing is left behind"


def test_an_entry_that_memory_runs_out_over_is_done_without(model: torch.nn.Module, read: Sequences, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object) -> Any:
        yield np.arange(3), np.zeros((3, 384), np.float32)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(module, "_values", too_much)
    assert TrunkStore(tmp_path, ROOM).get(model, "weights", 1, read, Precision.FP32, 0) is None
    assert not left(tmp_path)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot take room before it is written to")
def test_room_is_taken_before_it_is_written_to(model: torch.nn.Module, read: Sequences, tmp_path: Path) -> None:
    """A map of a sparse file on a full disk would end the process with a signal, where no except clause is asked."""
    found = get(TrunkStore(tmp_path, ROOM), model, read)
    (file,) = tmp_path.glob("*.npy")
    assert file.stat().st_blocks * 512 >= found.values.nbytes
    sparse = tmp_path / "sparse"
    np.lib.format.open_memmap(sparse, mode="w+", dtype=np.int16, shape=(1000, 384))
    before = sparse.stat().st_blocks
    module._reserve(sparse)
    assert sparse.stat().st_blocks * 512 >= 1000 * 384 * 2 > before * 512


def test_a_failure_leaves_no_half_entry(model: torch.nn.Module, read: Sequences, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        yield np.arange(3), np.zeros((3, 384), np.float32)
        raise RuntimeError

    monkeypatch.setattr(module, "_values", broken)
    with pytest.raises(RuntimeError):
        get(TrunkStore(tmp_path, ROOM), model, read)
    assert not left(tmp_path)
