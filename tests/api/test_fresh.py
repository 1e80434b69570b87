"""What fresh finals come to, as it is told."""

from __future__ import annotations

from luthier.api.fresh import Fresh, _bounded
from luthier.search.honest import Optimism, Ruling
from luthier.tasks.metrics import Score


def test_no_interval_of_a_share_is_told_beyond_one() -> None:
    wide = Score(0.97, 0.933, 1.004, 0.018)
    ruling = Ruling(0, "", {0: wide, 1: wide}, Score(0.01, -0.5, 1.5, 0.1), {}, (), 0.0)
    found = _bounded(Fresh(ruling, 126, 5, True, Optimism(wide, wide, 0.0, 0.0), {}, wide), "macro_f1")
    assert found.in_turn == Score(0.97, 0.933, 1.0, 0.018)
    assert [score.high for score in found.ruling.scores.values()] == [1.0, 1.0]
    assert found.ruling.gain == ruling.gain, "a difference is no share"
    assert found.to_table()["recipe"]["high"] == 1.0
