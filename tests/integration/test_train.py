"""`train` by every method: what is written is a plain model that says in transformers what Luthier says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import luthier

TEXTS = ["It broke after a week.", "Works as it should, and looks good too.", "x", "A long one. " * 30]
PLAIN_TRANSFORMERS = """
import json, sys
sys.modules["peft"] = None
from transformers import pipeline
classify = pipeline("text-classification", model=sys.argv[1])
print(json.dumps(classify(json.loads(sys.argv[2]), truncation=True, top_k=None)))
"""
METHODS = {"full": {}, "lora": {"method": "lora", "lora_rank": 4}, "bitfit": {"method": "bitfit"},
           "head only": {"frozen_layers": "all", "head_init": "probe"}}


@pytest.mark.parametrize("method", METHODS)
def test_saved_model_agrees_with_plain_transformers_without_peft(
        tiny_model: Path, small_data: Path, tmp_path: Path, method: str) -> None:
    run = luthier.train(str(small_data), model=str(tiny_model), output=tmp_path / "run", threads=1, epochs=1, max_length=32,
                        **METHODS[method])
    done = subprocess.run([sys.executable, "-c", PLAIN_TRANSFORMERS, str(run.path / "model"), json.dumps(TEXTS)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    plain = [{answer["label"]: answer["score"] for answer in answers} for answers in json.loads(done.stdout.splitlines()[-1])]
    ours = run.model.predict_proba(TEXTS)
    np.testing.assert_allclose(ours, [[answers[label] for label in run.model.labels] for answers in plain], atol=1e-5)
    trial = run.trials.iloc[0]
    assert trial["method"] == METHODS[method].get("method", "full")
    total = sum(parameter.numel() for parameter in run.model._model.parameters())
    assert trial["trainable_parameters"] == total if method == "full" else trial["trainable_parameters"] < 0.05 * total
    assert 0 < trial["drift"] < 0.2 and trial["peak_memory_mb"] > 100
