"""The peer's script of the shared folder, run as it is, with its answers to the rows that it looked at last (the test rows) kept.

    python peers.py ANSWERS.json SCRIPT [the script's own arguments]

The script prints scores only, and a paired bootstrap needs answers. So two methods of the Trainer, which the script calls, are
made to remember what they returned: the evaluation loop, and the order in which it takes the rows, for a Trainer that groups
rows by length does so there too. Nothing else is changed.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the script; write {"answers", "labels"}, the numbers of the labels that it gave and that are true, in the rows' order."""
    answers, script, *own = sys.argv[1:]
    os.environ["HF_HUB_OFFLINE"] = "1"
    import numpy as np
    from transformers import Trainer

    order: list[int] = []
    looked: list[Any] = []
    draw, evaluate = Trainer._get_eval_sampler, Trainer.evaluation_loop

    def remember_order(*given: Any, **named: Any) -> Any:
        sampler = draw(*given, **named)
        assert sampler is not None, "the rows are looked at in an order that cannot be told"
        order[:] = sampler
        return list(order)

    def remember_answers(*given: Any, **named: Any) -> Any:
        looked[:] = [evaluate(*given, **named)]
        return looked[0]

    setattr(Trainer, "_get_eval_sampler", remember_order)  # noqa: B010
    setattr(Trainer, "evaluation_loop", remember_answers)  # noqa: B010
    sys.argv = [script, *own]
    runpy.run_path(script, run_name="__main__")
    back, last = np.argsort(order), looked[0]
    Path(answers).write_text(json.dumps({"answers": last.predictions.argmax(-1)[back].tolist(),
                                         "labels": last.label_ids[back].tolist()}), encoding="utf-8")


if __name__ == "__main__":
    main()
