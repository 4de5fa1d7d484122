"""Figures that pages of one run and of several share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from evokit.common.charts import Estimate, Figure, Series, Way, forest, line_chart
from evokit.progress import number
from evokit.results import report
from evokit.results.curves import Curve

PAIRS = 3  # of objectives that a front is shown by
MARKS: Mapping[str, tuple[Way, str]] = {"knee": ("rings", "ring"), "champion": ("frames", "square")}
BETTER = {"min": "lower is better", "max": "higher is better"}


def values(title: str, entries: Iterable[tuple[str, Mapping[str, Any]]], final: str, goal: str) -> Figure | None:
    """Values of contenders on the test split; on validation where there is none.

    Args:
        title: What they are.
        entries: Label and entry of each, the one that is held against the others first.
        final: Whether lower (``min``) or higher (``max``) test values are better.
        goal: The same of validation.
    """
    entries = list(entries)
    tested = any(entry["test"] is not None for _, entry in entries)
    split = "test" if tested else "validation"
    rows = []
    for label, entry in entries:
        if entry[split] is not None:
            interval = entry["interval"] if tested else None
            told = f"{number(entry[split])} {report.span(interval)}".strip()
            rows.append(Estimate(label, entry[split], interval, told))
    if len(rows) < 2:
        return None
    title += ", with 95 % intervals" if tested else ""
    return forest(title, rows, x=f"{split} value ({BETTER[final if tested else goal]})", reference=rows[0].value)


def differences(rows: Iterable[tuple[str, float, Sequence[float] | None]], x: str) -> Figure | None:
    """Paired differences: the rival, the difference and its interval."""
    told = [
        Estimate(f"against {against}", difference, interval, f"{difference:+.4g} {report.interval_text(interval)}")
        for against, difference, interval in rows
    ]
    return forest("Paired differences, with 95 % intervals", told, x=x, reference=0.0) if told else None


def volumes(shares: Mapping[str, float]) -> Figure | None:
    """What fronts dominate, the first one's in the first colour."""
    rows = [Estimate(name, share, None, number(share)) for name, share in shares.items()]
    title = "What the fronts dominate"
    return forest(title, rows, x="share of the box around them (1 is ideal)", reference=rows[0].value) if rows else None


def against(curves: Iterable[tuple[str, Curve]], what: str, x: str, y: str) -> Figure | None:
    """Values by work or by CPU seconds, those of a name alike; trained ones by their rungs and horizons.

    Args:
        curves: With the name of each.
        what: ``work`` or ``CPU seconds``.
        x: What the axis below shows.
        y: What the axis at the left shows.
    """
    log = what != "work"
    series = [
        Series(
            name,
            [(point.cpu_s if log else point.work, point.value) for point in curve.points],
            "line" if curve.trained else "step",
        )
        for name, curve in curves
    ]
    return line_chart(f"{y} by {what}", series, x=x, y=y, log_x=log)


def fronts(
    objectives: Mapping[str, str],
    several: Mapping[str, Sequence[Sequence[float]]],
    marked: Mapping[str, Sequence[float]] | None = None,
) -> list[Figure | None]:
    """A figure for each pair of objectives, with each front.

    Args:
        objectives: Name to ``min`` or ``max``.
        several: Name to ``(n, n_objectives)`` raw values.
        marked: Points with a mark of ``MARKS`` around them, by what they are.
    """
    names = list(objectives)
    goals = [f"{name} ({BETTER[goal]})" for name, goal in objectives.items()]
    drawn: list[tuple[str, Sequence[Sequence[float]], Way]] = [(*one, "points") for one in several.items()]
    for name, point in (marked or {}).items():
        way, shape = MARKS[name]
        drawn.append((f"{name} ({shape})", [point], way))

    return [
        line_chart(
            f"{names[x]} and {names[y]}",
            [
                Series(
                    name,
                    [(one[x], one[y]) for one in points],
                    way,
                    [f"{name}: {told(objectives, one)}" for one in points],
                )
                for name, points, way in drawn
            ],
            x=goals[x],
            y=goals[y],
        )
        for x, y in pairs(objectives)
    ]


def pairs(objectives: Mapping[str, str]) -> list[tuple[int, int]]:
    """Which two objectives each figure of a front has on its axes."""
    return list(combinations(range(len(objectives)), 2))[:PAIRS]


def told(objectives: Mapping[str, str], point: Sequence[float]) -> str:
    """
    >>> told({"loss": "min", "gain": "max"}, [0.5, 3.0])
    'loss 0.5000, gain 3'
    """
    return ", ".join(f"{name} {number(value)}" for name, value in zip(objectives, point, strict=True))
