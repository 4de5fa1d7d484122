"""Differential evolution that adapts itself: L-SHADE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.box import BoxSearch

MEMORY = 6  # successes that the parameters are drawn around; this and the next two: the paper's table I
ARCHIVE = 2.6  # replaced parents that are remembered, as a multiple of the population
BEST = 0.11  # share of the population among which the best one of a mutation is drawn
LEAST = 4  # members at the end, the fewest that a mutation draws from


@dataclass(frozen=True)
class DE:
    """Differential evolution: children from differences of members, which replace their own parent if they are better.

    For real numbers where CMA-ES does not do: many optima in a grid along the axes, or a population that should stay
    wide. It needs more evaluations, some hundred a number. Its two parameters, the scale of differences and the rate of
    exchange, are drawn around those that succeeded lately.

    ``population`` is 2 for each number and at least 10 if null. With ``shrink_over`` it shrinks in a line to 4 members
    within so many measurements: best all that there are, if that is known, from 18 for each number. ``init`` gives the
    first members. Of a space of numbers alone it takes whole numbers and steps as the nearest one.

    Source: Tanabe and Fukunaga 2014, "Improving the Search Performance of SHADE Using Linear Population Size Reduction"
    (L-SHADE); the repair at bounds is that of Zhang and Sanderson 2009 (JADE).
    """

    population: Annotated[int, Ge(LEAST)] | None = None
    generations: Annotated[int, Ge(1)] | None = None
    shrink_over: Annotated[int, Ge(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector", "space"})

    def build(self, context: Context) -> DESearch:
        return DESearch(self, context)


class DESearch(BoxSearch):
    """A generation has a child for each member; the first one is the members."""

    def __init__(self, options: DE, context: Context) -> None:
        super().__init__(context, options.generations)
        n = len(self._low)
        self._size, self._shrink_over = options.population or max(10, 2 * n), options.shrink_over
        if len(self._init) > self._size:
            raise ValueError(f"population ({self._size}) has no room for the {len(self._init)} genes of init")
        self._points, self._lost = np.empty((0, n)), np.empty(0)  # members, and their losses
        self._replaced = np.empty((0, n))
        self._memory = np.full((2, MEMORY), 0.5)  # of scales and of rates
        self._slot = 0  # of the memory that the next success is written to
        self._told = 0  # answers
        self._drawn = np.empty((2, 0))  # scale and rate of each child that was asked for

    def ask(self) -> list[Individual]:
        rng = self._streams.at("de", self.generation).numpy()
        if not len(self._points):
            drawn = rng.random((self._size - len(self._init), len(self._low)))
            return self._individuals([*self._init, *drawn], "random")
        self._drawn = _parameters(self._memory, len(self._points), rng)
        children = _children(self._points, self._lost, self._replaced, self._drawn, rng)
        return self._individuals(children, "de")

    def _size_after(self, told: int) -> int:
        """How many members there are after so many answers."""
        left = 1.0 if self._shrink_over is None else 1 - min(1.0, told / self._shrink_over)
        return max(LEAST, round(LEAST + (self._size - LEAST) * left))

    def _expected(self, horizon: int, each: int) -> tuple[int, int]:
        told, generation = 0, 0
        while generation < horizon and told < (self._shrink_over or 0):
            told, generation = told + self._size_after(told), generation + 1
        n = told + (horizon - generation) * self._size_after(told)
        return n, n * each

    @property
    def _asked(self) -> int:
        return len(self._points) or self._size

    def _learn(self, points: np.ndarray, losses: np.ndarray, individuals: Sequence[Individual]) -> None:
        self._told += len(points)
        rng = self._streams.at("de", "replaced", self.generation).numpy()
        if not len(self._points):
            self._points, self._lost = points, losses
            self._settle(only_ok(individuals), rng)
            return
        better = losses < self._lost
        self._replaced = np.concatenate([self._replaced, self._points[better]])
        self._remember(better, self._lost[better] - losses[better])
        taken = losses <= self._lost
        self._points, self._lost = np.where(taken[:, None], points, self._points), np.where(taken, losses, self._lost)
        self._settle([*self.population, *only_ok(individuals)], rng)

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Take measured individuals from elsewhere among the members, in place of those that are worse."""
        here = {point.tobytes() for point in self._points}
        new = [one for one in individuals if self._point(one.genes).tobytes() not in here]
        if not new or not here:
            return
        self._points = np.concatenate([self._points, self._points_of(new)])
        self._lost = np.concatenate([self._lost, self._losses(new)])
        self._settle([*self.population, *new], self._streams.at("de", "received", self.generation).numpy())

    def _remember(self, better: np.ndarray, gain: np.ndarray) -> None:
        """Write the mean scale and rate of this generation's successes into the memory.

        Args:
            better: ``(n,)``, which children succeeded.
            gain: Of those, each above 0; infinite over a member that failed, which counts as the largest other one.
        """
        if not len(gain):
            return
        scales, rates = self._drawn[:, better]
        most = np.max(gain, where=np.isfinite(gain), initial=0.0) or 1.0
        weights = np.minimum(gain, most) / most
        weights /= weights.sum()
        self._memory[0, self._slot] = (weights @ scales**2) / (weights @ scales)  # Lehmer
        # A rate that has come down to nothing stays there (the paper's terminal value).
        dead = np.isnan(self._memory[1, self._slot]) or not rates.max() > 0
        self._memory[1, self._slot] = np.nan if dead else (weights @ rates**2) / (weights @ rates)
        self._slot = (self._slot + 1) % MEMORY

    def _settle(self, candidates: Sequence[Individual], rng: np.random.Generator) -> None:
        """Let the worst members go that are too many, and any of the replaced; the population is who stays."""
        size = self._size_after(self._told)
        if size < len(self._points):
            stay = np.sort(np.argsort(self._lost, kind="stable")[:size])
            self._points, self._lost = self._points[stay], self._lost[stay]
        room = int(ARCHIVE * len(self._points))
        if len(self._replaced) > room:
            self._replaced = self._replaced[np.sort(rng.permutation(len(self._replaced))[:room])]
        members = {point.tobytes() for point in self._points}
        points = self._points_of(candidates) if candidates else ()
        found = {one.key: one for one, point in zip(candidates, points, strict=True) if point.tobytes() in members}
        self.population = list(found.values())

    def _losses(self, individuals: Sequence[Individual]) -> np.ndarray:
        """Who failed replaces nobody (C6)."""
        valid = {one.key: -one.fitness.wvalues[0] for one in only_ok(individuals)}
        return np.array([valid.get(one.key, np.inf) for one in individuals])

    def state_dict(self) -> dict[str, Any]:
        mine = {"points": self._points, "lost": self._lost, "replaced": self._replaced, "memory": self._memory}
        return super().state_dict() | {"de": mine, "slot": self._slot, "told": self._told}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        mine, self._slot, self._told = state["de"], state["slot"], state["told"]
        self._points, self._lost = np.array(mine["points"]), np.array(mine["lost"])
        self._replaced, self._memory = np.array(mine["replaced"]), np.array(mine["memory"])


def _parameters(memory: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """``(2, n)``: a scale in (0, 1] and a rate in [0, 1] for each child, around a success of the memory."""
    slot = rng.integers(MEMORY, size=n)
    scales = memory[0, slot] + 0.1 * rng.standard_cauchy(n)
    while (below := scales <= 0).any():
        scales[below] = memory[0, slot[below]] + 0.1 * rng.standard_cauchy(int(below.sum()))
    rates = np.where(np.isnan(memory[1, slot]), 0.0, np.clip(rng.normal(memory[1, slot], 0.1), 0, 1))
    return np.stack([np.minimum(scales, 1.0), rates])


def _children(
    points: np.ndarray, losses: np.ndarray, replaced: np.ndarray, drawn: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Each member moved towards one of the best and by a difference, then exchanged with itself gene by gene.

    Args:
        points: ``(n, n_genes)`` members.
        losses: ``(n,)``; infinite for members that failed.
        replaced: ``(k, n_genes)`` parents that were replaced; the second end of a difference may be one.
        drawn: ``(2, n)`` scales and rates.
        rng: Draws.

    Returns:
        ``(n, n_genes)`` in the unit box.
    """
    n, n_genes = points.shape
    scale, rate = drawn[0][:, None], drawn[1][:, None]
    order = np.argsort(losses, kind="stable")
    best = points[order[rng.integers(max(2, round(BEST * n)), size=n)]]
    here = np.arange(n)
    first = (here + rng.integers(1, n, size=n)) % n  # another one than the member itself
    pool = np.concatenate([points, replaced])
    second = np.asarray(rng.integers(len(pool), size=n))
    while (same := (second == here) | (second == first)).any():
        second[same] = rng.integers(len(pool), size=int(same.sum()))
    moved = points + scale * (best - points) + scale * (points[first] - pool[second])
    moved = np.where(moved < 0, points / 2, np.where(moved > 1, (1 + points) / 2, moved))
    exchanged = rng.random((n, n_genes)) <= rate
    exchanged[here, rng.integers(n_genes, size=n)] = True
    return np.where(exchanged, moved, points)
