"""Problems with several objectives, whose true Pareto fronts are known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np

from benchmarks.searches.problems import Problem, Record, Suite
from benchmarks.searches.true_fronts import nondominated, true_front

NUMBER = 20  # evaluations are counted in so many, whatever the numbers of a problem, 2 to 80
POPULATION = 100  # of every search that has one
REFERENCE = 1.1  # of each objective, where the true front is from 0 to 1
EVEN = 501  # points of a true front for distances to it
FAR = 1e6  # the distance, where nothing feasible was found
CHECKS = np.logspace(-2, 0, 21)  # shares of the budget at which fronts are looked at
LEVELS = 10_000  # of the hypervolume that are told apart
NUMBERS: Mapping[str, Mapping[str, int]] = {"dtlz2": {"n_var": 12, "n_obj": 3}, "ctp1": {"n_var": 10}}
MOST = {"dtlz2": REFERENCE**3 - math.pi / 6}  # an eighth of a ball is what the sphere does not dominate


@dataclass(frozen=True)
class Traded(Problem):
    """A function with several values, after which a point's constraints come; of numbers in [0, 1] or of ``bits``.

    Attributes:
        low, high: ``(n_objectives,)`` of the true front.
        most: Hypervolume of the true front, in its own unit.
        front: ``(n, n_objectives)`` points of it, in that unit.
    """

    n_objectives: int = 2
    low: np.ndarray = field(repr=False, default_factory=lambda: np.zeros(2))
    high: np.ndarray = field(repr=False, default_factory=lambda: np.ones(2))
    most: float = 1.0
    front: np.ndarray = field(repr=False, default_factory=lambda: np.zeros((1, 2)))

    def record(self, budget: int) -> TradedRecord:
        return TradedRecord(self, budget)


class TradedRecord(Record):
    """Keeps what nothing dominates of all feasible points that were evaluated, whatever the search itself keeps.

    An improvement is a share of the true front's hypervolume that is missed, noted at some of the evaluations. Whoever
    has a population tells it too, when it has chosen who survives.
    """

    def __init__(self, problem: Traded, budget: int) -> None:
        super().__init__(problem, budget)
        self.traded = problem
        self._front = np.empty((0, problem.n_objectives))
        self._checks = np.unique(np.round(CHECKS * budget).astype(int)).tolist()
        self._far: list[float] = []
        self._kept: list[float] = []

    @property
    def figures(self) -> dict[str, list[float]]:
        """At each improvement IGD+ of all that was found, and the population's hypervolume, if there is one."""
        return {"igd_plus": self._far, **({"population": self._kept} if len(self._kept) == len(self._far) else {})}

    def kept(self, values: np.ndarray) -> None:
        """Take the values and constraints of a population, in one row a member, after an improvement was noted."""
        new = len(self._far) - len(self._kept)
        if new:
            self._kept += [round(self._share(self._scaled(values)), 6)] * new

    def _evaluate(self, points: np.ndarray, keys: Sequence[bytes]) -> None:
        values = np.asarray(self.problem.values(points), float)
        self._known |= zip(keys, values, strict=True)
        done = 0
        while done < len(values):
            check = self._checks[len(self._far)]
            some = values[done : done + check - self.evaluations]
            self._front = nondominated(np.concatenate([self._front, self._scaled(some)]))
            self.evaluations, done = self.evaluations + len(some), done + len(some)
            if self.evaluations == check:
                self.improvements.append((check, 1 - self._share(self._front)))
                self._far.append(float(f"{_igd_plus(self._front, self.traded.front):.4g}"))

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        """The values of the feasible."""
        n = self.traded.n_objectives
        values = rows[(rows[:, n:] <= 0).all(axis=1), :n]
        scaled: np.ndarray = (values - self.traded.low) / (self.traded.high - self.traded.low)
        return scaled

    def _share(self, front: np.ndarray) -> float:
        return volume(front) / self.traded.most


class Fronts(Suite):
    """ZDT1 to ZDT6, DTLZ2 with three objectives, and problems under constraints, by pymoo.

    ZDT5 has bits, all others numbers in [0, 1]; CTP1 has ten. A run's score is the share of the true front's
    hypervolume that all feasible points dominate that it has evaluated, up to a point a tenth beyond the front's worst
    in each objective. Runs differ by their seed alone.

    Source: Zitzler, Deb and Thiele 2000, "Comparison of Multiobjective Evolutionary Algorithms: Empirical Results";
    Deb, Thiele, Laumanns and Zitzler 2005, "Scalable Test Problems for Evolutionary Multiobjective Optimization"; Deb,
    Pratap and Meyarivan 2001, "Constrained Test Problems for Multi-objective Evolutionary Optimization".
    """

    name = "fronts"
    kind = "fronts"
    dimensions = (NUMBER,)
    targets = 1 - np.arange(1, LEVELS + 1) / LEVELS
    functions: ClassVar[Mapping[str, str]] = {
        one: one
        for one in (
            *("zdt1", "zdt2", "zdt3", "zdt4", "zdt5", "zdt6", "dtlz2"),
            *("bnh", "srn", "tnk", "osy", "ctp1"),
        )
    }

    def score(self, reached: np.ndarray, budget: int) -> float:
        """The share at the end of a run."""
        return float((reached <= budget).mean())

    def problem(self, function: str, dimension: int, instance: int) -> Traded:
        return _problem(function)


@cache
def _problem(function: str) -> Traded:
    from pymoo.problems import get_problem

    one = get_problem(function, **NUMBERS.get(function, {}))
    low, width = np.array(one.xl), np.array(one.xu - one.xl)
    front = true_front(function, one)
    best, worst = front.min(axis=0), front.max(axis=0)
    front = (front - best) / (worst - best)

    def values(points: np.ndarray) -> np.ndarray:
        found = one.evaluate(low + points * width, return_values_of=["F", "G"], return_as_dictionary=True)
        rows: np.ndarray = np.hstack([found["F"], found["G"]])
        return rows

    return Traded(
        "bits" if function == "zdt5" else Fronts.kind, one.n_var, values, n_objectives=one.n_obj,
        n_constraints=one.n_ieq_constr, low=best, high=worst, most=MOST.get(function) or volume(front),
        front=front[:: max(1, len(front) // EVEN)],
    )  # fmt: skip


def volume(front: np.ndarray) -> float:
    """The hypervolume of ``(n, n_objectives)`` points.

    >>> round(volume(np.array([[0.0, 1.0], [1.0, 0.0]])), 2)
    0.21
    """
    import moocore

    if not len(front):
        return 0.0
    return float(moocore.hypervolume(front, ref=[REFERENCE] * front.shape[1]))


def _igd_plus(front: np.ndarray, true: np.ndarray) -> float:
    import moocore

    return float(moocore.igd_plus(front, true)) if len(front) else FAR
