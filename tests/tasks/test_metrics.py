"""`Score` in results.json and as people read it."""

from __future__ import annotations

import json

from luthier.tasks.metrics import Score


def test_score_survives_results_json_and_reads_as_a_figure() -> None:
    score = Score(0.8126, 0.7, 0.9)
    assert Score.from_table(json.loads(json.dumps(score.to_table()))) == score
    assert str(score) == "0.813 [0.700, 0.900]"
