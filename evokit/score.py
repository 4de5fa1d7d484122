"""How individuals compare: by weighted values, under constraints by Deb's rules."""

from __future__ import annotations

from operator import truediv
from typing import Any

from deap import base

BEYOND = 2.0**664  # 1e200, how much worse a violation of 1 counts; a power of two, so that none are rounded together
LEAST = 1e-90  # violation that is told from none; beyond its inverse all are alike


class Score(base.Fitness):  # type: ignore[misc]
    """DEAP's comparison under the run's weights. Empty until an ok measurement at full budget (C1).

    Under constraints it follows Deb's rules: the feasible are better than the infeasible, of the infeasible those are
    better that violate less in sum, and of the feasible those of better values. For that ``wvalues``, which every
    comparison reads, DEAP's too, are of an infeasible one not its weighted values: for each objective it is as far
    below all values of a feasible one, which must not be beyond 1e100, as its violation is large. ``values`` are what
    was measured.

    Source: Deb 2000, "An efficient constraint handling method for genetic algorithms"; Deb et al. 2002, "A fast and
    elitist multiobjective genetic algorithm: NSGA-II", section VI.

    Args:
        weights: -1 per objective to minimise, +1 per objective to maximise.
        values: Raw values, one per objective; none means not measured.
        constraints: Their values, none above 0 if it is feasible.

    >>> near, far, good = (Score((-1.0,), (1.0,), (over, -5.0)) for over in (0.1, 0.2, 0.0))
    >>> far < near < good, near.values, near.violation
    (True, (1.0,), 0.1)
    """

    constraints: tuple[float, ...] = ()
    _infeasible: tuple[float, ...] = ()  # values of one that is; ``wvalues`` do not tell them

    def __init__(
        self, weights: tuple[float, ...], values: tuple[float, ...] = (), constraints: tuple[float, ...] = ()
    ) -> None:
        self.weights = weights  # DEAP's own asks of what class they are, which takes longer than all else here
        if values:
            self.values = values
        if constraints:
            self.hold(values, constraints)

    def hold(self, values: tuple[float, ...], constraints: tuple[float, ...]) -> None:
        """Take what was measured; without constraints setting ``values`` does."""
        self.values = values
        self.constraints = constraints
        if (violation := self.violation) > 0:
            self._infeasible = values
            self.wvalues = (-BEYOND * max(violation, LEAST),) * len(values)

    @property
    def violation(self) -> float:
        """The sum of what constraints are above 0, 1e90 at most; 0 of a feasible one."""
        return min(sum(one for one in self.constraints if one > 0), 1 / LEAST) if self.constraints else 0.0

    def _told(self) -> tuple[float, ...]:
        return self._infeasible or tuple(map(truediv, self.wvalues, self.weights))  # as DEAP's getValues

    def _take(self, values: tuple[float, ...]) -> None:
        if self.constraints:
            self._forget()
        base.Fitness.setValues(self, values)

    def _forget(self) -> None:
        base.Fitness.delValues(self)
        if self.constraints:
            self.constraints = self._infeasible = ()

    values = property(_told, _take, _forget)

    def __deepcopy__(self, memo: dict[int, Any]) -> Score:
        # DEAP's own calls the class without arguments, which would lose the run's weights.
        return Score(self.weights, self.values, self.constraints)
