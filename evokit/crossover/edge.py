"""Edge recombination, for genes that are tours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit.common.places import places_of
from evokit.crossover.pairs import PairsAtOnce
from evokit.interfaces import Context
from evokit.options import Probability


def edge_recombination(a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Closed tours that go along edges of either parent as far as they can.

    From each item a child goes on to that neighbour in a parent that has the fewest neighbours left; where none is
    left, to any item.

    Args:
        a: ``(n, n_genes)`` int64, each row a permutation of ``0..n_genes - 1``; left unchanged.
        b: Other parents of the same shape; left unchanged.
        rng: Decides between neighbours that have as many left, and where to go on when none is left.

    Returns:
        Two ``(n, n_genes)`` arrays of permutations: the first begins where ``a`` begins, the second where ``b`` does.

    Source: Whitley, Starkweather and Fuquay 1989, "Scheduling Problems and Traveling Salesmen: The Genetic Edge
    Recombination Operator".
    """
    edges = _edge_map(a, b)
    children = _toured(np.concatenate([edges, edges]), np.concatenate([a[:, 0], b[:, 0]]), rng)
    return children[: len(a)], children[len(a) :]


def _edge_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``(n, n_genes, 4)``: of each item its neighbours in either parent, -1 for one that is there already."""
    sides = [
        np.take_along_axis(np.roll(parent, shift, axis=1), places_of(parent), axis=1)
        for parent in (a, b)
        for shift in (1, -1)
    ]
    edges = np.sort(np.stack(sides, axis=2), axis=2)
    edges[:, :, 1:][edges[:, :, 1:] == edges[:, :, :-1]] = -1
    return edges


def _toured(edges: np.ndarray, current: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, n_genes, _ = edges.shape
    rows = np.arange(n)
    left = (edges >= 0).sum(axis=2)  # of each item, how many neighbours are not visited
    unvisited = np.ones((n, n_genes), bool)
    tours = np.empty((n, n_genes), edges.dtype)
    for step in range(n_genes):
        tours[:, step] = current
        unvisited[rows, current] = False
        near = edges[rows, current]
        to_visit = (near >= 0) & unvisited[rows[:, None], near]
        gone, side = np.nonzero(to_visit)
        left[gone, near[gone, side]] -= 1
        # A draw below 1 decides between equals and nothing else.
        ranks = np.where(to_visit, left[rows[:, None], near] + rng.random(near.shape), np.inf)
        current = near[rows, ranks.argmin(axis=1)]
        lost = ~to_visit.any(axis=1)
        if lost.any():
            anywhere = rng.random((int(lost.sum()), n_genes))
            current[lost] = np.where(unvisited[lost], anywhere, -1.0).argmax(axis=1)
    return tours


@dataclass(frozen=True)
class Edge:
    """Children made of their parents' edges, in either direction: the first choice for closed tours.

    Slower than ``order`` and ``pmx``, as each child is walked item by item. Nothing for sequences where direction or
    place counts.

    ``prob``: chance that a pair is crossed at all.

    Source: Whitley, Starkweather and Fuquay 1989, "Scheduling Problems and Traveling Salesmen: The Genetic Edge
    Recombination Operator".
    """

    prob: Probability = 0.9
    genes: ClassVar[frozenset[str]] = frozenset({"permutation"})

    def build(self, context: Context) -> PairsAtOnce:
        return PairsAtOnce(lambda a, b, rng: edge_recombination(a, b, rng=rng), self.prob)
