"""Novelty search: what counts is to be unlike all that was met before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge
from scipy.spatial import cKDTree

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_feasible
from evokit.searches.elites import Diverse, Elites
from evokit.searches.evolving import Evolving, evenly, expected


@dataclass(frozen=True)
class Novelty(Diverse):
    """Evolution towards what is new: whose descriptors are far from those of everybody, now and before, survives.

    For fitnesses that lead astray, where the way to what is good does not itself look good, and to find out what there
    is. The fitness selects nobody; it decides who is remembered in each cell and who is the best of all. The archive of
    elites, its descriptors, niches and offset are those of ``map_elites``, which mostly fills it better where a grid of
    its kind is what is wanted.

    Novelty is the mean distance to the ``neighbours`` nearest among population, children and a memory of points, each
    descriptor measured in shares of its range. Of population and children the ``population`` most novel survive, and
    parents are drawn evenly from them. ``remembered`` children of each generation, drawn at random, join the memory.

    Source: Lehman and Stanley 2011, "Abandoning Objectives: Evolution Through the Search for Novelty Alone"; a memory
    of random individuals by Gomes, Mariano and Christensen 2015, "Devising Effective Novelty Search Algorithms".
    """

    population: Annotated[int, Ge(2)] = 32
    generations: Count = 100
    neighbours: Count = 15
    remembered: Annotated[int, Ge(0)] = 4

    reads: ClassVar[frozenset[str]] = frozenset({"crossover", "mutation", "screens", "init"})

    def build(self, context: Context) -> NoveltySearch:
        return NoveltySearch(self, context)


class NoveltySearch(Evolving):
    """The loop. An individual without a place, one of whose descriptors is no finite number, is no parent."""

    functional = False  # its descriptors are metrics

    def __init__(self, options: Novelty, context: Context) -> None:
        super().__init__(context, options.population, options.generations)
        self.elites = Elites(options, context)
        self.metrics_read = self.elites.cells.metrics
        self._options = options
        self._memory = np.empty((0, len(options.descriptors)))  # of the unit box
        self.expected = lambda: expected(options.population, options.population, options.generations, context)

    def ask(self) -> list[Individual]:
        rng = self._rng()
        if not self.population:
            return self._first(rng)
        return self._children(self._size, self.population, evenly, rng)

    def tell(self, individuals: Sequence[Individual]) -> None:
        old = list(self.population)
        self.elites.add(individuals)
        new = self._placed(individuals)
        novel = self._survive([*old, *new])
        if new:
            rng = self._streams.at("novelty", self.generation).numpy()
            drawn = rng.permutation(len(new))[: self._options.remembered]
            self._memory = np.concatenate([self._memory, self._points(new)[drawn]])
        self._end_generation(individuals, old)
        self.logbook[-1].update(self.elites.figures, novelty=novel, memory=len(self._memory))

    def _survive(self, candidates: Sequence[Individual]) -> float | None:
        """Let the most novel be the population, of twins one; their mean novelty, None where there is nobody."""
        distinct = list({one.key: one for one in reversed(candidates)}.values())[::-1]
        if not distinct:
            return None
        points = self._points(distinct)
        novelty = mean_distance(points, np.concatenate([points, self._memory]), self._options.neighbours)
        most = np.argsort(-novelty, kind="stable")[: self._size]
        self.population = [distinct[place] for place in most.tolist()]
        return float(novelty[most].mean())

    def _placed(self, individuals: Sequence[Individual]) -> list[Individual]:
        valid = only_feasible(individuals)
        has_place = np.isfinite(self.elites.points(valid)).all(axis=1).tolist()
        return [one for one, has in zip(valid, has_place, strict=True) if has]

    def _points(self, individuals: Sequence[Individual]) -> np.ndarray:
        return self.elites.cells.unit(self.elites.points(individuals))

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Take in measured individuals from elsewhere if they are more novel than members."""
        self.elites.add(individuals)
        self._survive([*self.population, *self._placed(individuals)])

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"elites": self.elites.state_dict(), "memory": self._memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.elites.load_state_dict(state["elites"])
        self._memory = np.array(state["memory"])


def mean_distance(points: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """Of each point the mean distance to the ``k`` nearest others, or to all if there are fewer.

    Args:
        points: ``(n, n_descriptors)``.
        others: ``(n_others, n_descriptors)``; the first ``n`` are the points, which do not count for themselves.

    >>> mean_distance(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0], [3.0]]), 2).tolist()
    [2.0, 1.5]
    """
    k = min(k, len(others) - 1)
    if k < 1:
        return np.zeros(len(points))
    # Of points that coincide any may count as the point itself, at distance zero like it.
    distances = np.asarray(cKDTree(others).query(points, k=k + 1)[0])
    means: np.ndarray = distances[:, 1:].mean(axis=1)
    return means
