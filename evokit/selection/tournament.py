"""Tournament selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Context, Individual
from evokit.options import Count


def tournament(population: Sequence[Individual], n: int, *, size: int, rng: np.random.Generator) -> list[Individual]:
    """The winners of ``n`` tournaments.

    Args:
        population: Measured individuals; left unchanged.
        n: Number of winners; one individual may win several times.
        size: Entrants of a tournament, drawn without replacement; all of the population if it is smaller.
        rng: Draws the entrants; of equally good ones, the first drawn wins.

    Raises:
        ValueError: The population is empty, or ``size`` is below 1.

    Source: CLSO, section 3.3; the size of 5 and the draw without replacement are its published code's.
    """
    if not population:
        raise ValueError("population: must hold at least one measured individual")
    if size < 1:
        raise ValueError(f"size: must be at least 1, got {size}")
    entrants = min(size, len(population))
    return [
        max((population[i] for i in rng.choice(len(population), entrants, replace=False)), key=_worth) for _ in range(n)
    ]


def tournaments(scores: np.ndarray, n: int, *, size: int, rng: np.random.Generator) -> np.ndarray:
    """The places of the winners of ``n`` tournaments, drawn at once.

    Args:
        scores: ``(n_members, n_objectives)``, larger is better; objectives are compared in their order.
        n: Number of winners.
        size: Entrants of a tournament, drawn without replacement; all members if there are fewer.
        rng: Draws the entrants, all first ones, then all second ones, and so on; of equally good ones, the first drawn
            wins.

    Returns:
        ``(n,)`` int64.

    Source: as ``tournament``; entrants by Bentley and Floyd 1987, "Programming Pearls: a sample of brilliance".
    """
    n_members = len(scores)
    entrants = min(size, n_members)
    drawn = np.empty((n, entrants), np.int64)
    for turn in range(entrants):
        last = n_members - entrants + turn
        one = rng.integers(last + 1, size=n)
        taken = (drawn[:, :turn] == one[:, None]).any(axis=1)
        drawn[:, turn] = np.where(taken, last, one)
    drawn = rng.permuted(drawn, axis=1)  # fair as sets so far; who came first decides between equals
    order = np.lexsort(scores.T[::-1])
    rank = np.empty(n_members, np.int64)
    better = np.any(scores[order][1:] != scores[order][:-1], axis=1)
    rank[order] = np.concatenate([[0], np.cumsum(better)])
    return np.take_along_axis(drawn, rank[drawn].argmax(axis=1)[:, None], axis=1)[:, 0]


def _worth(individual: Individual) -> tuple[float, ...]:
    worth: tuple[float, ...] = individual.fitness.wvalues  # larger is better, whatever the goal
    return worth


@dataclass(frozen=True)
class Tournament:
    """``size``: entrants of a tournament."""

    size: Count = 5

    def build(self, context: Context) -> Tournaments:
        return Tournaments(self.size)


@dataclass(frozen=True)
class Tournaments:
    """The selection; ``pick`` is for searches that make whole generations at once."""

    size: int

    def __call__(self, population: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
        return tournament(population, n, size=self.size, rng=rng)

    def pick(self, scores: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        return tournaments(scores, n, size=self.size, rng=rng)
