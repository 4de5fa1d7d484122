"""The race: everybody runs a short way, the better part runs on (successive halving)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Interval, MinLen

from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Goal, Individual, Measure, Score
from evokit.screens.share import count_of
from evokit.statistics.pareto import preferred


@dataclass(frozen=True)
class Race:
    """At each rung, a lower budget of the fitness, the best ``keep`` share goes on.

    With several objectives the best are those of the lower fronts, and within a front the less crowded, as in NSGA-II.
    ``rungs: null`` takes all budgets below the full one. A surrogate's random share is never dropped.

    Source: Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization".
    """

    rungs: Annotated[tuple[int, ...], MinLen(1)] | None = None
    keep: Annotated[float, Interval(gt=0, le=1)] = 0.5

    def build(self, context: Context) -> Racing:
        lower = list(context.fitness.budgets[:-1])
        rungs = lower if self.rungs is None else list(self.rungs)
        if not lower:
            raise ValueError("this fitness has one budget only, so there is nothing to race over")
        if strangers := [rung for rung in rungs if rung not in lower]:
            raise ValueError(f"rungs {strangers} are no lower budgets of this fitness; it has {lower}")
        if rungs != sorted(set(rungs)):
            raise ValueError(f"rungs must ascend, got {rungs}")
        return Racing(rungs, self.keep, context.fitness.objectives)


class Racing:
    """The screen at work.

    Args:
        rungs: Budgets that it measures at.
        keep: Share that survives each.
        objectives: By name.
        goes_on: Whether a measurement goes on from the last rung's, so that its work is what it adds.
    """

    def __init__(
        self, rungs: Sequence[int], keep: float, objectives: Mapping[str, Goal], *, goes_on: bool = False
    ) -> None:
        self.rungs, self._keep, self._weights = rungs, keep, weights_of(objectives)
        self._goes_on = goes_on
        self._dropped = 0
        self._rung_work = 0

    def __call__(self, candidates: Sequence[Individual], measure: Measure) -> list[Individual]:
        runners = list(candidates)
        for rung in self.rungs:
            evaluations = measure(runners, rung)
            self._rung_work += sum(one.work for one in evaluations)
            n_kept = count_of(self._keep, len(runners))
            finished = [index for index, one in enumerate(evaluations) if one.ok]
            scores = [Score(self._weights, one.values, one.constraints) for one in evaluations if one.ok]
            order = [finished[place] for place in preferred(scores)]
            kept = set(order[:n_kept]) | {index for index in finished if runners[index].audited}
            self._dropped += len(runners) - len(kept)
            runners = [one for index, one in enumerate(runners) if index in kept]
        return runners

    def observe(self, generation: int, measured: Sequence[Individual]) -> None:
        """A race learns nothing."""

    def expected(self, n: float, generation: int) -> tuple[float, float]:
        """As in ``Screen``; a surrogate's random share comes on top."""
        work = 0.0
        for rung in self.rungs:
            work += n * rung
            n = count_of(self._keep, n)
            if self._goes_on:
                work -= n * rung  # which the next budget does not repeat
        return n, work

    def summary(self) -> dict[str, Any]:
        return {"screen": "race", "dropped": self._dropped, "work": self._rung_work}

    def state_dict(self) -> dict[str, Any]:
        return {"dropped": self._dropped, "work": self._rung_work}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._dropped, self._rung_work = state["dropped"], state["work"]
