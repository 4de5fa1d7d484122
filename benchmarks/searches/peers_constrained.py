"""The field's searches under constraints, on numbers in [0, 1], each with its own defaults.

Those that take a point to begin with get the middle of the box, and for their restarts points drawn from it.
"""

from __future__ import annotations

import numpy as np

from benchmarks.searches.loops import pymoo_loop
from benchmarks.searches.problems import Record


def pymoo_ga(record: Record, seed: int) -> None:
    """pymoo's GA: 100 individuals, the feasible first."""
    from pymoo.algorithms.soo.nonconvex.ga import GA

    pymoo_loop(GA(), record, seed, 0.0, 1.0)


def pymoo_de(record: Record, seed: int) -> None:
    """pymoo's DE: 100 individuals, DE/best/1/bin."""
    from pymoo.algorithms.soo.nonconvex.de import DE

    pymoo_loop(DE(), record, seed, 0.0, 1.0)


def pymoo_isres(record: Record, seed: int) -> None:
    """pymoo's evolution strategy with stochastic ranking, which is made for constraints."""
    from pymoo.algorithms.soo.nonconvex.isres import ISRES

    pymoo_loop(ISRES(), record, seed, 0.0, 1.0)


def scipy_slsqp(record: Record, seed: int) -> None:
    """SciPy's SLSQP with gradients by differences, from a new point whenever it has ended."""
    from scipy.optimize import minimize

    n, rng = record.problem.dimension, np.random.default_rng(seed)

    def rows(point: np.ndarray) -> np.ndarray:
        found: np.ndarray = record.many(np.clip(point, 0, 1)[None])[0]
        return found

    start = np.full(n, 0.5)
    while True:
        minimize(
            lambda point: float(rows(point)[0]),
            start,
            method="SLSQP",
            bounds=[(0, 1)] * n,
            constraints=[{"type": "ineq", "fun": lambda point: -rows(point)[1:]}],
        )
        start = rng.random(n)
