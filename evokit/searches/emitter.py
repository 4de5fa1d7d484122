"""CMA-ES that is told a ranking and how many of it are parents, which may change from generation to generation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

REDRAWS = 100  # of points outside the box; what still is outside then is moved to its border
FLAT = 1e-12  # of all that the ranking goes by: so little difference says nothing any more
NARROW = 1e-11  # standard deviation in the unit box
CONDITION = 1e14


class Emitter:
    """A normal distribution in the unit box that adapts to where the ranked points of its samples lie.

    Args:
        mean: ``(n_genes,)`` where it begins.
        sigma: Its first standard deviation.
        batch: Points of a sample.

    Source: Hansen 2016, "The CMA Evolution Strategy: A Tutorial", with weights that are positive only and those of the
    parents that there are, as an emitter of Fontaine, Togelius, Nikolaidis and Hoover 2020, "Covariance Matrix
    Adaptation for the Rapid Illumination of Behavior Space".
    """

    def __init__(self, mean: np.ndarray, sigma: float, batch: int) -> None:
        n = len(mean)
        self._batch = batch
        self._mean, self._sigma = np.array(mean, float), float(sigma)
        self._path, self._path_sigma = np.zeros(n), np.zeros(n)
        self._covariance, self._axes, self._scales = np.eye(n), np.eye(n), np.ones(n)
        self._generations, self._decomposed = 0, 0

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """``(batch, n_genes)`` points in the unit box."""
        points = self._drawn(self._batch, rng)
        for _ in range(REDRAWS):
            outside = np.flatnonzero(((points < 0) | (points > 1)).any(axis=1))
            if not len(outside):
                break
            points[outside] = self._drawn(len(outside), rng)
        inside: np.ndarray = np.clip(points, 0, 1)
        return inside

    def _drawn(self, n: int, rng: np.random.Generator) -> np.ndarray:
        steps = rng.standard_normal((n, len(self._mean))) * self._scales
        points: np.ndarray = self._mean + self._sigma * (steps @ self._axes.T)
        return points

    def learn(self, parents: np.ndarray) -> None:
        """Adapt to ``(n_parents, n_genes)`` points of the last sample, best first; at least one."""
        n, n_parents = len(self._mean), len(parents)
        weights = math.log(n_parents + 0.5) - np.log(np.arange(1, n_parents + 1))
        weights /= weights.sum()
        effective = 1 / np.square(weights).sum()
        c_path = (4 + effective / n) / (n + 4 + 2 * effective / n)
        c_sigma = (effective + 2) / (n + effective + 5)
        c_one = 2 / ((n + 1.3) ** 2 + effective)
        c_many = min(1 - c_one, 2 * (effective - 2 + 1 / effective) / ((n + 2) ** 2 + effective))
        damping = 1 + 2 * max(0.0, math.sqrt((effective - 1) / (n + 1)) - 1) + c_sigma
        self._generations += 1
        steps = (parents - self._mean) / self._sigma
        step = weights @ steps
        self._mean = weights @ parents
        whitened = self._axes @ ((self._axes.T @ step) / self._scales)
        self._path_sigma = (1 - c_sigma) * self._path_sigma + math.sqrt(c_sigma * (2 - c_sigma) * effective) * whitened
        length = float(np.square(self._path_sigma).sum()) / n
        settled = length / (1 - (1 - c_sigma) ** (2 * self._generations)) < 2 + 4 / (n + 1)
        self._path = (1 - c_path) * self._path + settled * math.sqrt(c_path * (2 - c_path) * effective) * step
        kept = 1 - c_one - c_many + (0 if settled else c_one * c_path * (2 - c_path))
        one, many = np.outer(self._path, self._path), (weights * steps.T) @ steps
        covariance = kept * self._covariance + c_one * one + c_many * many
        self._covariance = (covariance + covariance.T) / 2
        self._sigma *= math.exp(min(1.0, c_sigma / damping * (length - 1) / 2))
        if self._generations - self._decomposed > 0.5 / ((c_one + c_many) * n):
            self._decompose()

    def _decompose(self) -> None:
        squares, axes = np.linalg.eigh(self._covariance)
        self._scales, self._axes = np.sqrt(np.maximum(squares, 0)), np.ascontiguousarray(axes)
        self._decomposed = self._generations

    def stuck(self, worst: np.ndarray, best: np.ndarray) -> bool:
        """Whether it cannot go on, or what the best and the worst point are ranked by is the same."""
        low, high = float(self._scales.min()), float(self._scales.max())
        if low <= 0 or (high / low) ** 2 > CONDITION or self._sigma * high < NARROW:
            return True
        return bool(np.linalg.norm(best - worst) < FLAT)

    def state_dict(self) -> dict[str, Any]:
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
