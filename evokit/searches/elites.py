"""An archive of elites: of each kind of individual, told apart by its descriptors, the best."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import MinLen

from evokit.errors import UserError
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Context, Individual, Score
from evokit.options import Count
from evokit.searches.archive import dump_genes, load_genes, only_feasible
from evokit.searches.cells import Cells, Descriptor, untold

log = logging.getLogger("evokit")

NOT_ADDED, IMPROVED, NEW = 0, 1, 2  # what became of an individual


@dataclass(frozen=True)
class Diverse:
    """What searches for many kinds of individuals have in common."""

    descriptors: Annotated[tuple[Descriptor, ...], MinLen(1)]
    niches: Count | None = None
    offset: float | None = None


@dataclass(frozen=True)
class Added:
    """Of each individual that was shown to an archive what became of it, and by how much it is above its cell's bar."""

    status: np.ndarray  # (n,) NOT_ADDED, IMPROVED or NEW
    gain: np.ndarray  # (n,) minus infinity for one that failed or has no place

    @property
    def n(self) -> int:
        """How many came above the bar."""
        return int((self.status > NOT_ADDED).sum())


class Elites:
    """The best measured individual of each cell.

    What an individual is worth is by how much it is better than ``offset``; one that is worse counts 0 in the score.
    Above a cell's bar it counts as added: that is the worth of the cell's elite, or with ``rate`` below 1 one that
    begins at 0 and follows what comes above it by that share of the distance, so that a cell that was met pays again
    for a while. The elite is the best in any case.

    Args:
        options: Descriptors, niches and offset.
        context: Gives genome and objective.
        rate: At which bars follow, in [0, 1].

    Attributes:
        members: The elites, in the order in which their cells were found.
        outside: How many individuals so far had a descriptor outside of its bounds; they count as at the bound.
        unplaced: How many had a descriptor that is no finite number or was not told, and so no cell.

    Raises:
        ValueError: There are several objectives, or the descriptors make no archive.

    Source: Mouret and Clune 2015, "Illuminating search spaces by mapping elites"; the bars are the thresholds of
    Fontaine and Nikolaidis 2023, "Covariance Matrix Adaptation MAP-Annealing", appendix on batches.
    """

    def __init__(self, options: Diverse, context: Context, rate: float = 1.0) -> None:
        if (n := len(context.fitness.objectives)) > 1:
            raise ValueError(f"this search has one objective, the fitness has {n}: name nsga2, or drop some")
        if options.offset is None and weights_of(context.fitness.objectives)[0] < 0:
            raise ValueError(
                "offset: say the worst value that still counts, such as that of a useless individual; the score of an"
                " archive is the sum of how much lower its elites are"
            )
        self.cells = Cells(options.descriptors, options.niches)
        self.members: list[Individual] = []
        self.outside = self.unplaced = 0
        self._warned = False
        self._options, self._context, self._rate = options, context, rate
        self._genome, self._weights = context.genome, weights_of(context.fitness.objectives)
        self._worths: list[float] = []  # of the members
        self._place: dict[int, int] = {}  # by cell, in members
        self._bars: dict[int, float] = {}  # by cell

    @property
    def descriptors(self) -> Sequence[Descriptor]:
        return self._options.descriptors

    @property
    def niches(self) -> int | None:
        return self._options.niches

    @property
    def offset(self) -> float:
        return self._options.offset or 0.0

    def like(self) -> Elites:
        """An empty archive of the same cells."""
        return Elites(self._options, self._context)

    def worth(self, one: Individual) -> float:
        """How much better than the offset, whatever the goal."""
        return float(one.fitness.wvalues[0] - self._weights[0] * self.offset)

    def points(self, individuals: Sequence[Individual]) -> np.ndarray:
        """Descriptors, ``(n, n_descriptors)``, NaN where they are not finite.

        Raises:
            UserError: The fitness does not tell them.
        """
        points = self.cells.points([one.metrics for one in individuals])
        if not self.members:
            missing = [untold(self.cells.metrics, one.metrics) for one in individuals]
            if missing and all(missing):
                raise UserError(f"search.descriptors: {missing[0]}")
        said = [] if self._warned else [untold(self.cells.metrics, one.metrics) for one in individuals]
        if any(said):
            self._warned = True
            log.warning("search.descriptors: of some individuals %s; they count as unplaced", next(filter(None, said)))
        return np.where(np.isfinite(points), points, np.nan)

    def add(self, individuals: Sequence[Individual]) -> Added:
        """Take those that are the best of their cell; of equals, the first stays. The failed, unmeasured and infeasible
        have none.

        All are held against the archive as it was before.
        """
        added = Added(np.zeros(len(individuals), int), np.full(len(individuals), -math.inf))
        valid = [place for place, one in enumerate(individuals) if only_feasible([one])]
        points = self.points([individuals[place] for place in valid])
        finite = np.isfinite(points).all(axis=1)
        self.unplaced += int((~finite).sum())
        beyond = (points < self.cells.low) | (points > self.cells.high)
        self.outside += int((beyond.any(axis=1) & finite).sum())
        placed = [place for place, has in zip(valid, finite.tolist(), strict=True) if has]
        above = defaultdict[int, list[float]](list)  # by cell, the worth of those above its bar
        for place, cell in zip(placed, self.cells.of(points[finite]).tolist(), strict=True):
            worth, new = self.worth(individuals[place]), cell not in self._bars
            added.gain[place] = worth - self._bars.get(cell, 0.0)
            if added.gain[place] > 0 or (new and self._rate == 1):
                added.status[place] = NEW if new else IMPROVED
                above[cell].append(worth)
            self._keep(individuals[place], worth, cell)
        for cell, worths in above.items():
            self._bars[cell] = self._raised(self._bars.get(cell, 0.0), worths)
        return added

    def _raised(self, bar: float, worths: Sequence[float]) -> float:
        """A cell's bar after a generation in which these came above it."""
        if self._rate == 1:
            return max(worths)
        left = (1 - self._rate) ** len(worths)
        return left * bar + (1 - left) * math.fsum(worths) / len(worths)

    def _keep(self, one: Individual, worth: float, cell: int) -> None:
        place = self._place.setdefault(cell, len(self.members))
        if place == len(self.members):
            self.members.append(one)
            self._worths.append(worth)
        elif worth > self._worths[place]:
            self.members[place], self._worths[place] = one, worth

    def sample(self, n: int, rng: np.random.Generator) -> list[Individual]:
        """``n`` different elites, or all if there are fewer, each as likely."""
        n = min(n, len(self.members))
        return [self.members[place] for place in rng.choice(len(self.members), n, replace=False).tolist()]

    @property
    def figures(self) -> dict[str, float]:
        """For a generation's record: the share of cells with an elite, the sum of what elites are worth, counts."""
        return {
            "coverage": len(self.members) / self.cells.n,
            "qd_score": math.fsum(max(worth, 0.0) for worth in self._worths),
            "elites": len(self.members),
            "outside": self.outside,
            "unplaced": self.unplaced,
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "genes": dump_genes([one.genes for one in self.members], self._genome),
            "keys": [one.key for one in self.members],
            "values": np.array([one.fitness.values[0] for one in self.members]),
            "points": self.cells.points([one.metrics for one in self.members]),
            "bars": {"cells": np.array(list(self._bars), np.int64), "heights": np.array(list(self._bars.values()))},
            "outside": self.outside,
            "unplaced": self.unplaced,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        saved = zip(state["genes"], state["keys"], state["values"].tolist(), state["points"].tolist(), strict=True)
        self.members = [
            Individual(
                load_genes(genes, self._genome),
                key,
                Score(self._weights, (value,)),
                metrics=dict(zip(self.cells.metrics, point, strict=True)),
            )
            for genes, key, value, point in saved
        ]
        self._worths = list(map(self.worth, self.members))
        self._place = {cell: place for place, cell in enumerate(self.cells.of(state["points"]).tolist())}
        self._bars = dict(zip(state["bars"]["cells"].tolist(), state["bars"]["heights"].tolist(), strict=True))
        self.outside, self.unplaced = state["outside"], state["unplaced"]
