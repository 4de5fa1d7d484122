"""Partially mapped crossover (PMX), for genes that are permutations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.places import between, places_of, two_places
from evokit.crossover.pairs import PairsAtOnce
from evokit.interfaces import Context
from evokit.options import Probability


def partially_mapped_crossover(
    a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Swap a stretch between parents; whoever then stands twice in a child gives way to the item that it replaced.

    Args:
        a: ``(n, n_genes)`` int64, each row a permutation of ``0..n_genes - 1``; left unchanged.
        b: Other parents of the same shape; left unchanged.
        rng: Draws the two ends of each pair's stretch, each pair of ends as likely.

    Returns:
        Two ``(n, n_genes)`` arrays of permutations: the first has a stretch of ``b`` in the places that it has there
        and elsewhere items in their places in ``a``, as far as they fit; the second the other way round.

    Source: Goldberg and Lingle 1985, "Alleles, Loci, and the Traveling Salesman Problem". DEAP's
    ``cxPartialyMatched`` gives other children where an item lies in both stretches: it goes on exchanging in the
    stretch of what it has exchanged.
    """
    inside = between(*two_places(len(a), a.shape[1] + 1, rng), a.shape[1])
    return _mapped(a, b, inside), _mapped(b, a, inside)


def _mapped(keeper: np.ndarray, giver: np.ndarray, inside: np.ndarray) -> np.ndarray:
    given_at, children = places_of(giver), np.where(inside, giver, keeper)
    row, place = np.nonzero(~inside)
    while len(row):
        given = given_at[row, children[row, place]]
        twice = inside[row, given]
        row, place, given = row[twice], place[twice], given[twice]
        children[row, place] = keeper[row, given]
    return children


@dataclass(frozen=True)
class PMX:
    """Swap a stretch and keep all other items in their places as far as they fit: where the place of an item counts.

    The first choice for assignments, who gets which place; for sequences ``order``, for tours ``edge``.

    ``prob``: chance that a pair is crossed at all.

    Source: Goldberg and Lingle 1985, "Alleles, Loci, and the Traveling Salesman Problem".
    """

    prob: Probability = 0.9
    genes: ClassVar[frozenset[str]] = frozenset({"permutation"})

    def build(self, context: Context) -> PairsAtOnce:
        return PairsAtOnce(lambda a, b, rng: partially_mapped_crossover(a, b, rng=rng), self.prob)
