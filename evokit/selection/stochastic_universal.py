"""Stochastic universal sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Context
from evokit.selection.picking import Picking
from evokit.selection.shares import Scaling, pointed_at, shares


def stochastic_universal(
    scores: np.ndarray, n: int, *, scaling: Scaling = "window", rng: np.random.Generator
) -> np.ndarray:
    """Places of members by one spin of a wheel with ``n`` pointers at equal distances, in random order.

    Args:
        scores: ``(n_members, n_objectives)`` finite, larger is better.
        n: Number of pointers; each member gets its share of them, rounded up or down.
        scaling: How scores become shares, see ``shares``.
        rng: One draw for the spin, then the order.

    Returns:
        ``(n,)`` int64.

    Source: Baker 1987, "Reducing Bias and Inefficiency in the Selection Algorithm".
    """
    # In order of the wheel, neighbours would be alike, and neighbours become parents.
    return rng.permutation(pointed_at(shares(scores, scaling), (np.arange(n) + rng.random()) / n))


@dataclass(frozen=True)
class StochasticUniversal:
    """Members in proportion to their fitness, each as often as its share says, rounded up or down.

    ``roulette`` with less noise. All of that where a generation is made at once, by a crossover and a mutation of whole
    populations; elsewhere parents are drawn two by two, and only a pair's two pointers lie apart.

    ``scaling``: how values become shares, as for ``roulette``: ``window``, how much better than the worst; ``ranks``.

    Source: Baker 1987, "Reducing Bias and Inefficiency in the Selection Algorithm".
    """

    scaling: Scaling = "window"

    def build(self, context: Context) -> Picking:
        return Picking(lambda scores, n, rng: stochastic_universal(scores, n, scaling=self.scaling, rng=rng))
