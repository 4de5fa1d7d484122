"""Where an individual stands by its descriptors: which metrics they are, and which cell of an archive they lead to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evokit.common.names import did_you_mean, listed
from evokit.options import Count

ROUNDING = 1e-9  # of a cell; what lies so near below a border is on it
MOST = 10**9  # cells of a grid
MOST_NICHES = 10**5  # whose points take a second to find


@dataclass(frozen=True)
class Descriptor:
    """A ``metric`` of the fitness from ``low`` to ``high``, in so many ``cells``; what lies outside counts as the ends.

    Raises:
        ValueError: A bound is not finite, or ``low`` is not below ``high``.
    """

    metric: str
    low: float
    high: float
    cells: Count = 20

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low and high: must be finite with low below high, got {self.low} and {self.high}")


class Cells:
    """The space of the descriptors, cut into cells.

    Args:
        descriptors: At least one.
        niches: None for a grid of each descriptor's cells, in C order, the last descriptor's running fastest. Else so
            many cells, each of what is nearest to one of evenly spread points, whatever the number of descriptors.

    Raises:
        ValueError: Two descriptors are the same metric, or there are too many cells.

    Source: Vassiliades, Chatzilygeroudis and Mouret 2018, "Using Centroidal Voronoi Tessellations to Scale Up the
    Multidimensional Archive of Phenotypic Elites Algorithm"; with points of a Halton sequence for centroids, so that
    the cells are the same in every run and take no time to find.
    """

    def __init__(self, descriptors: Sequence[Descriptor], niches: int | None = None) -> None:
        self.metrics = [one.metric for one in descriptors]
        if twice := {one for one in self.metrics if self.metrics.count(one) > 1}:
            raise ValueError(f"descriptors: {listed(twice)} is there twice")
        self.low = np.array([one.low for one in descriptors])
        self.high = np.array([one.high for one in descriptors])
        self.shape = tuple(one.cells for one in descriptors)
        self.n = niches or math.prod(self.shape)
        if niches is None and self.n > MOST:
            raise ValueError(f"descriptors: make {self.n:,} cells; name fewer, or say niches: 10000")
        if (niches or 0) > MOST_NICHES:
            raise ValueError(f"niches: must be at most {MOST_NICHES:,}, got {niches:,}")
        self._nearest = _nearest_of(niches, len(descriptors)) if niches else None

    def points(self, told: Sequence[Mapping[str, float]]) -> np.ndarray:
        """``(n, n_descriptors)`` of individuals by their metrics; NaN for one that is not there."""
        rows = [[one.get(name, math.nan) for name in self.metrics] for one in told]
        return np.array(rows, float).reshape(len(told), len(self.metrics))

    def unit(self, points: np.ndarray) -> np.ndarray:
        """``(n, n_descriptors)`` points as shares of the way from low to high, those outside at the ends."""
        shares: np.ndarray = np.clip((points - self.low) / (self.high - self.low), 0, 1)
        return shares

    def of(self, points: np.ndarray) -> np.ndarray:
        """The cells of ``(n, n_descriptors)`` finite points, ``(n,)`` int64."""
        if self._nearest is not None:
            return np.asarray(self._nearest.query(self.unit(points))[1], dtype=np.int64)
        # Multiplied before it is divided, so that whole numbers on borders of cells are in the upper one.
        clipped = np.clip(points, self.low, self.high)
        places = ((clipped - self.low) * self.shape / (self.high - self.low) + ROUNDING).astype(np.int64)
        places = np.minimum(places, np.array(self.shape) - 1)
        return np.asarray(np.ravel_multi_index(tuple(places.T), self.shape), dtype=np.int64)


def _nearest_of(niches: int, n_descriptors: int) -> Any:
    """A tree of evenly spread points of the unit box."""
    # Of what every run imports this would take the most time.
    from scipy.spatial import cKDTree
    from scipy.stats import qmc

    # Without the first point of the sequence, which is a corner.
    return cKDTree(qmc.Halton(n_descriptors, scramble=False).fast_forward(1).random(niches))


def untold(wanted: Sequence[str], told: Mapping[str, float]) -> str:
    """What to say of the first metric that is wanted and not told; empty if there is none.

    >>> untold(["length", "loops"], {"length": 3.0, "loop": 1.0})
    "the fitness tells no metric 'loops', it tells length, loop; did you mean 'loop'?"
    """
    missing = next((name for name in wanted if name not in told), None)
    if missing is None:
        return ""
    if not told:
        remedy = "let its evaluate return an Evaluation with metrics for each individual"
        return f"the fitness tells no metric {missing!r}, nor any other: {remedy}"
    return f"the fitness tells no metric {missing!r}, it tells {listed(told)}{did_you_mean(missing, told)}"
