"""Order crossover, for genes that are permutations."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

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
