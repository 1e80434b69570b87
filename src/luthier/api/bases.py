"""The rows of a study as tokens, written where workers find them."""

from __future__ import annotations

import shutil
from pathlib import Path

from luthier.api.prepare import Prepared
from luthier.data.tokens import used_ids
from luthier.engines.execute import Base


def write_bases(prepared: Prepared, folder: Path) -> dict[str, Base]:
    """Write the rows as tokens of each pre-trained model; the models by the names that recipes give them."""
    bases = {}
    for number, (name, start) in enumerate(prepared.starts.items()):
        tokens = folder / f"tokens-{number}"
        shutil.rmtree(tokens, ignore_errors=True)  # of a session that was killed
        for split, rows in start.splits.items():
            rows.save(tokens / split)
        bases[name] = Base(start.pretrained.path, start.pretrained.hash, tokens, start.pad_token_id, start.pretrained.layers,
                           prepared.shape.for_model(name).size, used_ids(start.splits["train"], start.pad_token_id))
    return bases
