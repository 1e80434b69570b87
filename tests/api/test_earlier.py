"""What a run that has begun can be given more of."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.api.earlier import Begun, Earlier, check_more
from luthier.api.folder import RunFolder
from luthier.api.settings import Command
from luthier.engines.local import Workforce
from luthier.errors import ConfigError
from luthier.search.budget import Plan, Speed
from luthier.sharing.quota import Quota
from luthier.training.precision import Precision

PLAN = Plan(work=1.0, levels=(1.0,), challengers=1, fresh=0, curve_points=0, rung_rows=1, full_run_seconds=1.0, finals_seconds=1.0,
            scoring_seconds=1.0)


def _check(budget: tuple[float | None, float | None], trials: tuple[int | None, int | None], *, finished: bool = True) -> None:
    """Ask for more of a run: what it had, and what it is to have."""
    begun = Begun(PLAN, Speed(1.0, 1.0, 1.0), Precision.FP32, Workforce(1, 1), Quota(), True, "cpu", budget[0], trials[0])
    earlier = Earlier(RunFolder(Path("run")), [{"event": "done" if finished else "result"}], Command.TUNE, {}, "", 1.0)
    check_more(earlier, begun, "cpu", budget[1], trials[1])


@pytest.mark.parametrize(("budget", "trials", "had"), [
    (None, 4, "more than --trials 4$"), (90.0, None, "more than --budget 90s$"),
    (90.0, 4, "more than --budget 90s and --trials 4$")])
def test_a_finished_run_is_refused_with_what_it_had(budget: float | None, trials: int | None, had: str) -> None:
    with pytest.raises(ConfigError, match=had):
        _check((budget, budget), (trials, trials))
    _check((budget, budget), (trials, trials), finished=False)


def test_more_is_taken_and_less_refused() -> None:
    _check((90.0, 120.0), (4, 4))
    _check((90.0, None), (4, 4))
    _check((None, None), (4, 5))
    for budget, trials in (((90.0, 60.0), (4, 4)), ((None, 60.0), (4, 4)), ((None, None), (4, 3)), ((90.0, 120.0), (4, 3))):
        with pytest.raises(ConfigError, match="not less"):
            _check(budget, trials, finished=False)
