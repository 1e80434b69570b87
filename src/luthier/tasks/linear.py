"""Linear models by scikit-learn, as the weights of a linear layer: for controls, and for a head to start from.

All are fitted on one thread: products this small take many times as long where threads wait for one another.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Weights = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
Fit = TypeVar("Fit", bound=Callable[..., Weights])
UNSEEN = 0.5
"""How many units a label counts for that none has: the sample may lack what the training rows have."""


def one_thread(fit: Fit) -> Fit:
    """Have a function call the linear algebra of NumPy, SciPy and scikit-learn on one thread."""
    @functools.wraps(fit)
    def alone(*args: Any, **kwargs: Any) -> Weights:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return fit(*args, **kwargs)
    return alone  # type: ignore[return-value]


@one_thread
def softmax_regression(features: Any, targets: npt.NDArray[Any], labels: int, c: float, iterations: int = 300) -> Weights:
    """Multinomial logistic regression: weight [labels, features] and bias [labels], for a softmax. Stops without complaint."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weight, (present, counts) = np.zeros((labels, features.shape[1]), np.float32), np.unique(targets, return_counts=True)
    bias = np.full(labels, np.log(UNSEEN / counts.min()), np.float32)
    if len(present) == 1:
        bias[present] = 0.0
        return weight, bias
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=c, max_iter=iterations).fit(features, targets)
    found, intercept = fitted.coef_, fitted.intercept_
    if len(found) == 1:  # two labels: scikit-learn keeps one row, the log odds of the second
        found, intercept = np.concatenate([-found / 2, found / 2]), np.concatenate([-intercept / 2, intercept / 2])
    bias += intercept.min()
    weight[fitted.classes_], bias[fitted.classes_] = found, intercept
    return weight, bias


@one_thread
def sigmoid_regressions(features: Any, targets: npt.NDArray[Any], c: float, iterations: int = 100) -> Weights:
    """A logistic regression for each label: `targets` [rows, labels] of 0 and 1; weight [labels, features], bias [labels].

    Those of scikit-learn's LogisticRegression, all labels at once: dozens of labels then take as long as a few.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    rows, size = features.shape
    wanted = np.asarray(targets, np.float64)
    own = wanted.sum(0)
    mixed = np.flatnonzero((own > 0) & (own < rows))
    weight, bias = np.zeros((wanted.shape[1], size), np.float32), np.log((own + UNSEEN) / (rows - own + UNSEEN)).astype(np.float32)
    if not len(mixed):
        return weight, bias
    goal = wanted[:, mixed]

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        parameters = flat.reshape(size + 1, len(mixed))
        logits = np.asarray(features @ parameters[:-1]) + parameters[-1]
        errors = expit(logits) - goal
        value = c * (np.logaddexp(0, logits) - goal * logits).sum() + (parameters[:-1] ** 2).sum() / 2
        slope = np.vstack([c * np.asarray(features.T @ errors) + parameters[:-1], c * errors.sum(0)])
        return float(value), slope.ravel()

    start = np.vstack([np.zeros((size, len(mixed))), np.log(own[mixed] / (rows - own[mixed]))])
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": iterations})
    parameters = found.x.reshape(size + 1, len(mixed))
    weight[mixed], bias[mixed] = parameters[:-1].T, parameters[-1]
    return weight, bias


@one_thread
def ridge_regression(features: Any, targets: npt.NDArray[Any], c: float) -> Weights:
    """Ridge regression of numbers: weight [1, features], bias [1]; the penalty is 1 / c."""
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=1 / c, solver="lsqr" if hasattr(features, "tocsr") else "auto").fit(features, targets)
    return np.atleast_2d(fitted.coef_).astype(np.float32), np.atleast_1d(np.asarray(fitted.intercept_, np.float32))
