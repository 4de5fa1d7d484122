"""A Pareto front in a report: its members, what it dominates, and its knee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evokit.common.text import Table, counted, table, wrapped
from evokit.genomes.individuals import weights_of
from evokit.progress import number
from evokit.statistics.pareto import FRONT, knee

SHOWN = 12  # members of a front
OF_BOX = "as a share of the box around these"


def front_text(summary: Mapping[str, Any]) -> str:
    """The front for a terminal; empty if there is none."""
    if not summary["front"]:
        return ""
    title, members, lines = front_told(summary)
    return "\n".join([f"{title}:", "", table(*members), "", *map(wrapped, lines)])


def front_told(summary: Mapping[str, Any]) -> tuple[str, Table, list[str]]:
    """The trade-offs by their first objective, thinned where there are many, and what they dominate."""
    front = summary["front"]
    n_shown = min(SHOWN, len(front))
    shown = [round(step * (len(front) - 1) / max(n_shown - 1, 1)) for step in range(n_shown)]
    goals = summary["objectives"]
    head = [f"{name} ({'lower' if goal == 'min' else 'higher'} is better)" for name, goal in goals.items()]
    shared = [one.get("shared_by", 1) for one in front]  # runs before 2026-11-28 lack it
    rows = [
        (*map(number, front[at]["values"]), front[at]["key"][:8], f"{shared[at]:,}" if max(shared) > 1 else "")
        for at in shown
    ]
    some = "" if len(shown) == len(front) else f", of which {len(shown)} are shown"
    kept = " (of more, the most crowded were left out)" if len(front) >= FRONT else ""
    title = f"Pareto front of all that was measured{of_repeat(summary)}, {counted(len(front), 'point')}{kept}{some}"
    n = averaged(summary, "hypervolume")
    of = f"mean of {n} repeats, as a share of the box around all their" if n > 1 else OF_BOX
    lines = [volumes_line(summary["hypervolume"], of)]
    gaps = summary.get("gaps") or {}  # runs before 2026-11-29 lack it
    if len(gaps) > 1:  # of one front alone all are 0
        told = "; ".join(f"{name} {number(one['igd_plus'])}, {number(one['epsilon'])}" for name, one in gaps.items())
        mean = "; means" if n > 1 else ""
        lines.append(
            f"Distances to the best of all fronts together in that box (IGD+, epsilon; 0 is best{mean}): {told}"
        )
    if (at := knee_of(summary)) is not None:
        told = ", ".join(f"{name} {number(value)}" for name, value in zip(goals, front[at]["values"], strict=True))
        key = front[at]["key"][:8]
        lines.append(f"The knee, furthest on the better side of the line between the ends: {told}, key {key}")
    return title, Table((*head, "key", "individuals"), rows), lines


def knee_of(summary: Mapping[str, Any]) -> int | None:
    """Which member of the front is its knee, if one is."""
    return knee([one["values"] for one in summary["front"]], weights_of(summary["objectives"]))


def volumes_line(shares: Mapping[str, float], of: str = OF_BOX) -> str:
    """What each front dominates, as a share ``of`` what."""
    told = ", ".join(f"{name} {number(share)}" for name, share in shares.items())
    return f"Hypervolume, {of} fronts (1 is ideal): {told}"


def averaged(summary: Mapping[str, Any], measure: str) -> int:
    """Over how many repeats a measure of fronts or archives is the mean; 0 where it is that of one run alone."""
    told = [one.get(measure) for one in summary.get("repeats", ())]  # runs before 2026-12-01 lack it
    return len(told) if len(told) > 1 and all(told) else 0


def of_repeat(summary: Mapping[str, Any]) -> str:
    """Of which repeat it is what is shown of one alone; empty where there is but one."""
    return f" in the repeat with seed {summary['seed']}" if len(summary.get("repeats", ())) > 1 else ""
