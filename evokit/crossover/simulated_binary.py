"""Simulated binary crossover (SBX) inside bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.readonly import readonly
from evokit.crossover.pairs import PairsAtOnce, check_pair, within
from evokit.interfaces import Context
from evokit.options import Positive, Probability

ALIKE = 1e-14  # genes that lie no farther apart have no spread to simulate


def simulated_binary_crossover(
    a: np.ndarray, b: np.ndarray, *, low: np.ndarray, high: np.ndarray, eta: float = 15.0, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Spread half of the genes around both parents as one-point crossover on their binary codes would.

    Args:
        a: ``(n_genes,)`` float64 parent within the bounds, or ``(n, n_genes)`` of them; left unchanged.
        b: Parent of the same shape; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.
        eta: Above 0; the larger, the nearer children stay to their parents.
        rng: Three draws a gene: whether it is crossed, how far, and which child gets which.

    Returns:
        Two read-only children of the same shape within the bounds.

    Raises:
        ValueError: The parents differ in shape.

    Source: Deb and Agrawal 1995, "Simulated Binary Crossover for Continuous Search Space"; with bounds as in Deb's code
    of NSGA-II and in DEAP's ``cxSimulatedBinaryBounded``.
    """
    check_pair(a, b)
    crossed, draw, turned = rng.random((3, *a.shape))
    places = np.flatnonzero((crossed <= 0.5) & (abs(a - b) > ALIKE))
    columns = places % a.shape[-1]
    x, y, draw, low, high = a.take(places), b.take(places), draw.take(places), low[columns], high[columns]
    lower, upper = np.minimum(x, y), np.maximum(x, y)
    spread = upper - lower
    below = 0.5 * (lower + upper - _stretch(draw, (lower - low) / spread, eta) * spread)
    above = 0.5 * (lower + upper + _stretch(draw, (high - upper) / spread, eta) * spread)
    below, above = np.clip(below, low, high), np.clip(above, low, high)
    turned = turned.take(places) <= 0.5
    first, second = a.copy(), b.copy()
    first.put(places, np.where(turned, above, below))
    second.put(places, np.where(turned, below, above))
    return readonly(first), readonly(second)


def _stretch(draw: np.ndarray, room: np.ndarray, eta: float) -> np.ndarray:
    """The spread of the children over that of the parents, where a bound leaves ``room`` spreads of the parents."""
    alpha = 2 - (1 + 2 * room) ** -(eta + 1)
    inward = draw * alpha <= 1
    return np.where(inward, draw * alpha, 1 / np.where(inward, 1.0, 2 - draw * alpha)) ** (1 / (eta + 1))


@dataclass(frozen=True)
class SimulatedBinary:
    """Children spread around both parents, mostly near them; the first choice for real numbers in NSGA-II.

    ``eta``: the larger, the nearer to the parents (2 to 30); ``prob``: chance that a pair is crossed at all.
    """

    prob: Probability = 0.9
    eta: Positive = 15.0
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> PairsAtOnce:
        return within(context.genome, simulated_binary_crossover, self.prob, eta=self.eta)
