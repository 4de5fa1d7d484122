"""What was measured, summed up: an area with its interval for each contender, and its difference to the best peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.searches.contenders import SAME, of_kind
from benchmarks.searches.problems import ANY, Suite
from benchmarks.searches.score import interval, reached_at
from benchmarks.searches.store import Row, Store

DIGITS = 4  # after the point, of areas
MORE = {  # what runs of some suites tell too
    "feasible": "feasible",
    "igd_plus": "IGD+",
    "population": "hypervolume of the population",
    "coverage": "coverage",
}
Rows = Mapping[str, Row]  # by function


def summed_up(store: Store, suite: Suite) -> dict[str, Any]:
    """JSON values: a cell for each dimension and budget."""
    dimensions = sorted({row["dimension"] for row in store.rows.values() if row["suite"] == suite.name})
    cells = [_cell(store, suite, dimension, each) for dimension in dimensions for each in suite.budgets]
    rows = [row for row in store.rows.values() if row["suite"] == suite.name]
    return {
        "suite": suite.name,
        "command": f"python -m benchmarks searches --suite {suite.name}",
        "date": max((row["date"] for row in rows), default=""),
        "processors": sorted({row["processor"] for row in rows}),
        "packages": sorted({row["package"] for row in rows}),
        "cells": [cell for cell in cells if cell["contenders"]],
    }


def rows_of(store: Store, suite: Suite, dimension: int, each: int) -> Mapping[str, Rows]:
    """Of each contender its rows: those of the budget, or of the next larger one, which holds it."""
    found: dict[str, dict[str, Row]] = {}
    for name, one in of_kind(suite.kind).items():
        for key, row in sorted(store.rows.items(), key=lambda item: -item[0][3]):
            if key[:3] == (suite.name, name, dimension) and (key[3] == each or (key[3] > each and not one.told)):
                found.setdefault(name, {})[row["function"]] = row
    return found


def reached(suite: Suite, rows: Rows, functions: Sequence[str], each: int) -> Iterator[tuple[np.ndarray, int]]:
    """Run by run when it reached each target, and how many evaluations it had."""
    for name in functions:
        for run in rows[name]["runs"]:
            yield reached_at(run["at"], run["value"], suite.targets), run["budget"] * each // rows[name]["each"]


def _cell(store: Store, suite: Suite, dimension: int, each: int) -> dict[str, Any]:
    found = rows_of(store, suite, dimension, each)
    functions = [name for name in suite.functions if any(name in rows for rows in found.values())]
    whole = {name: rows for name, rows in found.items() if len(rows) == len(functions)}
    areas = {name: _areas(suite, rows, functions, each) for name, rows in whole.items()}
    known = of_kind(suite.kind)
    best = max((name for name in areas if not known[name].own), key=lambda name: areas[name].mean(), default=None)
    groups = np.array([suite.functions[function] for function in functions])
    entries = []
    for name in sorted(areas, key=lambda name: -areas[name].mean()):
        entry = {
            "name": name,
            "own": known[name].own,
            "runs": areas[name].shape[1],
            "area": _rounded(areas[name].mean()),
            "interval": _interval(areas[name]),
            "groups": {
                group: _rounded(areas[name][groups == group].mean()) for group in dict.fromkeys(groups.tolist())
            },
            **_of_runs(whole[name], each),
        }
        if best is not None and known[name].own:
            difference = _difference(areas[name], areas[best])
            entry["to_best_peer"] = _rounded(difference.mean())
            entry["to_best_peer_interval"] = _interval(difference)
        if (same := SAME.get(name)) in areas and known[name].own:
            difference = _difference(areas[name], areas[same])
            by_group = {group: difference[groups == group] for group in entry["groups"]}
            entry["same"] = {
                "peer": same,
                "groups": {group: [_rounded(some.mean()), _interval(some)] for group, some in by_group.items()},
            }
        entries.append(entry)
    return {
        "dimension": dimension,
        "each": each,
        "functions": len(functions),
        "best_peer": best,
        "contenders": entries,
        "unfinished": {name: len(found.get(name, ())) for name in known if name not in whole},
    }


def _difference(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Of ``(n_functions, n_runs)`` areas, of as many runs as both have."""
    runs = min(mine.shape[1], theirs.shape[1])
    found: np.ndarray = mine[:, :runs] - theirs[:, :runs]
    return found


def _areas(suite: Suite, rows: Rows, functions: Sequence[str], each: int) -> np.ndarray:
    """``(n_functions, n_runs)``, as many runs as each function has."""
    n_runs = min(len(rows[name]["runs"]) for name in functions)
    found = [
        [suite.score(*one) for one in reached(suite, {name: rows[name]}, [name], each)][:n_runs] for name in functions
    ]
    return np.array(found)


def _interval(areas: np.ndarray) -> list[float] | None:
    """Of the mean of ``(n_functions, n_runs)`` areas; one run has none."""
    ends = interval(areas.mean(axis=0))
    return ends and [_rounded(end) for end in ends]


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def _of_runs(rows: Rows, each: int) -> dict[str, Any]:
    """The median of what runs found, CPU seconds of one (of the largest budget it has), and how many failed."""
    runs = [(run, run["budget"] * each // row["each"]) for row in rows.values() for run in row["runs"]]
    return {
        "median": float(f"{np.median([_best(run, budget) for run, budget in runs]):.3g}"),
        "seconds": float(f"{np.mean([run['seconds'] for run, _ in runs]):.3g}"),
        "seconds_of": max(row["each"] for row in rows.values()),
        "failed": sum(run["ending"].startswith("failed") for run, _ in runs),
        **{
            name: float(f"{np.mean([_at(run, name, most) for run, most in runs]):.3g}")
            for name in MORE
            if all(name in run for run, _ in runs)
        },
    }


def _at(run: Mapping[str, Any], name: str, budget: int) -> float:
    """What a run tells beside its last value within the budget."""
    within = (value for at, value in zip(run["at"], run[name], strict=True) if at <= budget)
    return float(list(within)[-1])


def _best(run: Mapping[str, Any], budget: int) -> float:
    """The lowest value within the budget."""
    within = (value for at, value in zip(run["at"], run["value"], strict=True) if at <= budget)
    return float(min(within, default=np.inf))


def heading(suite: str, cell: Mapping[str, Any]) -> str:
    """What a cell is of."""
    where = "" if cell["dimension"] == ANY else f" in {cell['dimension']} dimensions"
    return f"{suite}{where}, {cell['each']} evaluations per dimension, {cell['functions']} functions{lacking(cell)}"


def lacking(cell: Mapping[str, Any]) -> str:
    """Who is not compared as it has too few of the functions."""
    some = "".join(f"; {name} has {n} of them" for name, n in cell["unfinished"].items() if n)
    none = ", ".join(name for name, n in cell["unfinished"].items() if not n)
    return f"{some}; not measured: {none}" if none else some


def between(ends: Sequence[float] | None, sign: str = "") -> str:
    """The ends of an interval, if there is one, after the number that it is of."""
    return "" if ends is None else " [{0:{s}.3f}, {1:{s}.3f}]".format(*ends, s=sign)


def markdown(cell: Mapping[str, Any]) -> str:
    """The table of a cell."""
    groups = list(cell["contenders"][0]["groups"])
    peer = cell["best_peer"] or "a peer"
    head = ["search", "area [95 %]", f"to {peer} [95 %]", *groups, "median", "runs", "CPU s a run"]
    some = told_too(cell)
    head += some.values()
    lines = [head, ["---"] * len(head)]
    lines += [[*_line(one, groups, cell["each"]), *further(one, some)] for one in cell["contenders"]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def told_too(cell: Mapping[str, Any]) -> Mapping[str, str]:
    """What else there is to show of a cell, with its heading."""
    return {name: head for name, head in MORE.items() if any(name in one for one in cell["contenders"])}


def further(one: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Of a contender, by ``told_too``; empty where it does not tell."""
    return [f"{one[name]:.3g}" if name in one else "" for name in names]


def _line(one: Mapping[str, Any], groups: Sequence[str], each: int) -> list[str]:
    difference = ""
    if "to_best_peer" in one:
        difference = f"{one['to_best_peer']:+.3f}{between(one['to_best_peer_interval'], '+')}"
    return [
        f"**{one['name']}**" if one["own"] else one["name"],
        f"{one['area']:.3f}{between(one['interval'])}",
        difference,
        *(f"{one['groups'][group]:.3f}" for group in groups),
        f"{one['median']:.2g}",
        f"{one['runs']}" + (f", {one['failed']} failed" if one["failed"] else ""),
        f"{one['seconds']:.2f}" if one["seconds_of"] == each else "",
    ]
