"""The mixed-integer functions of COCO, by ``coco-experiment``."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np

from benchmarks.searches.bbob import GROUPS
from benchmarks.searches.problems import Problem, Suite
from benchmarks.searches.spaces import Spaced

BEST = "._bbob_problem_best_parameter.txt"  # where the package writes a problem's optimum


class Mixint(Suite):
    """Values are above the optimum. A fifth each of the parameters has 2, 4, 8 and 16 values, a fifth are real.

    Source: Tusar, Brockhoff and Hansen 2019, "Mixed-integer benchmark problems for single- and bi-objective
    optimization".
    """

    name = "mixint"
    kind = "space"
    dimensions = (5,)
    targets = np.logspace(2, -8, 51)
    functions: ClassVar[Mapping[str, str]] = {
        str(number): group for number, group in enumerate((one for one, n in GROUPS.items() for _ in range(n)), 1)
    }

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        one = _coco(dimension, instance).get_problem(int(function) - 1)
        whole = one.number_of_integer_variables
        ends = list(zip(one.lower_bounds.tolist(), one.upper_bounds.tolist(), strict=True))
        numbers = [{"int": [round(low), round(high)]} for low, high in ends[:whole]]
        parameters: list[Mapping[str, Any]] = [*numbers, *({"float": [low, high]} for low, high in ends[whole:])]
        lowest = one(_optimum(one))
        return Spaced(
            self.kind,
            dimension,
            lambda points: np.array([one(point) - lowest for point in points]),
            float(self.targets[-1]),
            parameters={f"x{place}": parameter for place, parameter in enumerate(parameters)},
        )


@cache  # its problems go with it
def _coco(dimension: int, instance: int) -> Any:
    import cocoex

    return cocoex.Suite("bbob-mixint", f"instances: {instance}", f"dimensions: {dimension}")


def _optimum(one: Any) -> np.ndarray:
    """Where the package says that it is; it tells a file of the working directory alone."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        one._best_parameter("print")
        point: np.ndarray = np.loadtxt(BEST)
    return point
