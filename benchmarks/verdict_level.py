"""How often chance alone makes a verdict: simulated levels of evokit's interval and of its alternatives.

    python benchmarks/verdict_level.py [--runs 2000] [--json FILE]

A difference is row + unit + rest, each random with mean 0, so that every verdict is a false one; all claim 5 %. Rows
are trainings or repeats, units documents or images. Alternatives: Student's t over units alone; two intervals, over
units and over rows, that must both exclude zero; the crossed variance with Satterthwaite's degrees of freedom; SciPy's
BCa bootstrap over units.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from evokit.assembly.directory import now
from evokit.common.text import table
from evokit.statistics.intervals import LEVEL, p_value

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
RESAMPLES = 999


@dataclass(frozen=True)
class Null:
    """A case without a true difference; ``rows`` and ``rest`` are standard deviations, that of units is 1."""

    units: str
    n_rows: int
    n_units: int
    rows: float = 0.0
    rest: float = 0.0


UNITS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "log-normal": lambda rng, shape: (rng.lognormal(size=shape) - math.exp(0.5)) / math.sqrt(math.e * (math.e - 1)),
    "heavy tails (t, 3)": lambda rng, shape: rng.standard_t(3, shape) / math.sqrt(3),
    "one in 10 fails": lambda rng, shape: np.where(rng.random(shape) < 0.1, 2.7, -0.3) + rng.normal(0, 0.1, shape),
    "ties (-1, 0, 1)": lambda rng, shape: rng.choice([-1.0, 0, 0, 0, 0, 0, 0, 0, 0, 1], shape) / math.sqrt(0.2),
}
NULLS = (
    *(Null(units, 1, n_units) for units in UNITS for n_units in (8, 23, 60) if units != "one in 10 fails"),
    *(
        Null(repeats, 1, n_repeats)
        for repeats in ("normal", "log-normal", "one in 10 fails")
        for n_repeats in (3, 5, 10)
    ),
    *(
        Null(units, n_rows, 23, rows, rest)
        for units in ("normal", "log-normal")
        for n_rows, rows, rest in ((2, 1, 1), (3, 1, 1), (3, 0.3, 1), (5, 0.3, 1), (5, 0.2, 0.1), (10, 0.3, 1))
    ),
    Null("ties (-1, 0, 1)", 8, 500, 0.2, 0.1),
)


def table_of(null: Null, rng: np.random.Generator) -> np.ndarray:
    """``(n_rows, n_units)`` differences."""
    rows, rest = rng.normal(0, null.rows, (null.n_rows, 1)), rng.normal(0, null.rest, (null.n_rows, null.n_units))
    return rows + UNITS[null.units](rng, (1, null.n_units)) + rest


def student(table: np.ndarray) -> bool:
    return bool(stats.ttest_1samp(table.mean(0), 0).pvalue < LEVEL)


def two_intervals(table: np.ndarray) -> bool:
    return student(table) and student(table.T) if len(table) > 1 else student(table)


def satterthwaite(table: np.ndarray) -> bool:
    if len(table) == 1:
        return student(table)
    n_rows, n_units = table.shape
    rest = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    freedom = np.array([n_rows - 1, n_units - 1, (n_rows - 1) * (n_units - 1)])
    of_means = [table.mean(axis).var(ddof=1) / n for axis, n in ((1, n_rows), (0, n_units))]
    parts = np.array([*of_means, (rest**2).sum() / freedom[2] / table.size])
    squared = max(parts[0] + parts[1] - parts[2], parts[0], parts[1])
    t = abs(table.mean()) / math.sqrt(squared)
    return bool(2 * stats.t.sf(t, squared**2 / (parts**2 / freedom).sum()) < LEVEL)


def bca(table: np.ndarray) -> bool:
    means = table.mean(0)
    if not np.ptp(means):
        return False
    found = stats.bootstrap((means,), np.mean, n_resamples=RESAMPLES, vectorized=True, rng=0).confidence_interval
    return bool(found.low > 0 or found.high < 0)


RULES: dict[str, Callable[[np.ndarray], bool]] = {
    "evokit": lambda table: p_value(table) < LEVEL,
    "Student": student,
    "two intervals": two_intervals,
    "Satterthwaite": satterthwaite,
    "BCa": bca,
}


def levels(null: Null, n_runs: int) -> dict[str, float]:
    """Share of runs in which each rule sees a difference."""
    rng = np.random.default_rng([null.n_rows, null.n_units, *map(ord, null.units)])
    tables = [table_of(null, rng) for _ in range(n_runs)]
    return {name: float(np.mean([rule(table) for table in tables])) for name, rule in RULES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--json", type=Path, help="docs/results/verdict_level.json is what the page on trust shows")
    options = parser.parse_args()
    nulls = [{**vars(null), "levels": levels(null, options.runs)} for null in NULLS]
    rows = [
        (one["units"], f"{one['n_rows']} x {one['n_units']}", *map("{:.1%}".format, one["levels"].values()))
        for one in nulls
    ]
    print(table(("units", "rows x units", *RULES), rows))
    if options.json:
        of = {"command": "python benchmarks/verdict_level.py", "date": now()[:10], "runs": options.runs}
        options.json.write_text(json.dumps({**of, "nulls": nulls}, indent=1) + "\n")


if __name__ == "__main__":
    main()
