"""Line charts over time as SVG, and the same data for the page's script, which draws them anew when one zooms in."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from msgspec import Struct

from tradectl.backtest.report.html.ticks import time_ticks, value_ticks
from tradectl.backtest.report.html.words import number, percent, price
from tradectl.backtest.report.sampling import Curve, thinned

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1080, 70, 14, 10, 26
#: Columns of the picture, and of the data kept for zooming in.
DRAWN, KEPT = 700, 1500
#: More trades than this, and their marks are small.
CROWD = 150
SECOND = 10**9

FORMATS: dict[str, Callable[[float], str]] = {
    "percent": lambda value: percent(value, 0 if abs(value) >= 0.1 or not value else 1),
    "money": lambda value: number(value, 0 if abs(value) >= 100 else 2),
    "index": lambda value: number(value, 0 if abs(value) >= 100 else 1),
    "price": lambda value: number(value, 0) if abs(value) >= 1000 or not value else price(value),
}


class Line(Struct, frozen=True):
    """One curve: ``css`` is its class, ``fill`` whether the area to zero is filled."""

    name: str
    css: str
    curve: Curve
    fill: bool = False


class Mark(Struct, frozen=True):
    """A trade on a price: where it was entered and left (seconds), and whether it was long and won."""

    began: int
    entry: float
    ended: int
    exit: float
    long: bool
    won: bool


class Chart(Struct, frozen=True):
    """A chart; ``low`` and ``high`` are values the axis always reaches. ``log``: it can be switched to logarithmic."""

    name: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    height: int = 260
    note: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    marks: tuple[Mark, ...] = ()


class _Frame(Struct, frozen=True):
    """Where a time and a value lie in the picture."""

    t0: float
    t1: float
    v0: float
    v1: float
    height: int

    def x(self, at: float) -> float:
        return LEFT + (at - self.t0) / (self.t1 - self.t0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (self.v1 - value) / (self.v1 - self.v0) * (self.height - TOP - BOTTOM)


def figure(chart: Chart, span: tuple[int, int]) -> str:
    """The chart with its title and legend; ``span`` in seconds is what the axis of time covers."""
    tools = '<button type="button" class="log" aria-pressed="false">Log</button>' if chart.log else ""
    tools += '<button type="button" class="reset" hidden>Whole span</button>'
    names = "".join(f'<span class="key {line.css}">{escape(line.name)}</span>' for line in chart.lines if line.name)
    note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
    return (
        f'<figure class="chart" id="{escape(chart.name)}"><figcaption><h3>{escape(chart.title)}</h3>{names}'
        f'<span class="tools">{tools}</span></figcaption>{_svg(chart, span)}{note}</figure>'
    )


def data_of(chart: Chart, origin: int) -> dict[str, Any]:
    """What the script needs: seconds since ``origin``, values to six digits."""
    lines = []
    for line in chart.lines:
        kept = thinned(line.curve, KEPT)
        lines.append({
            "name": line.name, "css": line.css, "fill": line.fill,
            "x": [int(at) // SECOND - origin for at in kept.times], "y": [float(f"{v:.7g}") for v in kept.values],
        })  # fmt: skip
    marks = [[m.began - origin, m.entry, m.ended - origin, m.exit, int(m.long), int(m.won)] for m in chart.marks]
    return {"unit": chart.unit, "height": chart.height, "low": chart.low, "high": chart.high, "lines": lines,
            "marks": marks}  # fmt: skip


def _svg(chart: Chart, span: tuple[int, int]) -> str:
    drawn = [thinned(line.curve, DRAWN) for line in chart.lines]
    frame = _Frame(span[0], max(span[1], span[0] + 1), *_range(chart, drawn), chart.height)
    title = escape(chart.title)
    paths = "".join(_path(line, points, frame) for line, points in zip(chart.lines, drawn, strict=True))
    return (
        f'<svg viewBox="0 0 {WIDTH} {chart.height}" role="img" aria-label="{title}">'
        f'<clipPath id="clip-{escape(chart.name)}"><rect x="{LEFT}" y="0" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{chart.height - BOTTOM}"/></clipPath><g class="axes">{_axes(chart, frame)}</g>'
        f'<g class="plot" clip-path="url(#clip-{escape(chart.name)})">{paths}</g>'
        f'<g class="marks" clip-path="url(#clip-{escape(chart.name)})">{_marks(chart.marks, frame)}</g>'
        f'<g class="cross"></g></svg>'
    )


def _range(chart: Chart, drawn: Sequence[Curve]) -> tuple[float, float]:
    """The lowest and highest value, with a little air where no end is given."""
    values = [float(v) for it in drawn if len(it) for v in (it.values.min(), it.values.max())]
    fixed = [it for it in (chart.low, chart.high) if it is not None]
    low, high = min([*values, *fixed], default=0.0), max([*values, *fixed], default=1.0)
    if not high > low and low == chart.low:
        return low, low + 1.0
    if not high > low:
        low, high = low - abs(low or 1.0) * 0.01, high + abs(high or 1.0) * 0.01
    air = (high - low) * 0.05
    if low == chart.low or 0 <= low < air:
        return min(low, 0.0) if low < air else low, (high if high == chart.high else high + air)
    return low - air, (high if high == chart.high else high + air)


def _axes(chart: Chart, frame: _Frame) -> str:
    end, bottom = WIDTH - RIGHT, chart.height - BOTTOM
    write = FORMATS[chart.unit]
    parts = []
    for value in value_ticks(frame.v0, frame.v1):
        y = frame.y(value)
        zero = ' class="zero"' if not value else ""
        parts.append(f'<path{zero} d="M{LEFT} {y:.1f}H{end}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{write(value)}</text>')
    for at, label in time_ticks(int(frame.t0), int(frame.t1)):
        x = frame.x(at)
        parts.append(f'<path class="tick" d="M{x:.1f} {bottom}v4"/>')
        if LEFT + 12 < x < end - 24:
            parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    return "".join(parts) + f'<path class="base" d="M{LEFT} {bottom}H{end}"/>'


def _path(line: Line, points: Curve, frame: _Frame) -> str:
    if not len(points):
        return ""
    spots = [f"{frame.x(at / SECOND):.1f} {frame.y(v):.1f}" for at, v in zip(points.times, points.values, strict=True)]
    d = "M" + "L".join(spots)
    area = ""
    if line.fill:
        zero = frame.y(min(max(0.0, frame.v0), frame.v1))
        first, last = frame.x(points.times[0] / SECOND), frame.x(points.times[-1] / SECOND)
        area = f'<path class="area {line.css}" d="{d}L{last:.1f} {zero:.1f}L{first:.1f} {zero:.1f}Z"/>'
    return f'{area}<path class="line {line.css}" d="{d}"/>'


def _marks(marks: Sequence[Mark], frame: _Frame) -> str:
    size = 4.5 if len(marks) <= CROWD else 2.6
    return "".join(_mark(mark, frame, size) for mark in marks)


def _mark(mark: Mark, frame: _Frame, size: float) -> str:
    x, y, x2, y2 = frame.x(mark.began), frame.y(mark.entry), frame.x(mark.ended), frame.y(mark.exit)
    up = -1 if mark.long else 1
    won = "up" if mark.won else "down"
    return (
        f'<path class="held {won}" d="M{x:.1f} {y:.1f}L{x2:.1f} {y2:.1f}"/>'
        f'<path class="{"long" if mark.long else "short"}" d="M{x:.1f} {y:.1f}l{-size:.1f} {-up * size * 1.6:.1f}'
        f'h{2 * size:.1f}z"/><circle class="{won}" cx="{x2:.1f}" cy="{y2:.1f}" r="{size * 0.55:.1f}"/>'
    )
