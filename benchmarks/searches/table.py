"""What was measured, summed up: an area with its interval for each contender, and its difference to the best peer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.searches.contenders import of_kind
from benchmarks.searches.score import TARGETS, area, interval, reached_at, resampled
from benchmarks.searches.store import Row, Store
from benchmarks.searches.suites import BUDGETS, Suite

SEED = 0  # of the resampling
Rows = Mapping[str, Row]  # by function


def show(store: Store, suite: Suite, out: Path) -> None:
    """Print a table for each dimension and budget, and write all that they say."""
    summary = summed_up(store, suite)
    (out / f"{suite.name}.json").write_text(json.dumps(summary, indent=1) + "\n")
    for cell in summary["cells"]:
        print(f"\n{suite.name}, {cell['dimension']}-D, {cell['budget']} evaluations, {cell['runs']} runs a function\n")
        print(markdown(cell))


def summed_up(store: Store, suite: Suite) -> dict[str, Any]:
    """JSON values: a cell for each dimension and budget."""
    dimensions = sorted({row["dimension"] for row in store.rows.values() if row["suite"] == suite.name})
    cells = [_cell(store, suite, dimension, each * dimension) for dimension in dimensions for each in BUDGETS]
    return {"suite": suite.name, "cells": [cell for cell in cells if cell["contenders"]]}


def _cell(store: Store, suite: Suite, dimension: int, budget: int) -> dict[str, Any]:
    found = dict(_rows(store, suite, dimension, budget))
    functions = [name for name in suite.functions if any(name in rows for rows in found.values())]
    whole = {name: rows for name, rows in found.items() if len(rows) == len(functions)}
    n_runs = min((len(row["runs"]) for rows in whole.values() for row in rows.values()), default=0)
    areas = {name: _areas(rows, functions, budget, n_runs) for name, rows in whole.items()}
    drawn = {name: resampled(values, np.random.default_rng(SEED)) for name, values in areas.items()}
    known = of_kind(suite.kind)
    best = max((name for name in areas if not known[name].own), key=lambda name: areas[name].mean(), default=None)
    entries = []
    for name in sorted(areas, key=lambda name: -areas[name].mean()):
        runs = [run for row in whole[name].values() for run in row["runs"][:n_runs]]
        groups = np.array([suite.functions[function] for function in functions])
        entry = {
            "name": name,
            "own": known[name].own,
            "area": float(areas[name].mean()),
            "interval": interval(drawn[name]),
            "groups": {group: float(areas[name][groups == group].mean()) for group in dict.fromkeys(groups.tolist())},
            "median": float(np.median([_best(run, budget) for run in runs])),
            "seconds": float(np.median([run["seconds"] for run in runs])),
            "failed": sum(run["ending"].startswith("failed") for run in runs),
        }
        if best is not None and known[name].own:
            entry["to_best_peer"] = float(areas[name].mean() - areas[best].mean())
            entry["to_best_peer_interval"] = interval(drawn[name] - drawn[best])
        entries.append(entry)
    return {
        "dimension": dimension,
        "budget": budget,
        "functions": len(functions),
        "runs": n_runs,
        "best_peer": best,
        "contenders": entries,
        "unfinished": {name: len(rows) for name, rows in found.items() if name not in whole},
    }


def _rows(store: Store, suite: Suite, dimension: int, budget: int) -> Iterator[tuple[str, Rows]]:
    """Of each contender its rows: those of the budget, or of one that holds it."""
    for name, one in of_kind(suite.kind).items():
        rows: dict[str, Row] = {}
        for key, row in store.rows.items():
            if key[:3] != (suite.name, name, dimension) or key[3] < budget or (one.told and key[3] != budget):
                continue
            if row["function"] not in rows or row["budget"] < rows[row["function"]]["budget"]:
                rows[row["function"]] = row
        if rows:
            yield name, rows


def _areas(rows: Rows, functions: list[str], budget: int, n_runs: int) -> np.ndarray:
    """``(n_functions, n_runs)``."""
    return np.array(
        [
            [area(reached_at(run["at"], run["value"], TARGETS), budget) for run in rows[name]["runs"][:n_runs]]
            for name in functions
        ]
    )


def _best(run: Mapping[str, Any], budget: int) -> float:
    """The lowest value within the budget."""
    return float(
        min((value for at, value in zip(run["at"], run["value"], strict=True) if at <= budget), default=np.inf)
    )


def markdown(cell: Mapping[str, Any]) -> str:
    """The table of a cell."""
    groups = list(cell["contenders"][0]["groups"])
    head = ["search", "area [95 %]", f"to {cell['best_peer']} [95 %]", *groups, "median", "s a run", "failed"]
    lines = [head, ["---"] * len(head)]
    for one in cell["contenders"]:
        low, high = one["interval"]
        difference = ""
        if "to_best_peer" in one:
            difference = "{:+.3f} [{:+.3f}, {:+.3f}]".format(one["to_best_peer"], *one["to_best_peer_interval"])
        lines.append(
            [
                f"**{one['name']}**" if one["own"] else one["name"],
                f"{one['area']:.3f} [{low:.3f}, {high:.3f}]",
                difference,
                *(f"{one['groups'][group]:.3f}" for group in groups),
                f"{one['median']:.2g}",
                f"{one['seconds']:.2f}",
                str(one["failed"] or ""),
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
