"""Parts of a batch: equal gradients whatever their size, and half as large where memory runs out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.data.sequences import Cut, sequences
from luthier.data.tokens import Tokens
from luthier.errors import TrainingError
from luthier.models.packing import pack
from luthier.tasks.classification import Classification
from luthier.training import loop
from luthier.training.learner import Learner
from luthier.training.loop import predict_scores, train
from luthier.training.parts import MICRO_TOKENS, Parts, is_out_of_memory, passes, unless_memory_runs_out

TASK, CUT = Classification(("negative", "neutral", "positive")), Cut(64)
IMPOSSIBLE = 2**46
"""Numbers of which torch cannot make a tensor on any machine: they take more bytes than addresses have."""
pytestmark = pytest.mark.usefixtures("one_thread")


def short_of_memory(learner: Learner, most: int, allocate: Callable[[], object] | None = None) -> list[int]:
    """Have the model's forward pass run out of memory where it is given more tokens; the list takes down all that it is given."""
    given: list[int] = []

    def check(_: Any, __: Any, inputs: dict[str, Any]) -> None:
        given.append(inputs["input_ids"].numel())
        if given[-1] > most:
            (allocate or (lambda: torch.empty(IMPOSSIBLE)))()

    learner.model.register_forward_pre_hook(check, with_kwargs=True)
    return given


def gradients(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: weight.grad.clone() for name, weight in learner.trainable.items() if weight.grad is not None}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("most", [200, 60, 1])
def test_gradients_are_equal_whatever_the_size_of_parts(make: Callable[..., Learner], tokens: Tokens, packed: bool,
                                                        most: int) -> None:
    found = []
    for size in (MICRO_TOKENS, most):
        learner, parts = make(batch_size=16, max_grad_norm=1e6), Parts(packed, size)
        assert not packed or pack(learner.model, 0)
        next(train(learner, TASK, sequences(tokens, CUT), 1, 1, 0, parts=parts))
        found.append(gradients(learner))
        assert parts.shortened == (0 if size == MICRO_TOKENS else most)
    for name, whole in found[0].items():
        torch.testing.assert_close(found[1][name], whole, atol=1e-6, rtol=1e-4, msg=name)


@pytest.mark.parametrize("packed", [False, True])
def test_parts_hold_every_row_once_and_no_more_tokens_than_they_may(packed: bool) -> None:
    lengths = np.random.default_rng(0).integers(3, 90, 50)
    for most in (10, 100, 1000):
        found = Parts(packed, most).cut(lengths)
        assert sorted(np.concatenate(found).tolist()) == list(range(50))
        for part in found:
            own = lengths[part]
            assert len(own) == 1 or (own.sum() if packed else len(own) * own.max()) <= most


@pytest.mark.parametrize("allocate", [lambda: torch.empty(IMPOSSIBLE), lambda: np.empty(IMPOSSIBLE), lambda: b"a" * 2**62,
                                      lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory.")),
                                      lambda: (_ for _ in ()).throw(RuntimeError("could not create a primitive"))])
def test_what_torch_numpy_and_python_raise_is_known(allocate: Callable[[], object]) -> None:
    def attempt() -> object:
        found = allocate()
        return next(found) if hasattr(found, "__next__") else found

    with pytest.raises((MemoryError, RuntimeError)) as caught:
        attempt()
    assert is_out_of_memory(caught.value)
    assert unless_memory_runs_out(attempt) is None


def test_other_errors_are_not_taken_for_it() -> None:
    def wrong() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        unless_memory_runs_out(wrong)


def test_a_trial_that_runs_out_of_memory_goes_on_in_smaller_parts(make: Callable[..., Learner], tokens: Tokens) -> None:
    read, usual, short = sequences(tokens, CUT), make(batch_size=16), make(batch_size=16)
    most = int(read.lengths.max()) + 1
    given, parts = short_of_memory(short, most), Parts(False)
    wanted = [step.objective for step in train(usual, TASK, read, 3, 3, 0)]
    found = [step.objective for step in train(short, TASK, read, 3, 3, 0, parts=parts)]

    assert 0 < parts.shortened == parts.most <= most
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    failed = [size > most for size in given]
    assert any(failed) and not any(failed[failed.index(False) + 5:]), "the new size stays"


def test_what_a_broken_off_step_has_added_up_is_forgotten(make: Callable[..., Learner], tokens: Tokens) -> None:
    """Memory runs out in the last, longest part: the gradients of those before it must not count twice."""
    read, usual, short = sequences(tokens, CUT), make(batch_size=16, max_grad_norm=1e6), make(batch_size=16, max_grad_norm=1e6)
    next(train(usual, TASK, read, 1, 1, 0))
    calls = iter([False, True])
    short.model.register_forward_pre_hook(lambda *_: torch.empty(IMPOSSIBLE) and None if next(calls, False) else None)
    next(train(short, TASK, read, 1, 1, 0, parts=Parts(False)))
    for name, whole in gradients(usual).items():
        torch.testing.assert_close(gradients(short)[name], whole, atol=1e-6, rtol=1e-4, msg=name)


def test_memory_too_short_for_one_row_ends_the_trial_with_one_sentence(make: Callable[..., Learner], tokens: Tokens) -> None:
    learner = make(batch_size=16)
    short_of_memory(learner, 2)
    with pytest.raises(TrainingError, match=r"memory ran out with one row of [\d,]+ tokens"):
        next(train(learner, TASK, sequences(tokens, CUT), 1, 1, 0))


def test_what_is_only_looked_at_passes_in_halves_too(make: Callable[..., Learner], tokens: Tokens) -> None:
    learner, rows = make(), np.arange(len(tokens))
    wanted = predict_scores(learner.model, TASK, tokens, rows, CUT, 0)
    given = short_of_memory(learner, 300)
    np.testing.assert_allclose(predict_scores(learner.model, TASK, tokens, rows, CUT, 0), wanted, atol=1e-5)
    assert max(given) > 300 and min(given) <= 300


def test_passes_give_every_position_once() -> None:
    lengths = np.random.default_rng(1).integers(1, 30, 100)

    def outputs(which: Any) -> int:
        if lengths[which].sum() > 77:
            raise MemoryError
        return len(which)

    found = list(passes(lengths, loop.LOOKED_AT_TOKENS["cpu"], outputs))
    assert sorted(np.concatenate([which for which, _ in found]).tolist()) == list(range(100))
    assert all(len(which) == size for which, size in found)


SCRIPT = """
import json, re, resource
from pathlib import Path
import numpy as np, torch
from transformers import BertConfig, BertForSequenceClassification
from luthier.data.sequences import Cut, sequences
from luthier.data.tokens import Tokens
from luthier.models.packing import is_packed, pack
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.tasks.classification import Classification
from luthier.training.learner import Learner
from luthier.training.loop import train
from luthier.training.parts import Parts

torch.set_num_threads(1)
config = BertConfig(vocab_size=200, hidden_size=256, num_hidden_layers=4, num_attention_heads=8, intermediate_size=1024,
                    num_labels=2)
model = BertForSequenceClassification(config)
pack(model, 0)
recipe = Recipe(batch_size=32, max_length=128, dropout=0.1)
ids = np.random.default_rng(0).integers(5, 200, 128 * 64).astype(np.int32)
tokens = Tokens(ids, np.arange(65) * 128, np.arange(64, dtype=np.int32) % 2, 1, 1)
learner, parts = Learner(model, recipe, Seeds.all(0)), Parts(is_packed(model))
read = sequences(tokens, Cut(128))
next(train(learner, Classification(("a", "b")), read, 1, 4, 0, parts=Parts(is_packed(model), 128)))
held = int(re.search(r"VmSize:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (held + 200 * 2**20,) * 2)
steps = list(train(learner, Classification(("a", "b")), read, 4, 4, 0, parts=parts))
print(json.dumps({"packed": is_packed(model), "steps": len(steps), "rows": steps[0].rows, "shortened": parts.shortened}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the limit is set from what Linux says of the process")
def test_a_process_that_may_have_little_memory_trains_all_the_same() -> None:
    """A real limit, and real failures of torch's allocator."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["packed"] and found["steps"] == 3 and found["rows"] == 32
    assert 0 < found["shortened"] < MICRO_TOKENS
