"""berlin52 of TSPLIB, a travelling salesman's problem whose optimum is known: 52 places in Berlin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Context, Goal, hookimpl

PLACES = np.fromstring(
    "565 575 25 185 345 750 945 685 845 655 880 660 25 230 525 1000 580 1175 650 1130 1605 620 1220 580 1465 200 "
    "1530 5 845 680 725 370 145 665 415 635 510 875 560 365 300 465 520 585 480 415 835 625 975 580 1215 245 1320 315 "
    "1250 400 660 180 410 250 420 555 575 665 1150 1160 700 580 685 595 685 610 770 610 795 645 720 635 760 650 "
    "475 960 95 260 875 920 700 500 555 815 830 485 1170 65 830 610 605 625 595 360 1340 725 1740 245",
    dtype=int,
    sep=" ",
).reshape(52, 2)
# TSPLIB's distances are whole numbers.
DISTANCES = np.rint(np.hypot(*(PLACES[:, None] - PLACES).transpose(2, 0, 1))).astype(int)


@dataclass(frozen=True)
class TourLength:
    """Length of a closed tour through all places, in TSPLIB's whole numbers; the shortest has 7542.

    Source: Reinelt 1991, "TSPLIB: A Traveling Salesman Problem Library".
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"length": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"permutation"})
    slots: ClassVar[Mapping[str, object]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)
    context: ClassVar[str] = "berlin52, version 1"

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        tours = np.stack(batch)
        return DISTANCES[tours, np.roll(tours, -1, 1)].sum(1).astype(float)


@dataclass(frozen=True)
class TwoOpt:
    """Two neighbouring stretches change places, then stretches are turned round as long as that makes the tour shorter.

    So every child is a local optimum. Source: Croes 1958, "A Method for Solving Traveling-Salesman Problems"; Martin,
    Otto and Felten 1991 (the double bridge, which 2-opt does not undo).
    """

    genes: ClassVar[frozenset[str]] = frozenset({"permutation"})

    def build(self, context: Context) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
        return lambda genes, rng: shortened(double_bridge(genes, rng))


def double_bridge(tour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two stretches side by side change places."""
    first, second, third = np.sort(rng.choice(np.arange(1, len(tour) + 1), 3, replace=False))
    return np.concatenate([tour[:first], tour[second:third], tour[first:second], tour[third:]])


def shortened(tour: np.ndarray) -> np.ndarray:
    """Always that stretch is turned round which makes the tour shortest, until none makes it shorter."""
    while True:
        after = np.roll(tour, -1)
        edges = DISTANCES[tour, after]
        gains = edges[:, None] + edges - DISTANCES[np.ix_(tour, tour)] - DISTANCES[np.ix_(after, after)]
        np.fill_diagonal(gains, 0)
        first, last = sorted(divmod(int(gains.argmax()), len(tour)))
        if gains[first, last] <= 0:
            return tour
        tour = np.concatenate([tour[: first + 1], tour[last:first:-1], tour[last + 1 :]])


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "berlin52", TourLength), Component("mutation", "two_opt", TwoOpt)]
