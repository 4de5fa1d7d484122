"""Closed curves, told apart by how round and how long they are, and judged by how much they bend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Evaluation, Goal, hookimpl

N_POINTS = 180


@dataclass(frozen=True)
class Bending:
    """Bending energy of a closed curve times its length, 1 for a circle and more for any other.

    Genes are the Fourier coefficients of the logarithm of the radius, from the second harmonic on: cosines, then sines.
    The metrics are ``roundness``, 4 pi area / length², and ``slenderness``, 1 - width / length of the points' ellipse;
    both are between 0 and 1.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"bending": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, object]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "bending, version 1"

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[Evaluation]:
        return [_measured(curve(genes)) for genes in batch]


def curve(genes: np.ndarray, n_points: int = N_POINTS) -> np.ndarray:
    """``(n_points,)`` complex numbers around 0."""
    cosines, sines = np.split(np.asarray(genes), 2)
    angles = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    turns = np.arange(2, len(cosines) + 2)[:, None] * angles
    log_radius = (cosines[:, None] * np.cos(turns) + sines[:, None] * np.sin(turns)).sum(0)
    return np.exp(log_radius + 1j * angles)


def _measured(z: np.ndarray) -> Evaluation:
    ahead, behind = np.roll(z, -1) - z, z - np.roll(z, 1)
    lengths = np.abs(ahead)
    length, area = lengths.sum(), (z.conj() * np.roll(z, -1)).imag.sum() / 2
    turning = np.angle(ahead / behind)
    bending = length * (turning**2 / ((lengths + np.abs(behind)) / 2)).sum() / (2 * np.pi) ** 2
    narrow, wide = np.linalg.eigvalsh(np.cov(z.real, z.imag, aweights=lengths))
    metrics = {"roundness": 4 * np.pi * area / length**2, "slenderness": 1 - np.sqrt(narrow / wide)}
    return Evaluation((float(bending),), metrics={name: float(value) for name, value in metrics.items()})


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "bending", Bending)]
