"""Tournaments for fitness, whose winners compete for being small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.selection.tournament import tournament


def double_tournament(
    population: Sequence[Individual], n: int, *, size: int, parsimony: float, rng: np.random.Generator
) -> list[Individual]:
    """Winners of ``n`` duels between winners of tournaments.

    Args:
        population: Measured individuals whose genes have a length; left unchanged.
        n: How many to return.
        size: Entrants of a tournament for fitness.
        parsimony: 1 to 2: twice the chance that the one with fewer genes wins a duel; of equal ones each has half.
        rng: Draws the tournaments, then the duels.

    Raises:
        ValueError: The population is empty.

    Source: Luke and Panait 2002, "Fighting Bloat With Nonparametric Parsimony Pressure".
    """
    winners = tournament(population, 2 * n, size=size, rng=rng)
    smaller = rng.random(n) < parsimony / 2
    either = rng.random(n) < 0.5
    chosen = []
    for a, b, small, first in zip(winners[::2], winners[1::2], smaller, either, strict=True):
        alike = len(a.genes) == len(b.genes)
        chosen.append(a if (first if alike else (len(a.genes) < len(b.genes)) == small) else b)
    return chosen


@dataclass(frozen=True)
class DoubleTournament:
    """Trees that are good, and among those rather the smaller ones: against bloat.

    Each is the winner of a duel between two winners of tournaments of ``size`` entrants. The one with fewer nodes wins
    with chance ``parsimony`` / 2: 1 is no pressure, 2 lets the smaller one win always.

    Source: Luke and Panait 2002, "Fighting Bloat With Nonparametric Parsimony Pressure".
    """

    size: Count = 5
    parsimony: Annotated[float, Ge(1), Le(2)] = 1.4
    genes: ClassVar[str] = "tree"

    def build(self, context: Context) -> Callable[[Sequence[Individual], int, np.random.Generator], list[Individual]]:
        return lambda population, n, rng: double_tournament(
            population, n, size=self.size, parsimony=self.parsimony, rng=rng
        )
