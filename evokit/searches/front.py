"""The Pareto front of all that was measured: a member a point of objective space, and a bound on their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import compress

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
        ones = list(individuals)
        if len(self) + len(ones) <= self._size:
            return self._take(ones)
        before = set(self._members)
        for one in ones:  # members may have to go, after which others come in
            self._take([one])
        return len(self._members.keys() - before)

    def restore(self, members: Iterable[Individual], shared: dict[str, int]) -> None:
        """Hold what a state of this or of an earlier version held."""
        self.clear()
        for one in members:
            self._take([one])
            self._shared[one.fitness.wvalues] += shared.get(one.key, 1) - 1

    def clear(self) -> None:
        self._members.clear()
        self._shared.clear()

    def _take(self, ones: Sequence[Individual]) -> int:
        """Take several, or one if there is not room for all. How many points they bring."""
        new: dict[tuple[float, ...], Individual] = {}
        for one in self._undominated(ones):
            point = one.fitness.wvalues
            if point in self._members or point in new:
                self._shared[point] += 1
            else:
                new[point], self._shared[point] = one, 1
        if not new:
            return 0
        gains = np.array(list(new))
        if not self._members:
            self._gains = np.empty((0, gains.shape[1]))
        self._drop(np.flatnonzero(np.any(_no_worse(gains[:, None], self._gains), axis=0)))
        self._members |= {point: deepcopy(one) for point, one in new.items()}
        self._gains = np.vstack([self._gains, gains])
        if len(self._members) > self._size:
            weights = next(iter(new.values())).fitness.weights
            last_first = crowding(self._gains * weights)[::-1]
            self._drop(np.array([len(self) - 1 - int(last_first.argmin())]))
        return len(new)

    def _undominated(self, ones: Sequence[Individual]) -> list[Individual]:
        """Those that neither a member nor another one of them dominates."""
        if not ones:
            return []
        gains = np.array([one.fitness.wvalues for one in ones])
        if self._members:
            out = np.any(_no_worse(self._gains, gains[:, None]), axis=1)
            left = [place for place, one in enumerate(ones) if not out[place] or one.fitness.wvalues in self._members]
            ones, gains = [ones[place] for place in left], gains[left]
        no_worse = _no_worse(gains, gains[:, None])
        return list(compress(ones, ~np.any(no_worse & ~no_worse.T, axis=1)))

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
