"""Epsilon-lexicase selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Individual
from evokit.options import NonNegative

Select = Callable[[Sequence[Individual], int, np.random.Generator], list[Individual]]


def lexicase(scores: np.ndarray, n: int, *, epsilon: float | None = None, rng: np.random.Generator) -> np.ndarray:
    """Places of members that stay when one objective after the other, in random order, sends the others away.

    Each objective keeps those that are no farther than ``epsilon`` from the best of those that are left.

    Args:
        scores: ``(n_members, n_objectives)`` finite, larger is better.
        n: Number of members to pick, each with an order of objectives of its own.
        epsilon: At least 0; None takes, for each objective, the median absolute deviation in the population.
        rng: Draws the orders, then one of those that are left of each pick.

    Returns:
        ``(n,)`` int64.

    Source: Helmuth, Spector and Matheson 2015, "Solving Uncompromising Problems with Lexicase Selection"; epsilon: La
    Cava, Spector and Danai 2016, "Epsilon-Lexicase Selection for Regression", and as there for the whole population
    ("semi-dynamic" in La Cava et al. 2019).
    """
    return picked(scores, _slack(scores, epsilon), n, rng)


def picked(scores: np.ndarray, slack: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """``lexicase`` for a ``slack`` of each objective, ``(n_objectives,)``."""
    columns = np.ascontiguousarray(scores.T)
    orders = rng.permuted(np.tile(np.arange(len(columns)), (n, 1)), axis=1)
    stayed = [_staying(columns, slack, order) for order in orders]
    return np.array([left[int(share * len(left))] for left, share in zip(stayed, rng.random(n), strict=True)], np.int64)


def _slack(scores: np.ndarray, epsilon: float | None) -> np.ndarray:
    if epsilon is not None:
        return np.full(scores.shape[1], epsilon)
    slack: np.ndarray = np.median(abs(scores - np.median(scores, axis=0)), axis=0)
    return slack


def _staying(columns: np.ndarray, slack: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Places of those that one order of ``(n_objectives, n_members)`` leaves."""
    left = np.arange(columns.shape[1])
    for objective in order:
        worth = columns[objective, left]
        left = left[worth >= worth.max() - slack[objective]]
        if len(left) == 1:
            break
    return left


@dataclass(frozen=True)
class Lexicase:
    """Specialists: members that are among the best by some order of the objectives, whatever their mean.

    By cases, for a fitness that tells a value for each, such as an error for each row of a table; else by objectives,
    of which there must be two or more, the more the better (from about four on fronts hold nearly everybody, and
    ``nsga2`` has nothing to choose by).

    Under constraints the feasible alone are picked, as long as there are any.

    ``epsilon``: how far from the best still counts as best, in the objectives' own unit; null for the median absolute
    deviation of each objective in the population, 0 for exact equality.

    Source: Helmuth, Spector and Matheson 2015; La Cava, Spector and Danai 2016.

    Raises:
        ValueError: In ``build``: there is one objective, and the fitness tells no cases.
    """

    epsilon: NonNegative | None = None

    def build(self, context: Context) -> Specialists:
        if getattr(context.fitness, "cases", 0):
            return Specialists(self.epsilon, weights_of(context.fitness.objectives)[0])
        if len(context.fitness.objectives) < 2:
            only = next(iter(context.fitness.objectives))
            raise ValueError(
                f"lexicase needs values of cases or two or more objectives, the fitness tells {only} alone; let it tell"
                " cases, if it has an option of that name, or use tournament"
            )
        return Specialists(self.epsilon)


@dataclass(frozen=True)
class Specialists:
    """The selection.

    Args:
        epsilon: As of ``lexicase``.
        of_cases: By values of cases, -1 if they are to be small and +1 if large; None for objectives.
    """

    epsilon: float | None
    of_cases: float | None = None

    def __call__(self, population: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
        """``n`` members; the population, measured individuals, is left unchanged.

        Raises:
            ValueError: Nobody is in it, or nobody with values of cases, which no prediction has.
        """
        return self.on(population)(population, n, rng)

    def on(self, population: Sequence[Individual]) -> Select:
        """The selection from one population, whose values are looked at once for many calls. Raises likewise."""
        members = [one for one in population if self.of_cases is None or one.cases is not None]
        if not members:
            what = "measured individual" if self.of_cases is None else "individual with values of cases"
            raise ValueError(f"population: must hold at least one {what}")
        least = min(one.fitness.violation for one in members)
        members = [one for one in members if one.fitness.violation == least]  # all that are feasible, if any is
        if self.of_cases is None:
            scores = np.array([one.fitness.wvalues for one in members])
        else:
            scores = self.of_cases * np.array([one.cases for one in members])
        slack = _slack(scores, self.epsilon)

        def select(_: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
            return [members[place] for place in picked(scores, slack, n, rng)]

        return select
