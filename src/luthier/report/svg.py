"""Charts as inline SVG: scales with round ticks, and a plot of lines and points.

Places are percentages of the plot's width and height, so a chart fills the width that it is given while its text and
points keep their size, on a phone as on a desk. Hovering over a mark shows its title; nothing needs a script.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from luthier.report.tags import esc


@dataclass(frozen=True)
class Scale:
    """A stretch of numbers along one axis, linear or logarithmic."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @classmethod
    def around(cls, values: Iterable[float], *, log: bool = False, whole: bool = False) -> Scale:
        """The scale that holds `values` with a little room; `whole` numbers get no ticks between them."""
        found = list(values)
        low, high = min(found), max(found)
        if log:
            room = (high / low) ** 0.05 if high > low else 2.0
            return cls(low / room, high * room, log=True, whole=whole)
        room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
        return cls(low - room, high + room, whole=whole)

    @classmethod
    def shares(cls, values: Iterable[float]) -> Scale:
        """The scale from tick to tick that holds `values`, which lie in 0..1 as most scores do."""
        found = list(values)
        step = _step(max(max(found) - min(found), 0.02), 5)
        first, last = math.floor(min(found) / step + 1e-9), math.ceil(max(found) / step - 1e-9)
        if first == last:
            first, last = max(0, first - 1), last + (first == 0)
        return cls(first * step, last * step)

    def at(self, value: float) -> float:
        """The place of `value`: 0 at the low end, 100 at the high end."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        place = math.log(value) if self.log else value
        return 100 * min(1.0, max(0.0, (place - low) / ((high - low) or 1.0)))

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Round numbers on the scale with their text."""
        values = self._log_ticks(most) if self.log else self._linear_ticks(most)
        return [(value, tick(value)) for value in values]

    def _linear_ticks(self, most: int) -> list[float]:
        step = _step(self.high - self.low, 2 * most)
        while True:
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last - first < most and not (self.whole and step < 1):
                return [round(index * step, 12) for index in range(first, last + 1)]
            step = _step(step * 1.5, 1)

    def _log_ticks(self, most: int) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        best: list[float] = []
        for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7)):
            values = [float(f"{digit}e{power}") for power in decades for digit in digits]
            inside = [value for value in values if self.low <= value <= self.high]
            if len(inside) <= most:
                best = inside
        return best or [float(f"1e{power}") for power in decades if self.low <= 10.0 ** power <= self.high][::2]


def _step(span: float, parts: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most `parts`."""
    raw = span / max(1, parts)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def tick(value: float) -> str:
    """The text of a tick: short, without needless zeros."""
    return f"{value:.6g}".replace("e-0", "e-").replace("e+0", "e")


@dataclass
class Plot:
    """Lines and points between two axes; what is added later lies on top.

    Args:
        x_ticks: places and texts, where the x axis shows categories.
    """

    x: Scale
    y: Scale
    x_title: str
    y_title: str
    height: int = 280
    most_x: int = 7
    x_ticks: Sequence[tuple[float, str]] | None = None
    _marks: list[str] = field(default_factory=list)

    def line(self, points: Sequence[tuple[float, float]], css: str, title: str) -> None:
        """Join `points`; a single one becomes a dot."""
        if len(points) == 1:
            self.dot(*points[0], css=css, title=title)
            return
        places = " ".join(f"{self.x.at(x):.2f},{100 - self.y.at(y):.2f}" for x, y in points)
        self._marks.append('<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%">'
                           f'<polyline class="{css}" points="{places}"><title>{esc(title)}</title></polyline></svg>')

    def dot(self, x: float, y: float, *, css: str, title: str) -> None:
        """A point; `css` holds "default" for a square one."""
        self._marks.append(mark(self.x.at(x), f"{100 - self.y.at(y):.2f}%", css, title))

    def cell(self, x: tuple[float, float], y: tuple[float, float], strength: float, title: str) -> None:
        """A field between two places of each axis, the darker the greater its `strength` (0..1)."""
        left, right, low, high = self.x.at(x[0]), self.x.at(x[1]), self.y.at(y[0]), self.y.at(y[1])
        self._marks.append(f'<rect class="cell" x="{left:.2f}%" width="{right - left:.2f}%" y="{100 - high:.2f}%" '
                           f'height="{high - low:.2f}%" fill-opacity="{0.1 + 0.9 * strength:.2f}">'
                           f"<title>{esc(title)}</title></rect>")

    def symbol(self, x: float, y: float, *, css: str, shape: str, title: str) -> None:
        """A point of a shape of its own; see `symbol`."""
        self._marks.append(symbol(self.x.at(x), f"{100 - self.y.at(y):.2f}%", css, shape, title))

    def render(self, label: str) -> str:
        """The plot as HTML; `label` describes it to who cannot see it."""
        return (f'<div class="plot"><div class="axis">{esc(self.y_title)}</div>'
                f'<svg role="img" aria-label="{esc(label)}" width="100%" height="{self.height}">'
                f'{self._grid()}{"".join(self._marks)}</svg><div class="axis x">{esc(self.x_title)}</div></div>')

    def _grid(self) -> str:
        parts = []
        for value, text in self.y.ticks(max(4, self.height // 45)):
            place = f"{100 - self.y.at(value):.2f}%"
            parts.append(f'<line class="grid" x1="0" x2="100%" y1="{place}" y2="{place}"/>'
                         f'<text class="tick" x="-7" y="{place}" dy=".32em" text-anchor="end">{esc(text)}</text>')
        for value, text in self.x.ticks(self.most_x) if self.x_ticks is None else self.x_ticks:
            place = f"{self.x.at(value):.2f}%"
            parts.append(f'<line class="grid" x1="{place}" x2="{place}" y1="0" y2="100%"/>'
                         f'<text class="tick" x="{place}" y="100%" dy="1.4em" text-anchor="middle">{esc(text)}</text>')
        return "".join(parts)


def mark(x: float, y: str, css: str, title: str = "") -> str:
    """A round mark at `x` percent, or a square one where `css` holds "default"."""
    inner = f"<title>{esc(title)}</title>" if title else ""
    if "default" in css.split():
        return (f'<rect class="{css}" x="{x:.2f}%" y="{y}" width="9" height="9" transform="translate(-4.5 -4.5)">'
                f"{inner}</rect>")
    return f'<circle class="{css}" cx="{x:.2f}%" cy="{y}" r="{6 if "delivered" in css.split() else 4}">{inner}</circle>'


def shapes(paths: Mapping[str, str]) -> str:
    """Shapes that `symbol` draws, written once on a page: SVG paths around (0, 0), in pixels, by their names."""
    return ('<svg width="0" height="0" aria-hidden="true"><defs>' +
            "".join(f'<path id="{name}" d="{path}"/>' for name, path in paths.items()) + "</defs></svg>")


def symbol(x: float, y: str, css: str, shape: str, title: str = "") -> str:
    """A mark at `x` percent, of a shape that stands on the page."""
    inner = f"<title>{esc(title)}</title>" if title else ""
    return f'<use href="#{shape}" class="{css}" x="{x:.1f}%" y="{y}">{inner}</use>'


def key(entries: Iterable[tuple[str, str, bool]]) -> str:
    """The legend of a plot: (CSS class, text, whether it is a line)."""
    items = []
    for css, text, is_line in entries:
        stroke = f'<line class="{css}" x1="0" x2="100%" y1="50%" y2="50%"/>' if is_line else mark(50, "50%", css)
        items.append(f'<li><svg width="24" height="14" aria-hidden="true">{stroke}</svg>{esc(text)}</li>')
    return f'<ul class="key">{"".join(items)}</ul>'
