"""How searches compare on a suite of problems, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.searches.table import between, further, lacking, told_too

MEDIAN = {
    "bbob": "above the optimum",
    "pbo": "of random's distance",
    "knapsack": "of the profit",
    "tsp": "longer",
    "formulas": "of the variance",
    "fronts": "of the hypervolume missed",
    "constrained": "error",
    "illumination": "of the QD score missed",
    "mixint": "above the optimum",
    "settings": "above the optimum",
}


FEW = 0.5  # of runs that found a feasible point, of which the median is one


def tables(suite: Mapping[str, Any]) -> str:
    """A table for each dimension and budget, after what repeats it."""
    where = ", ".join(suite["processors"])
    lines = [f"`{suite['command']}`, {suite['date']}, {where}; {', '.join(suite['packages'])}."]
    for cell in suite["cells"]:
        of = f"{cell['dimension']} dimensions, " if cell["dimension"] else ""
        lines += [
            f"**{of}{cell['each']} evaluations a dimension**, {cell['functions']} functions{lacking(cell)}:",
            _table(suite, cell),
            *_beside_the_same(cell),
        ]
    return "\n\n".join(lines)


def _beside_the_same(cell: Mapping[str, Any]) -> list[str]:
    """Of each search the difference to the peer that does the same, by group of functions."""
    found = [one for one in cell["contenders"] if "same" in one]
    if not found:
        return []
    groups = list(found[0]["same"]["groups"])
    rows = [["search", "less the same of", *groups], ["---"] * (2 + len(groups))]
    for one in found:
        told = [f"{value:+.3f}{between(ends, '+')}" for value, ends in one["same"]["groups"].values()]
        rows.append([f"**{one['name']}**", one["same"]["peer"], *told])
    return ["\n".join(f"| {' | '.join(row)} |" for row in rows)]


def _table(suite: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    peer = cell["best_peer"] or "a peer"
    head = ["search", "area", f"to {peer}", f"median {MEDIAN[suite['suite']]}", "runs", "CPU s a run"]
    some = told_too(cell)
    head += some.values()
    rows = [head, ["---"] * len(head)]
    for one in cell["contenders"]:
        name, failed = one["name"], f", {one['failed']} failed" if one["failed"] else ""
        rows.append(
            [
                f"**{name}**" if one["own"] else name,
                f"{one['area']:.3f}{between(one['interval'])}",
                f"{one['to_best_peer']:+.3f}{between(one['to_best_peer_interval'], '+')}"
                if "to_best_peer" in one
                else "",
                f"{one['median']:.2g}" if one.get("feasible", 1.0) > FEW else "infeasible",
                f"{one['runs']}{failed}",
                f"{one['seconds']:.2g}" if one["seconds_of"] == cell["each"] else "",
                *further(one, some),
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
