"""Gaussian mutation whose steps follow the 1/5 success rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Gt, Le

from evokit.interfaces import Context
from evokit.mutation.gaussian import gaussian_mutation
from evokit.mutation.rows import RowsAtOnce
from evokit.options import Probability

TARGET = 0.2  # share of children that beat their parents where steps are neither too large nor too small
SMALLEST, LARGEST = 1e-12, 1.0  # steps, as fractions of a gene's range


@dataclass(frozen=True)
class OneFifth:
    """Normal steps that grow while more than a fifth of the children beat their parents, and else shrink.

    For real vectors and a budget that lets steps shrink by many orders of magnitude, with a search that keeps its
    parents, such as ``mu_plus_lambda``: closes in on an optimum where ``gaussian`` jumps around it for ever. A child
    beats its parents if it is better than the better one, so let ``crossover`` be seldom or none (``prob: 0``).

    ``sigma``: the first standard deviation, as a fraction of each gene's range; ``prob``: chance that a gene moves. The
    logbook has ``mutation_sigma``.

    Source: Rechenberg 1973, "Evolutionsstrategie"; once a generation by its share of successes, with the damping of
    Igel, Hansen and Roth 2007, "Covariance Matrix Adaptation for Multi-objective Optimization", table 1.
    """

    sigma: Annotated[float, Gt(0), Le(LARGEST)] = 0.1
    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> Stepping:
        return Stepping(self, context.genome.low, context.genome.high)


class Stepping:
    """The mutation, of whole populations too; its steps are of one length until it learns.

    Args:
        options: The first length, and how many genes move.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds.
    """

    def __init__(self, options: OneFifth, low: np.ndarray, high: np.ndarray) -> None:
        self._options, self._low, self._high, self._sigma = options, low, high, options.sigma

    def begun(self) -> Stepping:
        """The same mutation at its first length of steps."""
        return Stepping(self._options, self._low, self._high)

    def rows(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sigma = self._sigma * (self._high - self._low)
        return gaussian_mutation(genes, low=self._low, high=self._high, sigma=sigma, prob=self._options.prob, rng=rng)

    def __call__(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return RowsAtOnce(self.rows)(genes, rng)

    def learn(self, lessons: Sequence[tuple[str, bool]]) -> None:
        """Take whether each child of a generation beat its parents."""
        if lessons:
            share = sum(success for _, success in lessons) / len(lessons)
            damping = 1 + len(self._low) / (2 * len(lessons))
            growth = math.exp((share - TARGET) / (1 - TARGET) / damping)
            self._sigma = min(max(self._sigma * growth, SMALLEST), LARGEST)

    def figures(self) -> dict[str, float]:
        """The length of steps of the next children, as a fraction of each gene's range."""
        return {"sigma": self._sigma}

    def state_dict(self) -> dict[str, Any]:
        return {"sigma": self._sigma}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sigma = state["sigma"]
