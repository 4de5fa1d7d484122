"""The pseudo-Boolean functions of IOHprofiler, by ``ioh``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from benchmarks.searches.problems import Problem, Suite, drawn

GROUPS = {"linear and leading ones": 3, "W-model of one-max": 7, "W-model of leading ones": 7, "others": 6}
LABS, LABS_ENERGY = 18, {16: 24, 64: 208}  # the least there is, by the number of bits
LARGEST = 1e-9  # of a rounding


class Pbo(Suite):
    """Values are 0 at the best and 1 where random bits are on average.

    ``ioh``'s first instance, whose bits are turned by a mask of this instance's own, so that no search gains from
    liking ones.

    Source: Doerr, Ye, Horesh, Wang, Shir and Bäck 2020, "Benchmarking discrete optimization heuristics with
    IOHprofiler", its functions 1 to 23; the best of LABS is of Packebusch and Mertens 2016, "Low autocorrelation binary
    sequences", table 2.
    """

    name = "pbo"
    kind = "bits"
    dimensions = (64,)
    targets = np.linspace(1, 0, 51) + LARGEST
    functions: ClassVar[Mapping[str, str]] = {
        str(number): group for number, group in enumerate((one for one, n in GROUPS.items() for _ in range(n)), 1)
    }

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        import ioh

        number = int(function)
        one = ioh.get_problem(number, 1, dimension, ioh.ProblemClass.PBO)
        best = dimension**2 / (2 * LABS_ENERGY[dimension]) if number == LABS else one.optimum.y
        mask = drawn(instance).random(dimension) < 0.5

        def values(points: np.ndarray) -> np.ndarray:
            return np.array([one(point.tolist()) for point in (points.astype(bool) ^ mask).astype(int)])

        random = values(drawn(0).random((1000, dimension)) < 0.5).mean()
        return Problem(self.kind, dimension, lambda points: (best - values(points)) / (best - random), LARGEST)
