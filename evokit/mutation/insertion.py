"""Insertion mutation: one gene moves to another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.places import between, two_places
from evokit.interfaces import Context
from evokit.mutation.moving import KINDS, moving
from evokit.mutation.rows import RowsAtOnce
from evokit.options import Probability


def insertion_mutation(genes: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Take a gene out and put it in at another place; those between move up by one.

    Args:
        genes: ``(n, n_genes)``, of two genes or more; left unchanged.
        rng: For each row, draws two different places, each pair as likely, and in which direction the gene moves.

    Source: Fogel 1988, "An Evolutionary Approach to the Traveling Salesman Problem".
    """
    n, n_genes = genes.shape
    first, last = two_places(n, n_genes, rng)
    upwards = rng.random((n,)) < 0.5
    # Going up, those behind it come one place nearer; going down, those before it go one farther.
    shift = np.where(upwards[:, None], between(first, last, n_genes), -1 * between(first + 1, last + 1, n_genes))
    source = np.arange(n_genes) + shift
    source[np.arange(n), np.where(upwards, last, first)] = np.where(upwards, first, last)
    return np.take_along_axis(genes, source, axis=1)


@dataclass(frozen=True)
class Insertion:
    """One gene moves to another place: the smallest step where order counts, as in schedules.

    ``prob``: chance that an individual is mutated at all.

    Source: Fogel 1988, "An Evolutionary Approach to the Traveling Salesman Problem".

    Raises:
        ValueError: In ``build``: genes may not stand in each other's places, as their ranges differ.
    """

    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = KINDS

    def build(self, context: Context) -> RowsAtOnce:
        return moving(lambda genes, rng: insertion_mutation(genes, rng=rng), self.prob, context.genome)
