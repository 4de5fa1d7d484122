"""What screens did: how well a surrogate predicted, and whether races dropped the right ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from statistics import median
from typing import Any

from evokit.common.charts import Figure, Series, line_chart
from evokit.common.text import Table
from evokit.interfaces import Goal
from evokit.measuring.history import Values, measured_by_generation, values_by_generation
from evokit.results import report
from evokit.results.page.blocks import Block, Section, figures, lines, tables
from evokit.results.page.sources import Source

HARDER = "Those that ran on are the better ones at the rung, which are harder to put in order than all would be."


def screens(source: Source) -> Section:
    """What screens spared, how well the surrogate predicted, and who was dropped at each rung of a race."""
    summary = source.summary
    blocks = lines(*report.screen_lines(summary))
    for screen in summary["screens"]:
        if screen.get("audit"):
            blocks += figures(*_pairs(screen, list(summary["objectives"])), _by_generation(screen["audit"]))
            blocks += _audit(screen["audit"])
    for _, ledger in source.ledgers():
        budgets = measured_by_generation(ledger, "search")
        if len(budgets) > 1:
            blocks += _race(budgets, values_by_generation(ledger, "search"), summary)
            break
    return Section("Surrogate and races", blocks)


def _pairs(screen: Mapping[str, Any], objectives: Sequence[str]) -> Iterator[Figure | None]:
    """Each of the last random share as a point; runs before 2026-11-30 have none."""
    last = screen["audit"][-1]
    for at, name in enumerate(objectives):
        points = [(predicted[at], measured[at]) for predicted, measured in screen.get("pairs", ())]
        if not points:
            continue
        of = last["objectives"].get(name, last)
        low, high = of["interval"]
        ends = [(end, end) for end in (min(map(min, points)), max(map(max, points)))]
        correlation = f"rank correlation {of['rank_correlation']:.2f} [{low:.2f}, {high:.2f}]"
        title = f"{name} of the last random shares, {correlation}"
        series = [Series("individuals", points, "points"), Series("as predicted", ends)]
        yield line_chart(title, series, x="predicted", y="measured")


def _by_generation(audit: Sequence[Mapping[str, Any]]) -> Figure | None:
    points = [(one["generation"] + 1, one["rank_correlation"], *one["interval"]) for one in audit]
    names = ("rank correlation", "low end", "high end")
    series = [Series(name, [(one[0], one[at]) for one in points]) for at, name in enumerate(names, 1)]
    title = "Predicted against measured on the random share, with its 95 % interval"
    return line_chart(title, series, x="generation", y="rank correlation")


def _audit(audit: Sequence[Mapping[str, Any]]) -> list[Block]:
    rows = [
        (
            f"{one['generation'] + 1:,}",
            f"{one['rank_correlation']:.2f}",
            "[{:.2f}, {:.2f}]".format(*one["interval"]),
            f"{one['n']:,}",
            report.value(one.get("calibration")),
            "yes" if one["stepped_aside"] else "",
        )
        for one in audit
    ]
    head = ("generation", "rank correlation", "95 % interval", "of", "error / spread", "all were measured")
    return tables([Table(head, rows)])


@dataclass
class Rung:
    """What became of those that were measured at a budget.

    Attributes:
        measured: How many were.
        failed: Of them.
        dropped: Of those that did not fail, who is not at the next budget.
        pairs: Value here and at full budget of those that have both.
        compared: Pairs of these within a generation that differ at both budgets.
        alike: Of these, how many are in the same order.
        spared: Who is at the next budget, with a value at the full one, although somebody better here was dropped.
        better: Of these, how many are better at full budget than half of the others that ran on.
    """

    measured: int = 0
    failed: int = 0
    dropped: int = 0
    pairs: list[tuple[float, float]] = field(default_factory=list)
    compared: int = 0
    alike: int = 0
    spared: int = 0
    better: int = 0


def rungs(values: Values, goal: Goal) -> dict[int, Rung]:
    """Each budget below the highest.

    Args:
        values: By generation, budget and key, None of who failed.
        goal: ``min`` or ``max``.
    """
    sign = 1 if goal == "min" else -1
    budgets = sorted({budget for of in values.values() for budget in of})
    found = {budget: Rung() for budget in budgets[:-1]}
    for of in values.values():
        full = {key: sign * value for key, value in of.get(budgets[-1], {}).items() if value is not None}
        for budget, after in pairwise(budgets):
            here = {key: sign * value for key, value in of.get(budget, {}).items() if value is not None}
            further = of.get(after, {}).keys()
            rung, gone = found[budget], [value for key, value in here.items() if key not in further]
            rung.measured += len(of.get(budget, {}))
            rung.failed += len(of.get(budget, {})) - len(here)
            rung.dropped += len(gone)
            both = [(here[key], full[key]) for key in here if key in full]
            rung.pairs += [(sign * one, sign * other) for one, other in both]
            for (a, b), (c, d) in combinations(both, 2):
                if a != c and b != d:
                    rung.compared += 1
                    rung.alike += (a < c) == (b < d)
            cut = min(gone, default=float("inf"))
            spared = [end for start, end in both if start > cut]
            kept = [end for start, end in both if start <= cut]
            rung.spared += len(spared) if kept else 0
            rung.better += sum(end < median(kept) for end in spared) if kept else 0
    return found


def _race(
    budgets: Mapping[int, Sequence[tuple[int, int]]], values: Values, summary: Mapping[str, Any]
) -> Iterator[Block]:
    counts = [
        Series(f"at {budget:,}", [(generation + 1, n) for generation, n in some]) for budget, some in budgets.items()
    ]
    found = rungs(values, summary["objective"]["goal"])
    name = summary["objective"]["name"]
    yield from figures(
        line_chart(
            "Measured at each budget; who is not at the next one was dropped", counts, x="generation", y="individuals"
        ),
        line_chart(
            f"{name} of those that ran on",
            [Series(f"at {budget:,}", one.pairs, "points") for budget, one in found.items()],
            x="at the rung",
            y="at full budget",
        ),
    )
    plain = len(summary["objectives"]) == 1 and not summary.get("constraints")  # else others decide than these values
    rows = [
        (
            f"{budget:,}",
            f"{one.measured:,}",
            f"{one.failed:,}" if one.failed else "",
            f"{one.dropped:,}",
            f"{len(one.pairs):,}",
            f"{one.alike / one.compared:.0%} of {one.compared:,}" if one.compared else "",
            f"{one.better:,} of {one.spared:,}" if one.spared and plain else "",
        )
        for budget, one in found.items()
    ]
    head = (
        "budget", "measured", "failed", "dropped", "ran on to full budget", "pairs in the same order there",
        "behind the cut, yet better than half of those kept",
    )  # fmt: skip
    yield from tables([Table(head, rows)], "Whether the right ones were dropped")
    behind = any(row[-1] for row in rows)
    yield from lines(
        HARDER if any(row[-2] for row in rows) else "",
        "Behind the cut are those that ran on only as a part of the surrogate's random share." if behind else "",
    )
