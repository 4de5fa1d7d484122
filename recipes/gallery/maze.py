"""A maze whose goal lies straight ahead behind a wall: who comes nearer to it gets stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Evaluation, Goal, hookimpl

START, GOAL, NEAR = np.array([0.15, 0.1]), np.array([0.15, 0.88]), 0.04
STRIDE = 0.1
WALLS = np.array(  # from x, y to x, y; the square's own sides are the first four
    [
        [0, 0, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 0, 0],
        [0, 0.76, 0.84, 0.76], [0.45, 0.76, 0.45, 0.5], [0.3, 0.3, 0.62, 0.3], [0.62, 0.3, 0.62, 0.12],
        [0.5, 1, 0.5, 0.88],
    ]
)  # fmt: skip
GAP = 0.005  # that a walker keeps from a wall


@dataclass(frozen=True)
class Maze:
    """Distance to the goal in a straight line after so many strides, each in the direction of a gene, in radians.

    A wall ends a stride. The metrics ``x`` and ``y`` tell where the walk ended; who is at the goal
    stays there.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"distance": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, object]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "maze, version 1"

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[Evaluation]:
        ends = walks(np.stack(batch))[:, -1]
        distances = np.hypot(*(ends - GOAL).T).tolist()
        places = (dict(zip("xy", end, strict=True)) for end in ends.tolist())
        return [Evaluation((distance,), metrics=place) for distance, place in zip(distances, places, strict=True)]


def walks(directions: np.ndarray) -> np.ndarray:
    """Where the strides of each walker ended, the start first: ``(n, n_strides + 1, 2)`` of ``(n, n_strides)``."""
    places = [np.tile(START, (len(directions), 1))]
    for one in directions.T:
        here = places[-1]
        way = np.stack([np.cos(one), np.sin(one)], axis=1)
        there = np.hypot(*(here - GOAL).T) < NEAR
        places.append(here + np.where(there, 0, _free(here, way))[:, None] * way)
    return np.stack(places, axis=1)


def _free(places: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """How far the nearest wall lets each go, a stride at most."""
    begin, along = WALLS[:, :2], WALLS[:, 2:] - WALLS[:, :2]
    across = ways[:, :1] * along[:, 1] - ways[:, 1:] * along[:, 0]
    across = np.where(np.abs(across) < 1e-12, 1e-12, across)  # of a wall that is parallel to the way
    away = begin - places[:, None]
    far = (away[..., 0] * along[:, 1] - away[..., 1] * along[:, 0]) / across
    share = (away[..., 0] * ways[:, 1:] - away[..., 1] * ways[:, :1]) / across
    met = (far > 0) & (share >= -GAP) & (share <= 1 + GAP)
    nearest = np.where(met, far, STRIDE + GAP).min(1)
    return np.clip(nearest - GAP, 0, STRIDE)


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "maze", Maze)]
