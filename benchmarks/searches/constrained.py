"""Problems whose solutions must keep to constraints, by pymoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from benchmarks.searches.problems import Over, Problem, Record, Suite

NUMBER = 20  # evaluations are counted in so many, whatever the numbers of a problem, 2 to 20
INFEASIBLE = 1e6  # how bad the violation of 1 counts beside errors of values, of which the first target is 1
OPTIMA: Mapping[str, float] = {
    "g1": -15.0,
    "g2": -0.80361910412559,
    "g4": -30665.538671783328,
    "g6": -6961.81387558015,
    "g7": 24.30620906818,
    "g8": -0.0958250414180359,
    "g9": 680.630057374402,
    "g10": 7049.24802052867,
    "g18": -0.866025403784439,
    "g24": -5.50801327159536,
}


@dataclass(frozen=True)
class Bounded(Problem):
    """A function with constraints: ``values`` are ``(n, 1 + n_constraints)``, what is minimised first.

    Attributes:
        optimum: The least feasible value that is known.
    """

    optimum: float = 0.0

    def record(self, budget: int) -> BoundedRecord:
        return BoundedRecord(self, budget)


class BoundedRecord(Record):
    """An improvement is the error of a feasible point above the optimum, and before there is one a violation."""

    def __init__(self, problem: Bounded, budget: int) -> None:
        super().__init__(problem, budget)
        self.bounded = problem

    @property
    def figures(self) -> dict[str, list[float]]:
        """At each improvement whether it is feasible."""
        return {"feasible": [float(value < INFEASIBLE) for _, value in self.improvements]}

    def _evaluate(self, points: np.ndarray, keys: Sequence[bytes]) -> None:
        for key, row in zip(keys, np.asarray(self.problem.values(points), float), strict=True):
            self._known[key] = row
            self.evaluations += 1
            if (value := self._loss(row)) < self.best:
                self.improvements.append((self.evaluations, value))
                if self.solved:
                    raise Over

    def _loss(self, row: np.ndarray) -> float:
        violation = float(np.maximum(row[1:], 0).sum())
        if violation > 0:
            return INFEASIBLE * (1 + min(violation, 1e90))
        optimum = self.bounded.optimum
        return float(row[0] - optimum) / max(1.0, abs(optimum))


class Constrained(Suite):
    """Functions of the CEC 2006 competition without equations; numbers are in [0, 1], and a point is feasible or not.

    Source: Liang et al. 2006, "Problem Definitions and Evaluation Criteria for the CEC 2006 Special Session on
    Constrained Real-Parameter Optimization", which has the optima.
    """

    name = "constrained"
    kind = "constrained"
    dimensions = (NUMBER,)
    targets = np.logspace(0, -8, 51)
    functions: ClassVar[Mapping[str, str]] = dict.fromkeys(OPTIMA, "CEC 2006")

    def problem(self, function: str, dimension: int, instance: int) -> Bounded:
        return _problem(function)


@cache
def _problem(function: str) -> Bounded:
    from pymoo.problems import get_problem

    one = get_problem(function)
    low, width = np.array(one.xl), np.array(one.xu - one.xl)

    def values(points: np.ndarray) -> np.ndarray:
        found = one.evaluate(low + points * width, return_values_of=["F", "G"], return_as_dictionary=True)
        told: np.ndarray = np.hstack([found["F"], found["G"]])
        return told

    last = float(Constrained.targets[-1])
    return Bounded(
        Constrained.kind, one.n_var, values, last, n_constraints=one.n_ieq_constr, optimum=OPTIMA[function]
    )  # fmt: skip
