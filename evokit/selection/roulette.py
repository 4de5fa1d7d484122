"""Fitness-proportional selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Context
from evokit.selection.picking import Picking
from evokit.selection.shares import Scaling, pointed_at, shares


def roulette(scores: np.ndarray, n: int, *, scaling: Scaling = "window", rng: np.random.Generator) -> np.ndarray:
    """Places of members, each spin of the wheel by itself.

    Args:
        scores: ``(n_members, n_objectives)`` finite, larger is better.
        n: Number of spins.
        scaling: How scores become shares, see ``shares``.
        rng: One draw a spin.

    Returns:
        ``(n,)`` int64.

    Source: Holland 1975, "Adaptation in Natural and Artificial Systems".
    """
    return pointed_at(shares(scores, scaling), rng.random(n))


@dataclass(frozen=True)
class Roulette:
    """Members in proportion to their fitness. ``stochastic_universal`` does the same with less noise.

    As values may be negative or to be minimised, shares are made of them by ``scaling``: ``window``, in proportion to
    how much better a member is than the worst of the population, which itself is never drawn (one member far ahead is
    drawn nearly always, and among members that are nearly equal differences still count in full); by the first
    objective alone. Or ``ranks``, in proportion to the rank from the worst, so that one far ahead does not take over;
    the best then has about twice the mean share.

    Source: Holland 1975, "Adaptation in Natural and Artificial Systems"; Grefenstette 1986 (``window``), Baker 1985
    (``ranks``).
    """

    scaling: Scaling = "window"

    def build(self, context: Context) -> Picking:
        return Picking(lambda scores, n, rng: roulette(scores, n, scaling=self.scaling, rng=rng))
