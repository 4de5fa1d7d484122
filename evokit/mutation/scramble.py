"""Scramble mutation: a stretch of genes in random order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.places import between, two_places
from evokit.interfaces import Context
from evokit.mutation.moving import KINDS, moving
from evokit.mutation.rows import RowsAtOnce
from evokit.options import Probability


def scramble_mutation(genes: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Put a stretch of two genes or more into random order, which may by chance be the one that it had.

    Args:
        genes: ``(n, n_genes)``, of two genes or more; left unchanged.
        rng: Draws the stretch's first and last place for each row, each pair as likely, then one number a gene.

    Source: Davis 1991, "Handbook of Genetic Algorithms", chapter 6, scramble sublist mutation.
    """
    n, n_genes = genes.shape
    first, last = two_places(n, n_genes, rng)
    # Sorted by these, genes outside stay where they are and those inside go anywhere between them.
    anywhere = first[:, None] + rng.random(genes.shape) * (last - first + 1)[:, None]
    order = np.where(between(first, last + 1, n_genes), anywhere, np.arange(n_genes))
    return np.take_along_axis(genes, np.argsort(order, axis=1, kind="stable"), axis=1)


@dataclass(frozen=True)
class Scramble:
    """A stretch of genes is put into random order: the largest step of those that move genes.

    For getting out of what ``swap``, ``insertion`` and ``inversion`` cannot leave. ``prob``: chance that an individual
    is mutated at all.

    Source: Davis 1991, "Handbook of Genetic Algorithms", chapter 6.

    Raises:
        ValueError: In ``build``: genes may not stand in each other's places, as their ranges differ.
    """

    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = KINDS

    def build(self, context: Context) -> RowsAtOnce:
        return moving(lambda genes, rng: scramble_mutation(genes, rng=rng), self.prob, context.genome)
