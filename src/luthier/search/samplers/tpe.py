"""Optuna's tree-structured Parzen estimator, rebuilt from the observations for every suggestion.

Optuna cannot hold a study whose trials pause, so it is never the record: each time an in-memory study is made afresh,
showing a paused trial as pruned at its last level. Seeded by (seed, number), a rebuilt sampler suggests what an
uninterrupted one would.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Dimension, Interval, Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import Observation

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class TpeSampler:
    """Multivariate, grouped TPE over the dimensions of `space`."""

    space: Space
    seed: int

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The point that TPE expects most of."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        distributions = {name: _distribution(dimension) for name, dimension in self.space.dimensions.items()}
        seed = int(np.random.default_rng([self.seed, number]).integers(2**31))
        with warnings.catch_warnings():  # both are marked experimental, and have been for years
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(multivariate=True, group=True, seed=seed, n_startup_trials=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for observation in observations:
            trial = _frozen(observation, self.space, distributions)
            if trial is not None:
                study.add_trial(trial)
        values = study.ask(distributions).params
        return Suggestion(self.space.base.replace(**values), "tpe")


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Interval):
        if dimension.integer:
            return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return CategoricalDistribution([_optuna_value(value) for value in dimension.values])


def _optuna_value(value: Any) -> Any:
    return getattr(value, "value", value)


def _frozen(observation: Observation, space: Space, distributions: dict[str, BaseDistribution]) -> FrozenTrial | None:
    """An observation as Optuna knows it; None where its recipe lies outside the space or it failed."""
    from optuna.trial import TrialState, create_trial

    values = _values(observation.recipe, space)
    inside = all(distribution._contains(distribution.to_internal_repr(values[name]))
                 for name, distribution in distributions.items() if _known(distribution, values[name]))
    if observation.value is None or not inside or not all(_known(d, values[n]) for n, d in distributions.items()):
        return None
    if observation.complete:
        return create_trial(params=values, distributions=distributions, value=observation.value)
    return create_trial(params=values, distributions=distributions, state=TrialState.PRUNED,
                        intermediate_values={observation.level: observation.value})


def _known(distribution: BaseDistribution, value: Any) -> bool:
    return value in getattr(distribution, "choices", (value,))


def _values(recipe: Recipe, space: Space) -> dict[str, Any]:
    return {name: _optuna_value(getattr(recipe, name)) for name in space.dimensions}
