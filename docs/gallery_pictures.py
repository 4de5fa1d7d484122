"""The gallery's pictures, for light and dark pages, each drawn from what is kept of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from picture import LINE, framed

from evokit.common.charts import SHADES, WIDTH, Series, line_chart

GAP = 12
CAPTION = 20
NAMES = {"search": "the recipe's search", "random_search": "random search"}
ARITIES = {
    "if": 3,
    "and": 2,
    "or": 2,
    "not": 1,
    "add": 2,
    "sub": 2,
    "mul": 2,
    "div": 2,
    "sin": 1,
    "cos": 1,
    "exp": 1,
    "log": 1,
}
SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
Kept = Mapping[str, Any]
Place = Sequence[float]


def drawn(name: str, kept: Kept) -> str:
    """An SVG file."""
    return PICTURES[name](kept)


def named(contender: str) -> str:
    """As a caption or a legend says it.

    >>> named("random_search"), named("map_elites")
    ('random search', 'map elites')
    """
    return NAMES.get(contender, contender.replace("_", " "))


# --- charts


def _search_first(of: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """So that it has one colour in all pictures."""
    return sorted(of.items(), key=lambda one: one[0] != "search")


def _chart(about: str, series: Sequence[Series], x: str, y: str, *, log_x: bool = False) -> str:
    inner, height = _with_legend(about, series, x, y, log_x)
    return framed(about, inner, WIDTH, height)


def _with_legend(about: str, series: Sequence[Series], x: str, y: str, log_x: bool = False) -> tuple[str, float]:
    """What is inside, and its height."""
    chart = line_chart(about, series, x=x, y=y, log_x=log_x)
    assert chart is not None
    inner = chart.svg.partition(">")[2].removesuffix("</svg>")
    height = float(chart.svg.split('viewBox="')[1].split('"')[0].split()[3])
    for row, (look, name) in enumerate(chart.legend):
        y_at = height + LINE * row + 8
        inner += (
            f'<circle class="{look} dot" cx="62" cy="{y_at - 4}" r="4"/><text x="72" y="{y_at}">{escape(name)}</text>'
        )
    return inner, height + LINE * len(chart.legend) + 4


def _best_so_far(kept: Kept) -> list[Series]:
    return [Series(named(name), points, "step") for name, points in _search_first(kept["curves"])]


def _convergence(about: str, x: str = "work, logarithmic") -> Callable[[Kept], str]:
    return lambda kept: _chart(about, _best_so_far(kept), x, next(iter(kept["objectives"])), log_x=True)


def _fronts(about: str, x: str, y: str, at: tuple[int, int] = (0, 1)) -> Callable[[Kept], str]:
    def picture(kept: Kept) -> str:
        across, up = at
        series = [
            Series(named(name), [(values[across], values[up]) for values in front], "points")
            for name, front in _search_first(kept["fronts"])
        ]
        return _chart(about, series, x, y)

    return picture


def _zdt1(kept: Kept) -> str:
    true = Series("the true front", [(at / 50, 1 - math.sqrt(at / 50)) for at in range(51)])
    found = [Series(named(name), front, "points") for name, front in _search_first(kept["fronts"])]
    return _chart("The fronts found on ZDT1 beside the true one", [*found, true], "f1", "f2")


# --- panels


def _panels(about: str, parts: Sequence[tuple[str, str]], width: float, height: float, columns: int) -> str:
    """Drawings of one size, each with a caption below.

    Args:
        about: What they show.
        parts: Caption and elements of each.
        width: Of one.
        height: Of one.
        columns: How many stand side by side.
    """
    inner, row_height = "", height + CAPTION + GAP
    for at, (caption, elements) in enumerate(parts):
        x, y = GAP + at % columns * (width + GAP), GAP + at // columns * row_height
        label = f'<text class="below" x="{width / 2:.1f}" y="{height + 15}">{escape(caption)}</text>'
        inner += f'<g transform="translate({x:.1f} {y:.1f})">{elements}{label}</g>'
    rows = -(-len(parts) // columns)
    return framed(about, inner, GAP + columns * (width + GAP), GAP + rows * row_height)


def _path(places: Iterable[Place], style: str, *, closed: bool = False) -> str:
    steps = " ".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return f'<path class="{style}" d="M{steps}{"Z" * closed}"/>'


def _dot(place: Place, radius: float, style: str) -> str:
    return f'<circle class="{style}" cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius}"/>'


def _frame(width: float, height: float) -> str:
    return f'<rect class="axis" width="{width}" height="{height}" style="fill: var(--panel)"/>'


def _berlin52(kept: Kept) -> str:
    scale, (width, height) = 0.105, (186, 128)
    places = [(x * scale + 2, height - 2 - y * scale) for x, y in kept["places"]]
    parts = []
    for name in ("search", "inversion"):
        tour = kept["best"][name]
        length = sum(
            round(math.dist(kept["places"][a], kept["places"][b]))
            for a, b in zip(tour, tour[1:] + tour[:1], strict=True)
        )
        line = _path((places[at] for at in tour), f"s{len(parts)} line", closed=True)
        dots = "".join(_dot(place, 2.2, "s6 dot") for place in places)
        label = "2-opt" if name == "search" else name
        parts.append((f"{label}: {length:,}", line + dots))
    return _panels("Tours through 52 places in Berlin", parts, width, height, 2)


def _maze(kept: Kept) -> str:
    size = 182

    def place(at: Place) -> Place:
        return at[0] * size, size - at[1] * size

    walls = "".join(_path((place(one[:2]), place(one[2:])), "wall") for one in kept["walls"])
    walls = f'<g style="stroke: var(--text); stroke-width: 2; stroke-linecap: round">{walls}</g>'
    ends = _dot(place(kept["start"]), 4, "s6 dot") + _dot(place(kept["goal"]), 5, "s2 dot")
    parts = []
    for name, walk in kept["walks"].items():
        cloud = "".join(_dot(place(one), 1.6, f"s{len(parts)} cloud") for one in kept["ends"][name])
        cloud = f'<g style="opacity: 0.45; stroke-width: 0">{cloud}</g>'
        line = _path(map(place, walk), f"s{len(parts)} line")
        parts.append(("novelty search" if name == "search" else "search for the nearest", cloud + walls + line + ends))
    return _panels("Where walks through a maze ended, and the walk that came nearest to the goal", parts, size, size, 2)


def _closed_curves(kept: Kept) -> str:
    across, up = kept["axes"]
    cell, left, bottom = 31.0, 26, 34
    width, height = left + cell * across["cells"] + 6, cell * up["cells"] + bottom + 6
    most = max(math.log(bending) for _, _, bending, _ in kept["cells"])
    inner = ""
    for column, row, bending, curve in kept["cells"]:
        reach = max(math.hypot(x, y) for x, y in curve) / (0.46 * cell)
        x0, y0 = left + (column + 0.5) * cell, 6 + (up["cells"] - row - 0.5) * cell
        shade = SHADES - 1 - min(int(math.log(max(bending, 1)) / most * (SHADES - 3)), SHADES - 3)
        outline = _path(((x0 + x / reach, y0 - y / reach) for x, y in curve), f"h{shade}", closed=True)
        inner += outline
    inner = f'<g style="fill: var(--best)">{inner}</g>'
    foot = 6 + cell * up["cells"]
    inner += f'<text class="below" x="{left + cell * across["cells"] / 2}" y="{foot + 20}">more slender →</text>'
    inner += f'<text class="below" transform="translate(16 {foot / 2}) rotate(-90)">rounder →</text>'
    about = "The closed curve that bends least, of each roundness and slenderness; a stronger colour bends less"
    return framed(about, inner, width, height)


def _swing_up(kept: Kept) -> str:
    width, height, pole = 376, 92, 34
    parts = []
    for name, states in kept["drives"].items():
        marks = ""
        for at, (place, angle) in enumerate(states):
            x, y = 26 + at / len(states) * (width - 52) + 9 * place, height / 2
            tip = x + pole * math.sin(angle), y - pole * math.cos(angle)
            marks += _path(((x, y), tip), f"s{len(parts)} line") + _dot(tip, 2.4, f"s{len(parts)} dot")
        ground = f'<line class="axis" x1="0" x2="{width}" y1="{height / 2}" y2="{height / 2}"/>'
        parts.append((named(name), f'{ground}<g style="opacity: 0.75">{marks}</g>'))
    return _panels(
        "Six seconds of a cart and its pole, from left to right, ten pictures a second", parts, width, height, 1
    )


def _majority(kept: Kept) -> str:
    cell = 2.5
    n_cells, n_steps = len(kept["votes"][0][0]), max(map(len, kept["votes"]))
    width, height = cell * n_cells, cell * n_steps
    parts = []
    for states in kept["votes"]:
        runs = ""
        for step in range(n_steps):
            row, at = states[min(step, len(states) - 1)], 0
            while (first := row.find("1", at)) >= 0:
                at = (row + "0").find("0", first)
                runs += f"M{first * cell:g} {(step + 0.5) * cell:g}h{(at - first) * cell:g}"
        ones = states[0].count("1")
        path = f'<path d="{runs}" style="stroke: var(--best); stroke-width: {cell + 0.1}"/>'
        parts.append((f"{ones} of {n_cells}", _frame(width, height) + path))
    return _panels("Four rows of cells from above to below, one more step in each line", parts, width, height, 4)


def _sunset(kept: Kept) -> str:
    width, height = kept["size"]
    scale = 118 / width
    size = f'width="{width}" height="{height}"'
    source = f'href="data:image/png;base64,{kept["target"]}"'
    image = f'<image {size} {source} style="image-rendering: pixelated"/>'
    parts = [("to be drawn", f'<g transform="scale({scale:.4g})">{image}</g>')]
    for name in ("search", "snes"):
        ground = f'<rect {size} style="fill: #808080"/>'
        shapes = ""
        for corners, colour, opacity in kept["paintings"][name]:
            fill = "".join(f"{round(255 * one):02x}" for one in colour)
            places = " ".join(f"{x:.1f} {y:.1f}" for x, y in corners)
            shapes += f'<path d="M{places}Z" fill="#{fill}" fill-opacity="{opacity:.3f}"/>'
        shown = f'width="{width * scale:.1f}" height="{height * scale:.1f}" viewBox="0 0 {width} {height}"'
        clip = f"<svg {shown}>{ground}{shapes}</svg>"
        parts.append(("genetic algorithm" if name == "search" else "SNES", clip))
    return _panels("A sunset, and two pictures of it made of 24 triangles each", parts, 118, height * scale, 3)


def _circles(kept: Kept) -> str:
    size = 116
    parts = []
    for at, name in enumerate(("search", "islands", "random_search")):
        genes = kept["best"][name]
        places = list(zip(genes[: len(genes) // 2], genes[len(genes) // 2 :], strict=True))
        walls = min(min(x, 1 - x, y, 1 - y) for x, y in places)
        radius = min(walls, min(math.dist(a, b) for i, a in enumerate(places) for b in places[:i]) / 2)
        circles = "".join(_dot((x * size, y * size), round(radius * size, 2), f"s{at}") for x, y in places)
        label = {"search": "CMA-ES"}.get(name, named(name))
        parts.append((f"{label}: {radius:.4f}", f'{_frame(size, size)}<g style="fill-opacity: 0.3">{circles}</g>'))
    return _panels("Ten equal circles in a square", parts, size, size, 3)


def _planar_arm(kept: Kept) -> str:
    size = 300
    arms = ""
    for arm in kept["arms"]:
        places = [(size / 2 * (1 + x), size / 2 * (1 - y)) for x, y in arm]
        arms += _path(places, "s0 line") + _dot(places[-1], 3, "s1 dot")
    arms = f'<g style="opacity: 0.8">{arms}</g>' + _dot((size / 2, size / 2), 5, "s6 dot")
    return _panels("Arms that reach places all around, each bent as evenly as it can be", [("", arms)], size, size, 1)


def _onemax(kept: Kept) -> str:
    cell, rows = 11, kept["generations"]
    squares = ""
    for down, bits in enumerate(rows):
        for right, bit in enumerate(bits):
            shade = SHADES - 1 if bit else 0
            squares += (
                f'<rect class="h{shade}" x="{right * cell}" y="{down * cell}" width="{cell - 1}" height="{cell - 1}"/>'
            )
    about = "The best of each generation, from above to below; ones are dark"
    return _panels(about, [(f"{len(rows)} generations", squares)], cell * len(rows[0]), cell * len(rows), 1)


# --- trees


def _tree(genes: Sequence[str | float], width: float) -> tuple[str, float]:
    """A tree with its root above, and its height."""
    root, _ = _read(genes, 0)
    leaves, depth = _leaves(root), _depth(root)
    step, drop = min(width / leaves, 60), min(40, 240 / max(depth, 1))
    edges, labels, seen = [], [], [0.0]

    def visit(node: tuple[str, list[Any]], level: int) -> Place:
        name, children = node
        below = [visit(child, level + 1) for child in children]
        if not below:
            seen[0] += step
        x = sum(one[0] for one in below) / len(below) if below else seen[0] - step / 2
        y = 14 + level * drop
        edges.extend(f'<line class="axis" x1="{x:.1f}" y1="{y:.1f}" x2="{a:.1f}" y2="{b:.1f}"/>' for a, b in below)
        look = f"fill: var(--c{0 if children else 1}); stroke-width: 6px"
        labels.append(f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" style="{look}">{escape(name)}</text>')
        return x, y

    visit(root, 0)
    shift = (width - leaves * step) / 2
    return f'<g transform="translate({shift:.1f} 0)">{"".join(edges)}{"".join(labels)}</g>', 14 + depth * drop + 14


def _read(genes: Sequence[str | float], at: int) -> tuple[tuple[str, list[Any]], int]:
    """The node that begins at a place of a prefix, and the place after it."""
    gene = genes[at]
    at, children = at + 1, []
    for _ in range(ARITIES.get(str(gene), 0)):
        child, at = _read(genes, at)
        children.append(child)
    return (f"{gene:.3g}" if isinstance(gene, float) else SIGNS.get(str(gene), str(gene)), children), at


def _leaves(node: tuple[str, list[Any]]) -> int:
    return sum(map(_leaves, node[1])) or 1


def _depth(node: tuple[str, list[Any]]) -> int:
    return max((1 + _depth(child) for child in node[1]), default=0)


def _grown(about: str, y: str) -> Callable[[Kept], str]:
    """The champion's tree above the curves."""

    def picture(kept: Kept) -> str:
        tree, height = _tree(kept["best"]["search"], WIDTH - 20)
        curves, below = _with_legend(about, _best_so_far(kept), "individuals measured", y)
        inner = f'<g transform="translate(10 6)">{tree}</g><g transform="translate(0 {height + 12:.1f})">{curves}</g>'
        return framed(about, inner, WIDTH, round(height + 12 + below, 1))

    return picture


PICTURES: Mapping[str, Callable[[Kept], str]] = {
    "berlin52": _berlin52,
    "circles": _circles,
    "closed_curves": _closed_curves,
    "majority": _majority,
    "maze": _maze,
    "multiplexer": _grown("The formula that a multiplexer was found to be, and rows missed", "rows missed"),
    "onemax": _onemax,
    "planar_arm": _planar_arm,
    "pruned_networks": _fronts(
        "How well small networks do against how large they are", "binary logarithm of weights", "cross-entropy", (1, 0)
    ),
    "sphere": _convergence("Distance from the middle of a noisy sphere against work"),
    "sunset": _sunset,
    "swing_up": _swing_up,
    "symbolic_regression": _grown("The formula found behind 100 points, and its error", "error"),
    "tumours": _fronts(
        "Error against how many measurements of a tumour are looked at", "measurements", "error, per cent", (1, 0)
    ),
    "welded_beam": _convergence("Cost of a welded beam against work"),
    "zdt1": _zdt1,
}
