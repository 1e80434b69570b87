"""`benchmarks/peers.py` on a small script: answers come back in the order of the rows, though batches are of like length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers.py"
ROWS = [(n * 7 % 5, n * 11 % 13 + 1) for n in range(60)]
SCRIPT = """
import sys
import torch
from transformers import Trainer, TrainingArguments

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, input_ids, labels):
        logits = self.weight * torch.nn.functional.one_hot(input_ids[:, 0], 5)
        return {{"loss": logits.sum(), "logits": logits}}

def collate(rows):
    ids = [torch.tensor(row["input_ids"]) for row in rows]
    return {{"input_ids": torch.nn.utils.rnn.pad_sequence(ids, batch_first=True),
            "labels": torch.tensor([row["labels"] for row in rows])}}

assert sys.argv[1:] == ["--own", "option"]
rows = [{{"input_ids": [label] * length, "labels": label}} for label, length in {rows}]
arguments = TrainingArguments({folder!r}, use_cpu=True, report_to="none", disable_tqdm=True, per_device_eval_batch_size=8,
                              train_sampling_strategy={strategy!r})
trainer = Trainer(Model(), arguments, data_collator=collate, compute_metrics=lambda given: {{}})
trainer.evaluate(rows[:20])
trainer.evaluate(rows)
"""


def test_answers_are_in_the_order_of_the_rows(tmp_path: Path) -> None:
    for strategy in ("random", "group_by_length"):
        script, answers = tmp_path / "script.py", tmp_path / f"{strategy}.json"
        script.write_text(SCRIPT.format(rows=ROWS, folder=str(tmp_path / "out"), strategy=strategy), encoding="utf-8")
        subprocess.run([sys.executable, PEERS, answers, script, "--own", "option"], check=True, capture_output=True)
        labels = [label for label, _ in ROWS]
        assert json.loads(answers.read_text(encoding="utf-8")) == {"answers": labels, "labels": labels}
