"""Scales hold their values and have round ticks; marks escape what they show."""

import math

import pytest

from luthier.report.svg import Plot, Scale, key


@pytest.mark.parametrize("values", [[0.1, 0.9], [0.776, 0.779], [0.5], [0.0, 0.0], [-3.0, 40.0], [1.0, 1e6]])
def test_scale_around_holds_its_values_and_has_few_ticks(values):
    scale = Scale.around(values)
    assert all(0 < scale.at(value) < 100 for value in values)
    assert 2 <= len(scale.ticks(6)) <= 6


@pytest.mark.parametrize("low, high", [(1e-5, 1e-3), (2e-5, 8e-4), (0.003, 3.0), (1.0, 30.0), (1e-9, 1e9), (0.01, 0.3)])
def test_scale_log_ticks_are_round_and_inside(low, high):
    scale = Scale.around([low, high], log=True)
    ticks = [value for value, _ in scale.ticks(6)]
    assert 2 <= len(ticks) <= 10
    assert all(scale.low <= value <= scale.high for value in ticks)
    assert all(float(f"{value:.0e}") == value for value in ticks)


def test_scale_log_places_the_geometric_mean_in_the_middle():
    assert math.isclose(Scale(1e-5, 1e-3, log=True).at(1e-4), 50)


def test_scale_whole_has_no_ticks_between_whole_numbers():
    assert all(value == int(value) for value, _ in Scale.around([0, 2], whole=True).ticks(7))


@pytest.mark.parametrize("values", [[0.17, 0.83], [0.781, 0.782], [1.0], [0.0, 1.0]])
def test_scale_shares_begins_and_ends_on_a_tick(values):
    scale = Scale.shares(values)
    places = [scale.at(value) for value, _ in scale.ticks(8)]
    assert places[0] == pytest.approx(0, abs=1e-6)
    assert places[-1] == pytest.approx(100)
    assert scale.low <= min(values) and max(values) <= scale.high + 1e-9


def test_plot_escapes_titles_and_draws_one_point_as_a_dot():
    plot = Plot(Scale(0, 1), Scale(0, 1), "<x>", "y & z")
    plot.line([(0.5, 0.5)], "other", "<script>")
    plot.line([(0, 0), (1, 1)], "other", "a\"b")
    page = plot.render("<label>")
    assert page.count("<circle") == 1 and page.count("<polyline") == 1
    assert "<script>" not in page and "<x>" not in page and "<label>" not in page
    assert "y &amp; z" in page


def test_key_tells_marks_apart_by_shape():
    assert "<rect" in key([("default", "default", False)])
    assert "<circle" in key([("delivered", "delivered", False)])
    assert "<line" in key([("default", "default", True)])
