"""Optuna's tree-structured Parzen estimator, rebuilt from the observations for every suggestion.

Optuna cannot hold a study whose trials pause, so it is never the record: each time an in-memory study is made afresh,
showing a paused trial as pruned at its last level. Seeded by (seed, number), a rebuilt sampler suggests what an
uninterrupted one would. Parameters are asked for as `Space.build` comes to them, and past trials hold only those that were
active; `group` samples each set of parameters that occurred together jointly.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.recipes.space import Axis, Interval, Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import Observation

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, Trial


@dataclass(frozen=True)
class TpeSampler:
    """Multivariate, grouped TPE over the axes of `space`."""

    space: Space
    seed: int

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The point that TPE expects most of."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        seed = int(np.random.default_rng([self.seed, number]).integers(2**31))
        with warnings.catch_warnings():  # both are marked experimental, and have been for years
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(multivariate=True, group=True, seed=seed, n_startup_trials=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for observation in observations:
            trial = _frozen(observation, self.space)
            if trial is not None:
                study.add_trial(trial)
        asked = study.ask()
        return Suggestion(self.space.build(lambda key, axis: _suggest(asked, key, axis)), "tpe")


def _suggest(trial: Trial, key: str, axis: Axis) -> Any:
    """A value of the axis. Of a choice Optuna knows the places, since values may be tables."""
    if isinstance(axis, Interval):
        if axis.integer:
            return trial.suggest_int(key, int(axis.low), int(axis.high), log=axis.log)
        return trial.suggest_float(key, axis.low, axis.high, log=axis.log)
    return axis.values[trial.suggest_categorical(key, range(len(axis.values)))]


def _distribution(axis: Axis) -> BaseDistribution:
    """What `_suggest` draws from."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Interval):
        if axis.integer:
            return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
        return FloatDistribution(axis.low, axis.high, log=axis.log)
    return CategoricalDistribution(range(len(axis.values)))


def _param(axis: Axis, value: Any) -> int | float:
    """What `_suggest` would have been told for this value."""
    if isinstance(axis, Interval):
        return int(value) if axis.integer else float(value)
    return axis.values.index(value)


def _frozen(observation: Observation, space: Space) -> FrozenTrial | None:
    """An observation as Optuna knows it; None where its recipe lies outside the space or it failed."""
    from optuna.trial import TrialState, create_trial

    values = space.read(observation.recipe)
    if observation.value is None or values is None:
        return None
    axes = {key: axis for key, axis in space.axes.items() if key in values}
    distributions = {key: _distribution(axis) for key, axis in axes.items()}
    params = {key: _param(axis, values[key]) for key, axis in axes.items()}
    if observation.complete:
        return create_trial(params=params, distributions=distributions, value=observation.value)
    return create_trial(params=params, distributions=distributions, state=TrialState.PRUNED,
                        intermediate_values={observation.level: observation.value})
