"""Charts as inline SVG, for pages that are one file and need no script.

Colours and dashes are classes (``s0`` .. ``s6``, ``axis``, ``grid``), so that the page's style says how they look on
light and dark ground, and text is the page's own. Not drawn by matplotlib as ``evokit plot`` is: a plain installation
has none, and importing it and drawing some figures takes longer than the quick recipes do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Literal, NamedTuple

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 8, 40  # margins, which hold the numbers at the axes
ROW, LINE = 40, 15  # of a forest plot: a line of text and an interval; another line of text
CELL_HEIGHT = 230
LETTER = 6.2  # width of one, about
COLOURS = 7
SHADES = 12
LARGEST = 1e100  # beyond, as penalties may be, an axis would show nothing else
DENSE = 600  # points of a line at most; more are not seen

Way = Literal["line", "step", "points", "rings", "frames"]


@dataclass(frozen=True)
class Figure:
    """A chart that a page may hold.

    Attributes:
        title: What it shows.
        description: The same in words, for those who do not see it.
        svg: An ``svg`` element.
        legend: Class and name of each series; empty for one alone.
        places: Of a line chart, where each (x, y) that it draws lies: how far from its left end and from its top, both
            as shares of its width.
    """

    title: str
    description: str
    svg: str
    legend: tuple[tuple[str, str], ...] = ()
    places: Mapping[tuple[float, float], tuple[float, float]] = field(default_factory=dict)


class Series(NamedTuple):
    """Points that belong together.

    Attributes:
        name: For the legend.
        points: (x, y); what is not finite is left out.
        way: How they are drawn; rings and frames, which are square, go around points of others.
        told: Of each point, what a browser says where a pointer rests on it; its numbers if that is not given.
    """

    name: str
    points: Sequence[tuple[float, float]]
    way: Way = "line"
    told: Sequence[str] = ()


class Estimate(NamedTuple):
    """A value with its interval, if it has one, and both in words."""

    name: str
    value: float
    interval: Sequence[float] | None
    told: str


@dataclass(frozen=True)
class _Axis:
    """Where values come to lie, from ``start`` to ``end`` of the drawing."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(one) for one in (self.low, self.high, value)) if self.log else (
            self.low, self.high, value,
        )  # fmt: skip
        return round(self.start + (value - low) / (high - low) * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        return _decades(self.low, self.high) if self.log else ticks(self.low, self.high)


def line_chart(title: str, series: Iterable[Series], *, x: str, y: str, log_x: bool = False) -> Figure | None:
    """Series over a common x.

    Args:
        title: What they show.
        series: In the order of the legend; the first lies on top, and those of one name look alike.
        x: What the axis below shows.
        y: What the axis at the left shows.
        log_x: Whether that below is logarithmic; then x that are not positive are left out.

    Returns:
        The figure; None if nothing can be drawn.
    """
    kept = [one for one in (_kept(one, log_x) for one in series) if one.points]
    if not kept:
        return None
    xs = [point[0] for one in kept for point in one.points]
    ys = [point[1] for one in kept for point in one.points]
    across = _Axis(*_range(xs, log_x), LEFT, WIDTH - RIGHT, log_x)
    up = _Axis(*_range(ys), HEIGHT - BOTTOM, TOP)
    inner = [*_grid(across, up, x, y)]
    names = list(dict.fromkeys(one.name for one in kept))
    looks = {name: f"s{at % COLOURS}" + " dashed" * (at >= COLOURS) for at, name in enumerate(names)}
    places: dict[tuple[float, float], tuple[float, float]] = {}
    for one in reversed(kept):
        at = [(across(px), up(py)) for px, py in one.points]
        inner.append(_drawn(one, at, looks[one.name]))
        places |= {point: (px / WIDTH, py / WIDTH) for point, (px, py) in zip(one.points, at, strict=True)}
    about = "; ".join(_about(one, x, y) for one in kept)
    legend = tuple((look, name) for name, look in looks.items()) if len(looks) > 1 else ()
    return replace(_figure(title, about, inner, HEIGHT, legend), places=places)


def forest(title: str, estimates: Sequence[Estimate], *, x: str, reference: float | None = None) -> Figure | None:
    """A row for each value with its interval, the first one in the first colour.

    Args:
        title: What they are.
        estimates: From above.
        x: What the axis shows.
        reference: Where a line stands that the intervals are held against.

    Returns:
        The figure; None if there is nothing finite.
    """
    estimates = [one for one in estimates if _shown(one.value)]
    if not estimates:
        return None
    ends = [end for one in estimates for end in (one.value, *(one.interval or ())) if _shown(end)]
    across = _Axis(*_range([*ends, *([] if reference is None else [reference])]), 12, WIDTH - 12)
    # Where a name and what is told do not stand side by side, the latter has a line of its own.
    more = LINE if any(LETTER * (len(one.name) + len(one.told) + 2) > WIDTH for one in estimates) else 0
    bottom = (ROW + more) * len(estimates) + 6
    inner = [*_across(across, x, 0, bottom)]
    if reference is not None:
        inner.append(
            f'<line class="reference" x1="{across(reference)}" x2="{across(reference)}" y1="0" y2="{bottom}"/>'
        )
    for row, one in enumerate(estimates):
        style, top = "s0" if row == 0 else "s6", (ROW + more) * row + 16
        y = top + more + 13
        low, high = one.interval or (one.value, one.value)
        inner.append(f'<text x="2" y="{top}">{escape(one.name)}</text>')
        inner.append(f'<text class="told" x="{WIDTH - 2}" y="{top + more}">{escape(one.told)}</text>')
        inner.append(f'<line class="{style} wide" x1="{across(low)}" x2="{across(high)}" y1="{y}" y2="{y}"/>')
        inner.append(f'<circle class="{style} dot" cx="{across(one.value)}" cy="{y}" r="4.5"/>')
    about = "; ".join(f"{one.name} {one.told}" for one in estimates)
    return _figure(title, f"{x}: {about}", inner, bottom + BOTTOM)


def heat_map(
    title: str,
    rows: Sequence[Sequence[float | None]],
    *,
    across: tuple[str, float, float],
    up: tuple[str, float, float] | None,
    best: float,
    worst: float,
) -> Figure:
    """Cells, the stronger coloured the better; none where there is no value.

    Args:
        title: What they show.
        rows: From above.
        across: Name, low and high end of the axis below.
        up: The same of that at the left; None if there is one row alone.
        best: The value of the strongest colour.
        worst: That of the faintest.
    """
    x_axis = _Axis(across[1], across[2], LEFT, WIDTH - RIGHT)
    height = (CELL_HEIGHT - BOTTOM - TOP) / len(rows)
    width = (WIDTH - RIGHT - LEFT) / len(rows[0])
    inner = []
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                share = 1.0 if best == worst else (value - worst) / (best - worst)
                shade = min(int(share * SHADES), SHADES - 1)
                place = f'x="{LEFT + column * width:.1f}" y="{TOP + at * height:.1f}"'
                wide = f'width="{width + 0.2:.1f}" height="{height + 0.2:.1f}"'
                inner.append(f'<rect class="h{shade}" {place} {wide}><title>{_text(value)}</title></rect>')
    inner += _across(x_axis, across[0], TOP, CELL_HEIGHT - BOTTOM)
    inner += _up(_Axis(up[1], up[2], CELL_HEIGHT - BOTTOM, TOP), up[0]) if up else []
    filled = sum(value is not None for row in rows for value in row)
    ends = f"from {_text(worst)} (faintest) to {_text(best)} (strongest)"
    about = f"{filled} of {len(rows) * len(rows[0])} cells filled, {ends}"
    return _figure(title, about, inner, CELL_HEIGHT)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two.

    >>> ticks(0.0, 1.0), ticks(23.0, 32.0)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [24.0, 26.0, 28.0, 30.0, 32.0])
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(step * power for step in (1, 2, 5, 10) if step * power * (most + 0.001) >= high - low)
    first = math.ceil(low / step - 1e-9)
    return [round(at * step, 12) for at in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """
    >>> _decades(0.5, 30), _decades(3, 9), _decades(262, 420)
    ([0.5, 1.0, 2.0, 5.0, 10.0, 20.0], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], [300.0, 350.0, 400.0])
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,)):
        found = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
        found = [one for one in found if low * 0.999 <= one <= high * 1.001]
        if len(found) <= 7:
            return found if len(found) > 2 else ticks(low, high)  # a part of a decade
    return found[:: -(-len(found) // 7)]


def _kept(one: Series, positive: bool) -> Series:
    """What can be drawn, thinned where a line has more points than are seen; the last one stays."""
    told = one.told or [f"{one.name}: {_text(x)}, {_text(y)}" if _shown(x) and _shown(y) else "" for x, y in one.points]
    each = zip(one.points, told, strict=True)
    shown = [((x, y), said) for (x, y), said in each if _shown(x) and _shown(y) and (x > 0 or not positive)]
    if (every := -(-len(shown) // DENSE)) > 1:
        shown = [*shown[:-1:every], shown[-1]]
    return Series(one.name, [point for point, _ in shown], one.way, [said for _, said in shown])


def _shown(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and abs(value) <= LARGEST


def _range(values: Sequence[float], log: bool = False) -> tuple[float, float]:
    """From the lowest to the highest, with some room beside them."""
    low, high = min(values), max(values)
    if log:
        room = max((high / low) ** 0.03, 1.02)
        return low / room, high * room
    room = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _grid(across: _Axis, up: _Axis, x: str, y: str) -> Iterator[str]:
    yield from _across(across, x, TOP, HEIGHT - BOTTOM)
    yield from _up(up, y)


def _across(axis: _Axis, name: str, top: float, bottom: float) -> Iterator[str]:
    """Vertical lines with their numbers below, and the name of the axis."""
    free = -math.inf  # beyond the last number, so that none is written over another
    for tick in axis.ticks:
        at, half = axis(tick), LETTER * len(_text(tick)) / 2
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{top}" y2="{bottom}"/>'
        if at - half > free:
            free = at + half
            yield f'<text class="below" x="{at}" y="{bottom + 15}">{_text(tick)}</text>'
    yield f'<line class="axis" x1="{axis.start}" x2="{axis.end}" y1="{bottom}" y2="{bottom}"/>'
    yield f'<text class="below" x="{(axis.start + axis.end) / 2}" y="{bottom + 33}">{_label(name, axis)}</text>'


def _up(axis: _Axis, name: str) -> Iterator[str]:
    """Horizontal lines with their numbers at the left, and the name of the axis, upwards."""
    for tick in axis.ticks:
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{axis(tick)}" y2="{axis(tick)}"/>'
        yield f'<text class="left" x="{LEFT - 5}" y="{axis(tick) + 4}">{_text(tick)}</text>'
    middle = (axis.start + axis.end) / 2
    yield f'<text class="below" transform="translate(12 {middle}) rotate(-90)">{_label(name, axis)}</text>'


def _label(name: str, axis: _Axis) -> str:
    """As much of a name as there is room for along the axis."""
    most = int(abs(axis.end - axis.start) / LETTER)
    return escape(name if len(name) <= most else f"{name[: most - 1]}…")


def _drawn(one: Series, places: Sequence[tuple[float, float]], style: str) -> str:
    if one.way == "rings":
        return f'<g class="{style} line">{_dots(places, one.told, 7.5)}</g>'
    if one.way == "frames":
        return f'<g class="{style} line">{_frames(places, one.told)}</g>'
    if one.way == "points" or len(places) == 1:
        return f'<g class="{style} dot">{_dots(places, one.told, 3 if len(places) > 60 else 4)}</g>'
    corner = " H{0} V{1}" if one.way == "step" else " L{0} {1}"
    path = f"M{places[0][0]} {places[0][1]}" + "".join(corner.format(x, y) for x, y in places[1:])
    return f'<path class="{style} line" d="{path}"><title>{escape(one.name)}</title></path>'


def _dots(places: Sequence[tuple[float, float]], told: Sequence[str], radius: float) -> str:
    return "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius}"><title>{escape(said)}</title></circle>'
        for (x, y), said in zip(places, told, strict=True)
    )


def _frames(places: Sequence[tuple[float, float]], told: Sequence[str]) -> str:
    return "".join(
        f'<path d="M{x - 7:.1f} {y - 7:.1f} h14 v14 h-14 Z"><title>{escape(said)}</title></path>'
        for (x, y), said in zip(places, told, strict=True)
    )


def _about(one: Series, x: str, y: str) -> str:
    (x0, y0), (x1, y1) = one.points[0], one.points[-1]
    if one.way not in ("line", "step"):
        return f"{one.name}: {len(one.points)} points of {x} and {y}"
    return f"{one.name}: {y} from {_text(y0)} to {_text(y1)}, {x} from {_text(x0)} to {_text(x1)}"


def _text(value: float) -> str:
    """
    >>> _text(0.25), _text(12000.0), _text(3e7), _text(-0.0)
    ('0.25', '12,000', '3e+07', '0')
    """
    if value == 0:
        return "0"
    return f"{value:,.10g}" if value == int(value) and abs(value) < 1e6 else f"{value:.4g}"


def _figure(
    title: str, about: str, inner: Iterable[str], height: float, legend: tuple[tuple[str, str], ...] = ()
) -> Figure:
    label = escape(f"{title}. {about}")
    svg = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(inner)}</svg>'
    return Figure(title, about, svg, legend)
