"""The 24 noiseless functions of COCO, by ``ioh``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from benchmarks.searches.problems import Problem, Suite

GROUPS = {"separable": 5, "moderate": 4, "ill-conditioned": 5, "multi-modal": 5, "weak structure": 5}


class Bbob(Suite):
    """Values are above the optimum; an instance is shifted and turned in its own way.

    Source: Hansen, Finck, Ros and Auger 2009, "Real-Parameter Black-Box Optimization Benchmarking 2009: Noiseless
    Functions Definitions".
    """

    name = "bbob"
    kind = "vector"
    dimensions = (5, 20)
    targets = np.logspace(2, -8, 51)
    functions: ClassVar[Mapping[str, str]] = {
        str(number): group for number, group in enumerate((one for one, n in GROUPS.items() for _ in range(n)), 1)
    }

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        import ioh

        one = ioh.get_problem(int(function), instance, dimension, ioh.ProblemClass.BBOB)
        lowest = one.optimum.y
        return Problem(self.kind, dimension, lambda points: np.array(one(points)) - lowest, float(self.targets[-1]))
