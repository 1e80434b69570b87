"""The tree of exceptions, and the hint at a near name."""

from __future__ import annotations

import pytest

from luthier import errors


@pytest.mark.parametrize("kind", [errors.ConfigError, errors.DataError, errors.ModelError])
def test_usage_errors_are_told_from_run_errors(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.UsageError)
    assert not issubclass(kind, errors.RunError)


def test_every_error_is_a_luthier_error() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) == 7
    assert all(issubclass(kind, errors.LuthierError) for kind in kinds)


@pytest.mark.parametrize(("name", "hint"), [
    ("learning_rat", " Did you mean 'learning_rate'?"), ("bach_size", " Did you mean 'batch_size'?"), ("zzz", "")])
def test_nearest_hints_only_at_close_names(name: str, hint: str) -> None:
    assert errors.nearest(name, iter(["learning_rate", "batch_size", "epochs"])) == hint
