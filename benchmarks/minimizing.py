"""What ``evokit.minimize`` costs beside a function that takes a few microseconds, and what pymoo's ``minimize`` does.

    python -m benchmarks.overhead minimize [--evaluations 10000] [--repeats 3] [--only GA ...] [--json FILE]

The same function of 10 numbers, as many evaluations, one call a point, populations of 100, one process. evokit keeps
its ledger, lineage, checkpoints and contracts, in a temporary directory, and its start counts; pymoo keeps nothing on
disk. Both take turns, and the fastest of the repeats counts, because other work on the machine only ever adds time.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import evokit
from evokit.assembly.directory import now
from evokit.common.text import table

DIMENSIONS, POPULATION = 10, 100
Call = Callable[[int], None]  # of so many generations


def sphere(x: np.ndarray) -> float:
    return float((x * x).sum())


def two_spheres(x: np.ndarray) -> tuple[float, float]:
    return float((x * x).sum()), float(((x - 0.5) ** 2).sum())


def spheres(x: np.ndarray) -> np.ndarray:
    return np.asarray((x * x).sum(axis=1))


def ours(function: Callable[[np.ndarray], Any], search: str, **keywords: Any) -> Call:
    def call(generations: int) -> None:
        whole = {"name": search, "population": POPULATION}
        evokit.minimize(
            function, low=-1, high=1, dimensions=DIMENSIONS, search=whole | {"generations": generations + 1},
            work=generations * POPULATION, **keywords,
        )  # fmt: skip

    return call


def pymoo(function: Callable[[np.ndarray], Any], algorithm: str, vectorized: bool = False, n_obj: int = 1) -> Call:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.algorithms.soo.nonconvex.de import DE
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import ElementwiseProblem, Problem
    from pymoo.optimize import minimize

    class Given(Problem if vectorized else ElementwiseProblem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(n_var=DIMENSIONS, n_obj=n_obj, xl=-1.0, xu=1.0)

        def _evaluate(self, x: np.ndarray, out: dict[str, Any], *given: object, **named: object) -> None:
            out["F"] = function(x)

    made = {"GA": GA, "DE": DE, "NSGA-II": NSGA2}[algorithm]
    return lambda generations: minimize(Given(), made(pop_size=POPULATION), ("n_gen", generations), seed=1) and None


def calls() -> dict[str, tuple[Call, Call]]:
    """Name to evokit's and pymoo's."""
    return {
        "GA": (ours(sphere, "generational"), pymoo(sphere, "GA")),
        "DE": (ours(sphere, "de"), pymoo(sphere, "DE")),
        "NSGA-II": (ours(two_spheres, "nsga2", objectives=2), pymoo(two_spheres, "NSGA-II", n_obj=2)),
        "GA, vectorized": (ours(spheres, "generational", vectorized=True), pymoo(spheres, "GA", vectorized=True)),
    }


def timed(call: Call, generations: int) -> tuple[float, float]:
    """CPU seconds, and seconds by the clock."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    call(generations)
    return time.process_time() - cpu_s, time.perf_counter() - wall_s


def measured(call: tuple[Call, Call], generations: int, repeats: int) -> dict[str, float]:
    """Microseconds an evaluation, of both."""
    for one in call:
        one(1)  # imports
    times = np.array([[timed(one, generations) for one in call] for _ in range(repeats)])
    each = times.min(axis=0) / (generations * POPULATION) * 1e6
    names = ("evokit_cpu_us", "evokit_wall_us", "pymoo_cpu_us", "pymoo_wall_us")
    return dict(zip(names, each.ravel().round(1).tolist(), strict=True))


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead minimize")
    parser.add_argument("--evaluations", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(calls()))
    parser.add_argument("--json", type=Path, help="docs/results/overhead.json is what the page on benchmarks shows")
    asked = parser.parse_args(words)
    logging.getLogger("evokit").setLevel(logging.ERROR)
    rows = {
        name: measured(call, asked.evaluations // POPULATION, asked.repeats)
        for name, call in calls().items()
        if not asked.only or name in asked.only
    }
    told = [(name, *(f"{figure:.0f}" for figure in row.values())) for name, row in rows.items()]
    print(table(("us an evaluation", "evokit, CPU", "by the clock", "pymoo, CPU", "by the clock"), told))
    if asked.json:
        of = {"command": "python -m benchmarks.overhead minimize", "date": now()[:10], "evaluations": asked.evaluations}
        asked.json.write_text(json.dumps({**of, "rows": rows}, indent=1) + "\n")
