"""What searches have in common that follow a gradient of the mean and the spread of normal samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evokit.genomes.individuals import make_individual, make_individuals, ranked
from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.box import BoxSearch


class GaussianSearch(BoxSearch):
    """Samples around a mean, with a standard deviation for each number; ``_draw`` and ``_updated`` are left to write.

    Everything is in the genes' own units and precision, as an array of them may be large. What is sampled outside of
    the bounds is measured at them, so that the gradient is that of the fitness continued beyond them. The mean is
    measured too: of many numbers it is better than all samples around it.

    Args:
        context: Gives genome, fitness, streams, and the genes that the mean begins at (else the box's middle).
        horizon: Generations until the search is done, or None for no end of its own.
        population: Samples a generation.
        sigma: The first standard deviations, as a share of each range.
        name: Of the search, for streams and lineage.
    """

    def __init__(self, context: Context, horizon: int | None, population: int, sigma: float, name: str) -> None:
        super().__init__(context, horizon)
        self._size, self._name = population, name
        self._mean = self._init[0] if self._init else self._low + self._width / 2
        self._sigma = sigma * self._width
        self._drawn = np.empty((0, len(self._mean)), self._mean.dtype)  # what the samples were made of

    @property
    def done(self) -> bool:
        """Whether the horizon is reached, or the samples have become one point."""
        return super().done or bool((self._mean + self._sigma == self._mean).all())

    def ask(self) -> list[Individual]:
        rng = self._streams.at(self._name, self.generation).numpy()
        self._drawn, samples = self._draw(rng)
        np.clip(samples, self._low, self._high, out=samples)
        asked = make_individuals(self._genome, samples, self._weights, [()] * self._size, [self._name] * self._size)
        return [*asked, make_individual(self._genome, self._mean, self._weights, born_by="mean")]

    def tell(self, individuals: Sequence[Individual]) -> None:
        if len(individuals) > self._size:  # a control whose work is spent measures only a part of its last generation
            mean, sigma = self._updated(self._losses(individuals[: self._size]))
            self._mean, self._sigma = np.clip(mean, self._low, self._high), np.minimum(sigma, self._width)
        self.population = ranked(only_ok(individuals))[:1]  # of many numbers, a state with all samples would be large
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Standard normal numbers ``(k, n_genes)``, and the samples ``(population, n_genes)`` that they make."""
        raise NotImplementedError

    def _updated(self, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviations after ``(population,)`` losses."""
        raise NotImplementedError

    @property
    def _asked(self) -> int:
        return self._size + 1  # the mean

    def _point(self, genes: Any) -> np.ndarray:
        """``(n_genes,)`` in the genes' own units."""
        return np.array(genes, self._low.dtype)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"mean": self._mean, "sigma": self._sigma}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._mean, self._sigma = np.array(state["mean"]), np.array(state["sigma"])


def by_rank(utilities: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """What each of several is worth; equals share, so that a generation of equals teaches nothing.

    Args:
        utilities: ``(n,)``, of the best first.
        losses: ``(n,)`` finite, lower is better.

    >>> by_rank(np.array([3.0, 1.0, 0.0]), np.array([5.0, 2.0, 5.0]))
    array([0.5, 3. , 0.5])
    """
    _, place, count = np.unique(losses, return_inverse=True, return_counts=True)
    shares: np.ndarray = np.add.reduceat(utilities, np.cumsum(count) - count) / count
    return shares[place]
