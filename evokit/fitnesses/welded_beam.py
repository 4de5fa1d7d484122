"""The welded beam: a design whose strength is bounded by constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.interfaces import Evaluation, Goal

LOAD, LENGTH = 6_000.0, 14.0  # pounds, inches
ELASTICITY, RIGIDITY = 30e6, 12e6  # of steel, Young's and shear modulus, psi
MOST_SHEAR, MOST_BENDING, MOST_DEFLECTION = 13_600.0, 30_000.0, 0.25  # psi, psi, inches
LEAST_WELD = 0.125  # inches
LOW, HIGH = 0.1, 10.0  # inches


@dataclass(frozen=True)
class WeldedBeam:
    """The cost of a beam that is welded to a wall and has to carry a load: least with six constraints.

    Genes are four lengths in inches between 0.1 and 10: height and length of the weld, height and width of the bar.
    Constraints are shares beyond what is allowed: of shear and bending stress, weld against bar, the least weld,
    deflection at the end, and the load at which the bar buckles. The least known cost is 1.724852, at (0.205730,
    3.470489, 9.036624, 0.205730).

    Source: Coello Coello 2000, "Use of a self-adaptive penalty approach for engineering optimization problems", without
    the bound on the cost of the bar, which the least cost is far from.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"cost": "min"}
    constraints: ClassVar[Sequence[str]] = ("shear", "bending", "weld", "least_weld", "deflection", "buckling")
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "welded_beam"
    batch: ClassVar[int] = 1024  # of arrays that are looked at together

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[Evaluation]:
        """Cost and constraints of ``n`` vectors.

        Raises:
            ValueError: A vector has another number of lengths than four, or one out of range.
        """
        x = np.stack(batch).astype(float)
        if x.shape[1] != 4 or x.min() < LOW or x.max() > HIGH:
            raise ValueError(f"welded_beam takes four numbers in [{LOW}, {HIGH:g}]")
        weld, along, height, width = x.T
        costs = 1.10471 * weld**2 * along + 0.04811 * height * width * (LENGTH + along)
        used = np.stack(
            [
                shear(weld, along, height) / MOST_SHEAR,
                6 * LOAD * LENGTH / (width * height**2) / MOST_BENDING,
                weld / width,
                LEAST_WELD / weld,
                4 * LOAD * LENGTH**3 / (ELASTICITY * height**3 * width) / MOST_DEFLECTION,
                LOAD / buckling_load(height, width),
            ],
            axis=1,
        )
        rows = zip(costs.tolist(), (used - 1).tolist(), strict=True)
        return [Evaluation((cost,), work=budget, constraints=tuple(beyond)) for cost, beyond in rows]


def shear(weld: np.ndarray, along: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The shear stress in the weld, psi, of lengths in inches."""
    primary = LOAD / (np.sqrt(2) * weld * along)
    squared = along**2 / 4 + ((weld + height) / 2) ** 2  # of the weld's distance from its centre
    inertia = 2 * np.sqrt(2) * weld * along * (along**2 / 12 + ((weld + height) / 2) ** 2)
    secondary = LOAD * (LENGTH + along / 2) * np.sqrt(squared) / inertia
    stress: np.ndarray = np.sqrt(primary**2 + primary * secondary * along / np.sqrt(squared) + secondary**2)
    return stress


def buckling_load(height: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The load at which the bar buckles, pounds."""
    slender = height / (2 * LENGTH) * np.sqrt(ELASTICITY / (4 * RIGIDITY))
    load: np.ndarray = 4.013 * ELASTICITY * np.sqrt(height**2 * width**6 / 36) / LENGTH**2 * (1 - slender)
    return load
