"""Ten equal circles in a square, as large as they may be; the best known packing has radius 0.148204."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Goal, hookimpl


@dataclass(frozen=True)
class Packing:
    """The radius that circles around the given places may have, neither meeting each other nor the sides of the square.

    Genes are between 0 and 1: x of each centre, then y of each.

    Source: Markót and Csendes 2005, "A New Verified Optimization Technique for the 'Packing Circles in a Unit Square'
    Problems".
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"radius": "max"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, object]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "packing, version 1"

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        places = np.stack(batch).reshape(len(batch), 2, -1)
        first, second = np.triu_indices(places.shape[2], 1)
        apart = np.hypot(*(places[:, :, first] - places[:, :, second]).transpose(1, 0, 2))
        return np.minimum(np.minimum(places, 1 - places).min((1, 2)), apart.min(1) / 2)


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "packing", Packing)]
