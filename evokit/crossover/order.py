"""Order crossover, for genes that are permutations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np

from evokit.common.places import places_of, two_places
from evokit.crossover.pairs import PairsAtOnce
from evokit.interfaces import Context
from evokit.options import Probability

T = TypeVar("T", bound=Hashable)


def order_crossover(a: Sequence[T], b: Sequence[T], rng: np.random.Generator) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Keep a stretch of one parent, fill the other places in the order of the other parent.

    Args:
        a: ``n_genes`` different items; left unchanged.
        b: The same items in any order; left unchanged.
        rng: Draws the two ends of the stretch, the same for both children, each pair as likely.

    Returns:
        Two permutations: the first keeps a stretch of ``a``, the second the same places of ``b``. The other places are
        filled from the end of the stretch on, round the end of the tour.

    Raises:
        ValueError: The parents do not hold the same items, each of them once, or hold none.

    Source: Davis 1985, "Applying Adaptive Algorithms to Epistatic Domains".

    >>> order_crossover((0, 1, 2, 3), (3, 2, 1, 0), rng=np.random.default_rng(4))
    ((1, 0, 2, 3), (2, 3, 1, 0))
    """
    items = set(a)
    if not items or not len(items) == len(a) == len(b) or items != set(b):
        raise ValueError("parents must hold the same items, each of them once")
    start, stop = sorted(rng.choice(len(a) + 1, size=2, replace=False).tolist())
    return _fill(a, b, start, stop), _fill(b, a, start, stop)


def _fill(keeper: Sequence[T], filler: Sequence[T], start: int, stop: int) -> tuple[T, ...]:
    kept = tuple(keeper[start:stop])
    taken = set(kept)
    rest = [item for item in (*filler[stop:], *filler[:stop]) if item not in taken]
    n_after = len(keeper) - stop
    return (*rest[n_after:], *kept, *rest[:n_after])


def order_rows(a: np.ndarray, b: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """``order_crossover`` of many pairs at once.

    Args:
        a: ``(n, n_genes)`` int64, each row a permutation of ``0..n_genes - 1``; left unchanged.
        b: Other parents of the same shape; left unchanged.
        rng: Draws the two ends of each pair's stretch.

    Returns:
        Two ``(n, n_genes)`` arrays of permutations.

    Source: as ``order_crossover``.
    """
    starts, stops = two_places(len(a), a.shape[1] + 1, rng)
    # Seen from the end of the stretch on, the places to be filled come first and the stretch last.
    round_the_end = (stops[:, None] + np.arange(a.shape[1])) % a.shape[1]
    n_filled = a.shape[1] - (stops - starts)
    return _filled(a, b, round_the_end, n_filled), _filled(b, a, round_the_end, n_filled)


def _filled(keeper: np.ndarray, filler: np.ndarray, round_the_end: np.ndarray, n_filled: np.ndarray) -> np.ndarray:
    kept, others = (np.take_along_axis(rows, round_the_end, axis=1) for rows in (keeper, filler))
    in_stretch = np.take_along_axis(places_of(kept), others, axis=1) >= n_filled[:, None]
    missing_first = np.take_along_axis(others, np.argsort(in_stretch, axis=1, kind="stable"), axis=1)
    children = np.empty_like(kept)
    fill = np.arange(kept.shape[1]) < n_filled[:, None]
    np.put_along_axis(children, round_the_end, np.where(fill, missing_first, kept), axis=1)
    return children


@dataclass(frozen=True)
class Order:
    """Keep a stretch of one parent and the order of the other's items: for permutations whose order counts.

    The first choice for schedules and sequences; for tours ``edge`` keeps more of what makes them short.

    ``prob``: chance that a pair is crossed at all.

    Source: Davis 1985, "Applying Adaptive Algorithms to Epistatic Domains" (OX).
    """

    prob: Probability = 0.9
    genes: ClassVar[frozenset[str]] = frozenset({"permutation"})

    def build(self, context: Context) -> PairsAtOnce:
        return PairsAtOnce(lambda a, b, rng: order_rows(a, b, rng=rng), self.prob)
