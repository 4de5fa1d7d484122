"""The travelling salesman on cities of TSPLIB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.searches.problems import ANY, Problem, Suite


class Tsp(Suite):
    """Values are the length of the tour above the shortest one, as a share of that; runs differ by their seed alone.

    Coordinates are those of TSPLIB (edge weights EUC_2D, rounded); with each of the four a solver of another kind,
    LKH, finds the length that TSPLIB gives as the shortest.

    Source: Reinelt 1991, "TSPLIB: A Traveling Salesman Problem Library".
    """

    name = "tsp"
    kind = "permutation"
    dimensions = (ANY,)
    targets = np.append(np.logspace(0.5, -3, 50), 0.0)
    functions: ClassVar[Mapping[str, str]] = {
        "eil51": "about 50 cities",
        "berlin52": "about 50 cities",
        "rat99": "about 100 cities",
        "kroA100": "about 100 cities",
    }

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        one = _cities()[function]
        far, shortest = distances(np.array(one["cities"])), one["optimum"]

        def values(points: np.ndarray) -> np.ndarray:
            lengths = far[points, np.roll(points, -1, axis=1)].sum(axis=1)
            excess: np.ndarray = lengths / shortest - 1
            return excess

        return Problem(self.kind, len(far), values, 0.0)


def distances(cities: np.ndarray) -> np.ndarray:
    """``(n, n)`` whole numbers, rounded as TSPLIB says for EUC_2D.

    >>> distances(np.array([[0, 0], [1, 1]]))
    array([[0, 1],
           [1, 0]])
    """
    apart = cities[:, None] - cities
    rounded: np.ndarray = np.floor(np.sqrt((apart**2).sum(axis=-1)) + 0.5).astype(int)
    return rounded


@cache
def _cities() -> Mapping[str, Any]:
    """By name: ``cities``, pairs of coordinates, and ``optimum``."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("tsplib.json").read_text())
    return found
