"""Separable natural evolution strategies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le

from evokit.interfaces import Context
from evokit.searches.gaussian import GaussianSearch, by_rank


@dataclass(frozen=True)
class SNES:
    """Separable natural evolution strategies: a mean and a scale for each number, which follow the natural gradient.

    For thousands to millions of real numbers, such as the weights of a network; a generation costs little more than its
    random numbers, and a state is twice as long as an individual. It learns no correlations: below some hundred
    numbers ``cma`` is better. It finds the scale of each number and goes on to an optimum's last digits; ``pgpe``,
    whose steps are shorter, gets further through noise. Give the genome ``dtype: float32`` and bounds that are wide
    enough not to matter.

    ``population`` is 4 + 3 ln n if null; ``sigma`` is the first standard deviation as a share of each range. ``init``
    gives the first mean, which is else the middle of the box. The mean is measured beside its samples.

    Source: Schaul, Glasmachers and Schmidhuber 2011, "High Dimensions and Heavy Tails for Natural Evolution
    Strategies", algorithm 2; utilities and rates as in Wierstra et al. 2014, "Natural Evolution Strategies", table 1.
    Equal losses share their utilities.
    """

    population: Annotated[int, Ge(2)] | None = None
    generations: Annotated[int, Ge(1)] | None = None
    sigma: Annotated[float, Gt(0), Le(1)] = 0.1

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> SNESSearch:
        return SNESSearch(self, context)


class SNESSearch(GaussianSearch):
    """A generation is one sample; the mean's rate is 1."""

    def __init__(self, options: SNES, context: Context) -> None:
        n = context.genome.n_genes
        size = options.population or 4 + int(3 * math.log(n))
        super().__init__(context, options.generations, size, options.sigma, "snes")
        self._utilities = _utilities(size)
        self._rate = (3 + math.log(n)) / (5 * math.sqrt(n))  # of the standard deviations

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawn = rng.standard_normal((self._size, len(self._mean)), self._mean.dtype)
        samples = drawn * self._sigma
        samples += self._mean
        return drawn, samples

    def _updated(self, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = by_rank(self._utilities, losses).astype(self._mean.dtype)
        slope = weights @ self._drawn
        spread = weights @ np.square(self._drawn, out=self._drawn) - weights.sum()
        return self._mean + self._sigma * slope, self._sigma * np.exp(self._rate / 2 * spread)


def _utilities(n: int) -> np.ndarray:
    """``(n,)``, of the best first; their sum is zero."""
    raw = np.maximum(0.0, np.log(n / 2 + 1) - np.log(np.arange(1, n + 1)))
    shares: np.ndarray = raw / raw.sum() - 1 / n
    return shares
