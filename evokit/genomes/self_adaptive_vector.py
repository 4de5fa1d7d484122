"""Vectors of real numbers that carry the lengths of their own mutation's steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Le
from numpy.typing import ArrayLike

from evokit.common.readonly import readonly
from evokit.genomes.real_vector import RealVector, RealVectorOptions
from evokit.interfaces import Context
from evokit.mutation.self_adaptive import SMALLEST, self_adaptive_mutation


class SelfAdaptiveVector(RealVector):
    """Genes are ``n`` numbers, gene i in ``low[i]..high[i]``, then natural logarithms of steps' lengths.

    The phenotype is the first ``n``. Lengths are fractions of a gene's range, from ``SMALLEST`` to 1.

    Args:
        low: Lower bounds, one number or ``(n,)``.
        high: Upper bounds, one number or ``(n,)``.
        n: Places that are measured.
        n_steps: 1 for one length, ``n`` for one a place.
        sigma: The length that random genes have.
        dtype: Of genes and bounds, float64 or float32.

    Raises:
        ValueError: There is no place, a bound is not finite, or a lower bound is not below its upper one.
    """

    def __init__(
        self, low: ArrayLike, high: ArrayLike, n: int, n_steps: int, sigma: float, dtype: type = np.float64
    ) -> None:
        places = RealVector(low, high, n)
        logs = np.full(n_steps, math.log(SMALLEST))
        super().__init__(np.append(places.low, logs), np.append(places.high, 0 * logs), n + n_steps, dtype)
        self.n_places, self._sigma = n, sigma

    def random(self, rng: np.random.Generator) -> np.ndarray:
        """Each place uniform between its bounds, every step of the first length; read-only."""
        genes = super().random(rng).copy()
        genes[self.n_places :] = math.log(self._sigma)
        return readonly(genes)

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The ``own`` mutation: log-normal self-adaptation."""
        mutated = self_adaptive_mutation(genes[None], low=self.low, high=self.high, n_places=self.n_places, rng=rng)
        return readonly(mutated[0])

    def express(self, genes: np.ndarray) -> np.ndarray:
        """The phenotype: ``(n,)`` numbers without the steps."""
        return genes[: self.n_places]

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Features for a surrogate, ``(n,)`` float32: what is measured."""
        return self.express(genes).astype(np.float32)


@dataclass(frozen=True)
class SelfAdaptiveVectorOptions(RealVectorOptions):
    """``length`` numbers between ``low`` and ``high``, and the lengths of the steps by which they mutate.

    Steps are genes themselves, so that they are inherited, recombined and selected: for the mutation ``self_adaptive``
    and a search like ``mu_comma_lambda``. Other operators for real vectors work on them too, without a sense for which
    genes are steps; so do searches like ``cma``, which have no use for them.

    ``step_sizes``: ``one`` for all places, or ``each`` its own, where places matter differently and children are many;
    ``sigma``: what they begin with, as a fraction of a place's range.

    Source: Beyer and Schwefel 2002, "Evolution strategies: A comprehensive introduction", section 4.2.

    Raises:
        ValueError: A bound is not finite, or ``low`` is not below ``high``.
    """

    step_sizes: Literal["one", "each"] = "one"
    sigma: Annotated[float, Gt(0), Le(1)] = 0.1
    genes: ClassVar[str] = SelfAdaptiveVector.genes
    phenotype: ClassVar[str] = SelfAdaptiveVector.phenotype

    def build(self, context: Context) -> SelfAdaptiveVector:
        n_steps = 1 if self.step_sizes == "one" else self.length
        dtype = np.dtype(self.dtype).type
        return SelfAdaptiveVector(self.low, self.high, self.length, n_steps, self.sigma, dtype)
