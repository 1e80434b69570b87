"""`Score` in results.json and as people read it."""

from __future__ import annotations

import json
import math

from luthier.tasks.metrics import Score, bounds


def test_score_survives_results_json_and_reads_as_a_figure() -> None:
    score = Score(0.8126, 0.7, 0.9)
    assert Score.from_table(json.loads(json.dumps(score.to_table()))) == score
    assert str(score) == "0.813 [0.700, 0.900]"


def test_an_interval_ends_where_its_metric_does_and_its_error_stays() -> None:
    assert Score(0.97, 0.93, 1.004, 0.02).within(*bounds("macro_f1")) == Score(0.97, 0.93, 1.0, 0.02)
    assert Score(0.1, -0.2, 0.4, 0.1).within(*bounds("pearson")) == Score(0.1, -0.2, 0.4, 0.1)
    assert bounds("r2") == (-math.inf, 1.0) and bounds("accuracy") == (0.0, 1.0)
