"""The Pareto front of all that was measured: a member a point of objective space, and a bound on their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy

import numpy as np

from evokit.interfaces import Individual
from evokit.statistics.pareto import FRONT, crowding


class Front:
    """Distinct points that nothing dominates, each with the first individual that was found there.

    Points are the same if their weighted values are equal (-0.0 is 0.0), which tell the infeasible from the feasible.
    With more than ``size`` of them the most crowded goes, of equals the one found last, so that the ends stay. A point
    that went is not remembered: what it dominated may come in afterwards.

    Args:
        size: Points at most, which also bounds what a generation costs.
    """

    def __init__(self, size: int = FRONT) -> None:
        self._size = size
        self._members: dict[tuple[float, ...], Individual] = {}  # in the order in which they were found
        self._shared: dict[tuple[float, ...], int] = {}
        self._gains = np.empty((0, 0))  # weighted values of the members, in their order

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Individual]:
        """In the order in which they were found."""
        return iter(self._members.values())

    @property
    def shared(self) -> dict[str, int]:
        """Key of a member to how many individuals were found at its point, itself included."""
        return {one.key: self._shared[point] for point, one in self._members.items()}

    def add(self, individuals: Iterable[Individual]) -> int:
        """Take measured individuals, each of them once. How many points of the front are new."""
        before = set(self._members)
        for one in self._candidates(list(individuals)):
            self._take(one)
        return len(self._members.keys() - before)

    def _candidates(self, individuals: list[Individual]) -> list[Individual]:
        """Those that no member dominates; all where members may have to go, after which others come in."""
        if not individuals or not self._members or len(self._members) + len(individuals) > self._size:
            return individuals
        gains = np.array([one.fitness.wvalues for one in individuals])
        dominated = np.any(_no_worse(self._gains, gains[:, None]), axis=1)
        return [
            one
            for one, out in zip(individuals, dominated, strict=True)
            if not out or one.fitness.wvalues in self._members
        ]

    def restore(self, members: Iterable[Individual], shared: dict[str, int]) -> None:
        """Hold what a state of this or of an earlier version held."""
        self.clear()
        for one in members:
            self._take(one)
            self._shared[one.fitness.wvalues] += shared.get(one.key, 1) - 1

    def clear(self) -> None:
        self._members.clear()
        self._shared.clear()

    def _take(self, one: Individual) -> None:
        point, gains = one.fitness.wvalues, np.array(one.fitness.wvalues)
        if point in self._members:
            self._shared[point] += 1
            return
        if not self._members:
            self._gains = np.empty((0, len(point)))
        if _no_worse(self._gains, gains).any():
            return
        self._drop(np.flatnonzero(_no_worse(gains, self._gains)))
        self._members[point], self._shared[point] = deepcopy(one), 1
        self._gains = np.vstack([self._gains, gains])
        if len(self._members) > self._size:
            last_first = crowding(self._gains * one.fitness.weights)[::-1]
            self._drop(np.array([len(self) - 1 - int(last_first.argmin())]))

    def _drop(self, places: np.ndarray) -> None:
        if not len(places):
            return
        points = list(self._members)
        for place in places.tolist():
            del self._members[points[place]], self._shared[points[place]]
        self._gains = np.delete(self._gains, places, axis=0)


def _no_worse(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each is at least as large in every column, which is the last axis and has few places."""
    found: np.ndarray = ones[..., 0] >= others[..., 0]
    for column in range(1, ones.shape[-1]):
        found = found & (ones[..., column] >= others[..., column])
    return found
