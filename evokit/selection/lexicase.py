"""Epsilon-lexicase selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Context
from evokit.options import NonNegative
from evokit.selection.picking import Picking


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
    n_members, n_objectives = scores.shape
    if epsilon is None:
        slack = np.median(abs(scores - np.median(scores, axis=0)), axis=0)
    else:
        slack = np.full(n_objectives, epsilon)
    orders = rng.permuted(np.tile(np.arange(n_objectives), (n, 1)), axis=1)
    left = np.ones((n, n_members), bool)
    for objective in orders.T:
        worth = scores.T[objective]
        best = np.where(left, worth, -np.inf).max(axis=1)
        left &= worth >= (best - slack[objective])[:, None]
    chosen = (rng.random(n) * left.sum(axis=1)).astype(np.int64)  # the how manieth of those that are left
    places: np.ndarray = (left.cumsum(axis=1) > chosen[:, None]).argmax(axis=1)
    return places


@dataclass(frozen=True)
class Lexicase:
    """Specialists: members that are among the best by some order of the objectives, whatever their mean.

    For two objectives or more, the more the better (from about four on fronts hold nearly everybody, and ``nsga2`` has
    nothing to choose by).

    ``epsilon``: how far from the best still counts as best, in the objectives' own unit; null for the median absolute
    deviation of each objective in the population, 0 for exact equality.

    Source: Helmuth, Spector and Matheson 2015; La Cava, Spector and Danai 2016.

    Raises:
        ValueError: In ``build``: there is one objective.
    """

    epsilon: NonNegative | None = None

    def build(self, context: Context) -> Picking:
        if len(context.fitness.objectives) < 2:
            only = next(iter(context.fitness.objectives))
            raise ValueError(f"lexicase needs two or more objectives, the fitness has {only} alone; use tournament")
        return Picking(lambda scores, n, rng: lexicase(scores, n, epsilon=self.epsilon, rng=rng))
