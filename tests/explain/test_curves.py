"""Curves of trials, and of finals as what their trials became."""

from __future__ import annotations

from luthier.explain.curves import Curve, Reading


def test_a_curve_goes_on_from_its_parents_as_far_as_that_was_its_own() -> None:
    """Branched off at 80 of 100 steps; its parent had gone on to 90."""
    parent = Curve(validation=tuple(Reading(step, 0.0, 0.0, {}) for step in (40, 80, 90)), rows="rung")
    final = Curve(validation=(Reading(100, 0.0, 0.0, {}),), rows="rung")
    assert [reading.step for reading in final.after(parent, 0.81).validation] == [40, 80, 100]
    assert [reading.step for reading in final.after(parent, 1.0).validation] == [40, 80, 90, 100]
    assert [reading.step for reading in Curve().after(parent, 1.0).validation] == []
