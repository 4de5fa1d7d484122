"""The front of a run as a picture of which one point after the other is chosen, by a pointer or by keys, and told.

Points are radio buttons over the picture: browsers bring keys, choice and what screen readers say, and the page's style
shows what belongs to the chosen one. So it needs no script.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evokit.common.charts import Figure
from evokit.progress import number
from evokit.results.front_text import knee_of
from evokit.results.page import drawings

LINES, LETTERS = 12, 200  # of genes that are shown: lines, and letters in each


@dataclass(frozen=True)
class Point:
    """A member of the front.

    Attributes:
        name: What it is called where it is stepped to.
        title: Which one it is.
        values: Each objective, its value, and which way is better.
        about: Its key, and how many share its values.
        genes: For people.
        places: In each figure, how far it is from the left end and from the top, in percent of the width.
        chosen: Whether it is when the page opens.
    """

    name: str
    title: str
    values: Sequence[tuple[str, str, str]]
    about: str
    genes: str
    places: Sequence[tuple[str, str]]
    chosen: bool


@dataclass(frozen=True)
class Explorer:
    """Figures of a front, one for each pair of objectives, and its points."""

    figures: Sequence[Figure]
    points: Sequence[Point]


def explorer(summary: Mapping[str, Any], champion: bool) -> Explorer | None:
    """The front of the search beside those of controls, its knee and its champion marked.

    Args:
        summary: Of a run with a front.
        champion: Whether one is named yet.

    Returns:
        None where no axis can hold the values.
    """
    front, objectives = summary["front"], summary["objectives"]
    fronts = {"search": [one["values"] for one in front]}
    fronts |= {one["name"]: one["front"] for one in summary["baselines"] if one.get("front")}
    marks = _marks(summary, champion)
    drawn = drawings.fronts(objectives, fronts, {name: front[at]["values"] for name, at in marks.items()})
    figures = [one for one in drawn if one is not None]
    if len(figures) < len(drawn):
        return None
    points = []
    for at, one in enumerate(front):
        where = [(one["values"][x], one["values"][y]) for x, y in drawings.pairs(objectives)]
        if not all(pair in figure.places for pair, figure in zip(where, figures, strict=True)):
            continue  # one of very many, not all of which are drawn
        is_the = [f"the {name}" for name, place in marks.items() if place == at]
        points.append(
            Point(
                name=", ".join([drawings.told(objectives, one["values"]), *is_the]),
                title=f"Point {at + 1:,} of {len(front):,}{': ' * bool(is_the)}{' and '.join(is_the)}",
                values=[
                    (name, number(value), drawings.BETTER[goal])
                    for (name, goal), value in zip(objectives.items(), one["values"], strict=True)
                ],
                about=f"key {one['key'][:8]}{_shared(one)}",
                genes=_genes(one),
                places=[
                    (f"{100 * left:.2f}%", f"{100 * top:.2f}%")
                    for pair, figure in zip(where, figures, strict=True)
                    for left, top in [figure.places[pair]]
                ],
                chosen=at == next(iter(marks.values()), 0),
            )
        )
    return Explorer(figures, points)


def _marks(summary: Mapping[str, Any], champion: bool) -> dict[str, int]:
    """Which members are the knee and the champion, as far as they are on the front."""
    marks = {}
    if (knee := knee_of(summary)) is not None:
        marks["knee"] = knee
    best = summary["best"]["values"] if champion and summary["best"] else None
    for at, one in enumerate(summary["front"]):
        if one["values"] == best:
            marks["champion"] = at
    return marks


def _shared(point: Mapping[str, Any]) -> str:
    """How many individuals have these values, of which the first found is shown."""
    n = point.get("shared_by", 1)  # runs before 2026-11-28 lack it
    return f", the first found of {n:,} with these values" if n > 1 else ""


def _genes(point: Mapping[str, Any]) -> str:
    """Genes as the genome shows them, or as they are kept where it does not, cut where they are long."""
    shown = point.get("show") or json.dumps(point["genes"])  # runs before 2026-12-01 lack the first
    told = [line if len(line) <= LETTERS else f"{line[: LETTERS - 1]}…" for line in shown.splitlines()]
    return "\n".join(told if len(told) <= LINES else [*told[: LINES - 1], f"… {len(told) - LINES + 1:,} lines more"])
