"""Gaussian mutation that is self-adaptive: the lengths of its steps are genes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.bounds import reflected
from evokit.interfaces import Context
from evokit.mutation.rows import RowsAtOnce

SMALLEST = 1e-12  # length of a step, as a fraction of a place's range


def self_adaptive_mutation(
    genes: np.ndarray, *, low: np.ndarray, high: np.ndarray, n_places: int, rng: np.random.Generator
) -> np.ndarray:
    """Change the lengths of steps by a log-normal factor, then move every place by a normal step of its new length.

    Args:
        genes: ``(n, n_genes)`` float64 within the bounds: ``n_places`` numbers, then the natural logarithms of one
            length, or of one for each place, as fractions of the places' ranges; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.
        n_places: How many genes are no lengths.
        rng: For each row, a draw for all lengths, a draw for each if there are several, and one a place.

    Returns:
        ``(n, n_genes)`` genes within the bounds; places beyond one are folded back as between mirrors.

    Source: Beyer and Schwefel 2002, "Evolution strategies: A comprehensive introduction", section 4.2: one length by
    tau = 1 / sqrt(n), several by 1 / sqrt(2 n) together and 1 / sqrt(2 sqrt(n)) each.
    """
    low_places, high_places, logs = low[:n_places], high[:n_places], genes[:, n_places:]
    together = rng.standard_normal((len(genes), 1))
    if logs.shape[1] == 1:
        logs = logs + together / math.sqrt(n_places)
    else:
        each = rng.standard_normal(logs.shape)
        logs = logs + together / math.sqrt(2 * n_places) + each / math.sqrt(2 * math.sqrt(n_places))
    logs = np.clip(logs, low[n_places:], high[n_places:])
    steps = np.exp(logs) * (high_places - low_places) * rng.standard_normal((len(genes), n_places))
    return np.concatenate([reflected(genes[:, :n_places] + steps, low_places, high_places), logs], axis=1)


@dataclass(frozen=True)
class SelfAdaptive:
    """Normal steps whose lengths are genes, so that selection finds them: for the genome ``self_adaptive_vector``.

    For ``mu_comma_lambda`` with five to seven offspring a parent, since under elitism a good individual with useless
    steps lives for ever. Closes in on an optimum without anything to tune; ``cma`` does so with fewer evaluations where
    the genome is a plain real vector.

    Source: Schwefel 1981, "Numerical Optimization of Computer Models"; Beyer and Schwefel 2002, "Evolution strategies:
    A comprehensive introduction", section 4.2.

    Raises:
        ValueError: In ``build``: the genome has no steps.
    """

    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> RowsAtOnce:
        low, high = context.genome.low, context.genome.high
        n_places = getattr(context.genome, "n_places", None)
        if n_places is None:
            raise ValueError("self_adaptive needs genes that are lengths of steps: the genome self_adaptive_vector")
        return RowsAtOnce(
            lambda genes, rng: self_adaptive_mutation(genes, low=low, high=high, n_places=n_places, rng=rng)
        )
