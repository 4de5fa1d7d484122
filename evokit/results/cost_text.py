"""What contenders took, in a report: tables of everything that led to each, and of the parts that it is the sum of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evokit.assembly.jobs import CHAMPION
from evokit.common.text import Table, size
from evokit.interfaces import WORK
from evokit.progress import energy
from evokit.results.entries import with_variants
from evokit.runs.costs import PARTS

COSTS = ("work", "cpu_s", "wall_s", "energy_j")


def cost_tables(summary: Mapping[str, Any], entries: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Table]:
    """What each entry took, everything that led to it included, and of which parts that is the sum."""
    whose = ""
    if "repeats" in summary:
        whose = ", mean over repeats" if _has_parts(entries) else " in the repeat with the best champion"
    rows = [(label, total_cost(summary, entry)) for label, entry in with_variants(entries)]
    work = "work" if unit_of(summary) == WORK else f"work ({unit_of(summary)})"
    return [cost_table(f"what it took{whose}", rows, work), *parts_tables(with_variants(entries))]


def unit_of(summary: Mapping[str, Any]) -> str:
    """What work counts."""
    return str(summary.get("work_unit", WORK))  # runs before 2026-12-01 lack it


def cost_table(what: str, rows: Iterable[tuple[str, Mapping[str, Any]]], work: str = "work") -> Table:
    """A row for each label and its cost; ``what`` heads the labels, ``work`` the counted work."""
    return Table((what, work, "CPU s", "wall s", "energy", "peak memory"), [_costs(*row) for row in rows])


def parts_tables(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Table]:
    """CPU seconds of each part of those entries that have several; no table where none has."""
    parts = [(label, entry["parts"]) for label, entry in entries if len(entry.get("parts", ())) > 1]
    rows = [(label, *map(_part(of), PARTS)) for label, of in parts]
    return [Table(("CPU s by part", *PARTS), rows)] if rows else []


def cost_remark(entries: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """What is in ``cost_tables``."""
    if _has_parts(entries):
        return "Every row has all that led to its models, preparations in full also where several rows share one."
    return (
        "Summarised before costs had parts: the champion's confirmation and the preparations that trained "
        "baselines build on are missing."
    )


def _has_parts(entries: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    return all("parts" in entry for _, entry in entries)


def total_cost(summary: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an entry took, everything included; of a summary from before costs had parts what can be told."""
    if "parts" in entry:
        return entry
    others = []
    if entry["name"] == CHAMPION:
        others = [summary["search"]]
    if entry["name"] == CHAMPION or not entry["trained"]:
        others += [summary["prepare"]] if "prepare" in summary else []
    sums = {name: entry[name] + sum(one.get(name, 0) for one in others) for name in COSTS}
    return sums | {"peak_memory_bytes": max(one["peak_memory_bytes"] for one in (entry, *others))}


def _part(of: Mapping[str, Mapping[str, Any]]) -> Callable[[str], str]:
    return lambda part: f"{of[part]['cpu_s']:.1f}" if part in of else ""


def _costs(label: str, cost: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        label,
        f"{cost['work']:,.0f}",
        f"{cost['cpu_s']:.1f}",
        f"{cost['wall_s']:.1f}",
        energy_text(cost, "energy_j"),
        size(cost["peak_memory_bytes"]),
    )


def energy_text(cost: Mapping[str, Any], name: str) -> str:
    """Where nothing says which joules were read from a counter, all count as estimated."""
    return energy(cost[name], cost.get("estimated_j", cost[name]))
