"""Subtree crossover, for genes that are trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.crossover.pairs import Crossover, sometimes
from evokit.interfaces import Context
from evokit.options import Probability

LEAF_BIAS = 0.1  # Koza's


def subtree_crossover(
    a: Sequence[Any], b: Sequence[Any], *, leaf_bias: float = LEAF_BIAS, rng: np.random.Generator
) -> tuple[list[Any], list[Any]]:
    """Swap a subtree of one parent with one of the other that returns the same type.

    What ``deap.gp.cxOnePointLeafBiased`` does, which draws from sets of types, whose order is another in each process.

    Args:
        a: Nodes of DEAP's, depth first; left unchanged.
        b: Likewise.
        leaf_bias: Chance of each parent that a terminal is swapped and no primitive with what is below it; where a
            parent has no such place but the root, any other place serves.
        rng: A draw for each parent, then the places.

    Returns:
        Two children, the first with the root of ``a``; copies of the parents if nothing below their roots fits.

    Source: Koza 1992, "Genetic Programming", section 6.4.1; Montana 1995, "Strongly Typed Genetic Programming".
    """
    first, second = _places(a, rng.random() < leaf_bias), _places(b, rng.random() < leaf_bias)
    returned = {b[place].ret for place in second}
    first = [place for place in first if a[place].ret in returned]
    if not first:
        return list(a), list(b)
    here = first[int(rng.integers(len(first)))]
    fitting = [place for place in second if b[place].ret == a[here].ret]
    there = fitting[int(rng.integers(len(fitting)))]
    ends, ending = end_of(a, here), end_of(b, there)
    return [*a[:here], *b[there:ending], *a[ends:]], [*b[:there], *a[here:ends], *b[ending:]]


def end_of(tree: Sequence[Any], begin: int) -> int:
    """Where the subtree that begins at a place has ended."""
    end, open_ends = begin, 1
    while open_ends:
        open_ends += tree[end].arity - 1
        end += 1
    return end


def _places(tree: Sequence[Any], leaves: bool) -> list[int]:
    below = range(1, len(tree))
    return [place for place in below if (tree[place].arity == 0) == leaves] or list(below)


@dataclass(frozen=True)
class Subtree:
    """Two trees swap subtrees of the same type, with the limits of the genome.

    ``leaf_bias``: chance that what a parent gives is a terminal and no larger subtree. ``prob``: chance that a pair is
    crossed at all.

    Source: Koza 1992, "Genetic Programming", section 6.4.1.
    """

    leaf_bias: Probability = LEAF_BIAS
    prob: Probability = 1.0
    genes: ClassVar[str] = "tree"

    def build(self, context: Context) -> Crossover:
        genome = context.genome

        def cross(a: Any, b: Any, rng: np.random.Generator) -> tuple[Any, Any]:
            made = subtree_crossover(genome.read(a), genome.read(b), leaf_bias=self.leaf_bias, rng=rng)
            first, second = genome.limited(made, (a, b), rng)
            return first, second

        return sometimes(cross, self.prob)
