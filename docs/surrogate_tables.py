"""What surrogates save, as a table for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.surrogates import told

HEAD = ("surrogate", "reached", "median evaluations", "with / without", "with / chance", "CPU s a run")


def tables(result: Mapping[str, Any]) -> str:
    """A table for each problem, after what repeats them."""
    parts = [f"`{result['command']}`, {result['date']}, {result['processor']}."]
    for name, case in result["cases"].items():
        rows = [_row(one) for one in result["found"] if one["problem"] == name]
        if rows:
            what = "share of the hypervolume" if case["kind"] == "front" else "value"
            parts.append(
                f"**{name}** ({case['kind']}), {what} {case['target']:g} within {case['budget']:,} evaluations:"
            )
            parts.append("\n".join(f"| {' | '.join(row)} |" for row in [HEAD, ["---"] * len(HEAD), *rows]))
    return "\n\n".join(parts)


def _row(one: Mapping[str, Any]) -> list[str]:
    model, reached = one["model"], f"{one['reached']} of {one['runs']}"
    without = told(one["ratio"], one["interval"]) if model != "none" else ""
    chance = told(one["to_chance"], one["to_chance_interval"]) if model not in ("none", "chance") else ""
    return [model, reached, f"{one['median']:,.0f}", without, chance, f"{one['cpu_s']:.1f}"]
