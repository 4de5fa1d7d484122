"""Swap mutation: two genes exchange their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.places import two_places
from evokit.interfaces import Context
from evokit.mutation.moving import KINDS, moving
from evokit.mutation.rows import RowsAtOnce
from evokit.options import Probability


def swap_mutation(genes: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Exchange two genes.

    Args:
        genes: ``(n, n_genes)``, of two genes or more; left unchanged.
        rng: Draws two different places for each row, each pair as likely.

    Source: Banzhaf 1990, "The 'Molecular' Traveling Salesman".
    """
    places = np.stack(two_places(len(genes), genes.shape[1], rng), axis=1)
    mutants = genes.copy()
    np.put_along_axis(mutants, places, np.take_along_axis(genes, places[:, ::-1], axis=1), axis=1)
    return mutants


@dataclass(frozen=True)
class Swap:
    """Two genes exchange their places: the smallest step where each place counts by itself, as in assignments.

    For tours ``inversion`` changes less. ``prob``: chance that an individual is mutated at all.

    Source: Banzhaf 1990, "The 'Molecular' Traveling Salesman".

    Raises:
        ValueError: In ``build``: genes may not stand in each other's places, as their ranges differ.
    """

    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = KINDS

    def build(self, context: Context) -> RowsAtOnce:
        return moving(lambda genes, rng: swap_mutation(genes, rng=rng), self.prob, context.genome)
