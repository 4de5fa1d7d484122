"""Inversion mutation: a stretch of genes turned round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.places import between, two_places
from evokit.interfaces import Context
from evokit.mutation.moving import KINDS, moving
from evokit.mutation.rows import RowsAtOnce
from evokit.options import Probability


def inversion_mutation(genes: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Turn a stretch of two genes or more round.

    Args:
        genes: ``(n, n_genes)``, of two genes or more; left unchanged.
        rng: Draws the stretch's first and last place for each row, each pair as likely.

    Source: Holland 1975, "Adaptation in Natural and Artificial Systems", section 6.4; on tours a random step of 2-opt
    (Croes 1958).
    """
    n, n_genes = genes.shape
    first, last = two_places(n, n_genes, rng)
    places = np.arange(n_genes)
    source = np.where(between(first, last + 1, n_genes), (first + last)[:, None] - places, places)
    return np.take_along_axis(genes, source, axis=1)


@dataclass(frozen=True)
class Inversion:
    """A stretch of genes is turned round: the first choice for closed tours, of which it changes at most two edges.

    ``prob``: chance that an individual is mutated at all.

    Source: Holland 1975, "Adaptation in Natural and Artificial Systems", section 6.4.

    Raises:
        ValueError: In ``build``: genes may not stand in each other's places, as their ranges differ.
    """

    prob: Probability = 1.0
    genes: ClassVar[frozenset[str]] = KINDS

    def build(self, context: Context) -> RowsAtOnce:
        return moving(lambda genes, rng: inversion_mutation(genes, rng=rng), self.prob, context.genome)
