"""A planar arm: where it ends says what it does, how evenly its joints turn how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.interfaces import Evaluation, Goal


@dataclass(frozen=True)
class PlanarArm:
    """The spread (standard deviation) of the joint angles of an arm in the plane, to be minimised.

    The numbers are angles in radians, each from the direction of the link before; all links together have length 1.
    The metrics ``x`` and ``y`` say where the arm ends, as descriptors for ``map_elites`` and its kin.

    Source: Cully and Demiris 2018, "Quality and Diversity Optimization: A Unifying Modular Framework".
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"spread": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "planar_arm"
    batch: ClassVar[int] = 1024  # of arrays that are looked at together

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[Evaluation]:
        """One for each vector of angles."""
        angles = np.stack(batch).astype(float)
        directions = np.cumsum(angles, axis=1)
        spread, x, y = angles.std(axis=1), np.cos(directions).mean(axis=1), np.sin(directions).mean(axis=1)
        return [
            Evaluation((value,), work=budget, metrics={"x": at, "y": up})
            for value, at, up in zip(spread.tolist(), x.tolist(), y.tolist(), strict=True)
        ]
