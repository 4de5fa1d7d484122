"""CMA-ME and CMA-MAE: an archive of elites that is filled by CMA-ES, by the library ``cmaes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import cmaes
import numpy as np
from annotated_types import Ge, Gt, Le

from evokit.interfaces import Context, Individual
from evokit.options import Count
from evokit.searches.archive import only_ok
from evokit.searches.box import BoxSearch
from evokit.searches.elites import Added, Diverse, Elites

FEWEST = 2  # parents that the library has weights for
RATES = ("_mu", "_mu_eff", "_c1", "_cmu", "_cc", "_c_sigma", "_d_sigma")  # of a strategy, by the number of parents


@dataclass(frozen=True)
class CMAME(Diverse):
    """Covariance matrix adaptations that look for what changes an archive of elites (CMA-ME, CMA-MAE).

    For real numbers, what ``map_elites`` is for any genome; there are its descriptors, niches and offset described.

    Each of ``emitters`` samples ``batch`` individuals a generation around a mean of its own. It goes to where cells
    were found that had nobody, next to where elites were improved, and begins anew at some elite when a whole sample
    brought neither. ``sigma`` is the first standard deviation as a share of each range. ``init`` gives the first means,
    in turn; else that is the middle.

    With ``learning_rate`` below 1 this is CMA-MAE: what a cell pays is not an improvement of its elite but of a bar
    that begins at ``offset`` and follows by that share what comes above it. So emitters stay where they found good
    cells and improve them before they go on; 0 looks for the best value alone. 0.01 is usual, and needs an ``offset``
    that the better part of what is drawn at random comes above.

    Source: Fontaine, Togelius, Nikolaidis and Hoover 2020, "Covariance Matrix Adaptation for the Rapid Illumination of
    Behavior Space" (improvement emitters); Fontaine and Nikolaidis 2023, "Covariance Matrix Adaptation MAP-Annealing".
    """

    emitters: Count = 5
    batch: Annotated[int, Ge(4)] = 36
    generations: Count | None = None
    sigma: Annotated[float, Gt(0), Le(1)] = 0.1
    learning_rate: Annotated[float, Ge(0), Le(1)] = 1.0

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> CMAMESearch:
        return CMAMESearch(self, context)


class CMAMESearch(BoxSearch):
    """A generation is a sample of each emitter."""

    functional = False  # its descriptors are metrics

    def __init__(self, options: CMAME, context: Context) -> None:
        super().__init__(context, options.generations)
        self.elites = Elites(options, context, options.learning_rate)
        self.metrics_read = self.elites.cells.metrics
        self._options, self._restarts = options, 0
        begin = self._init or [np.full(len(self._low), 0.5)]
        self._emitters = [self._begun(begin[number % len(begin)]) for number in range(options.emitters)]

    def ask(self) -> list[Individual]:
        points = []
        for number, emitter in enumerate(self._emitters):
            emitter.reseed_rng(self._streams.at("cma_me", number, self.generation).entropy() % 2**32)
            points += [emitter.ask() for _ in range(self._options.batch)]
        return self._individuals(points, "cma_me")

    @property
    def _asked(self) -> int:
        return self._options.emitters * self._options.batch

    def tell(self, individuals: Sequence[Individual]) -> None:
        added = self.elites.add(individuals)
        if len(individuals) == self._asked:  # a control whose work is spent measures only a part of its last generation
            points = self._points_of(individuals)
            for number in range(len(self._emitters)):
                mine = slice(number * self._options.batch, (number + 1) * self._options.batch)
                self._adapt(number, points[mine], Added(added.status[mine], added.gain[mine]))
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, self.population)
        self.logbook[-1].update(self.elites.figures, restarts=self._restarts)
        self.generation += 1

    def _adapt(self, number: int, points: np.ndarray, added: Added) -> None:
        """Let an emitter learn from its sample, and begin anew where that has led nowhere."""
        annealing = self._options.learning_rate < 1
        emitter, has_place = self._emitters[number], np.isfinite(added.gain)
        wanted = len(points) // 2 if annealing else added.n
        n_parents = min(max(wanted, FEWEST), int(has_place.sum()))
        if wanted and n_parents >= FEWEST:
            order = np.lexsort((-added.gain, np.zeros(len(points)) if annealing else -added.status))
            _expect(emitter, n_parents)
            # Told ranks, it stops for what its distribution has become, never for values that are all the same.
            emitter.tell([(points[place], float(rank)) for rank, place in enumerate(order[:n_parents])])
            if not emitter.should_stop():
                return
        rng = self._streams.at("cma_me", "restart", number, self.generation).numpy()
        somebody = self.elites.sample(1, rng) if self.elites.members else []
        self._emitters[number] = self._begun(self._point(somebody[0].genes) if somebody else rng.random(len(self._low)))
        self._restarts += 1

    def _begun(self, mean: np.ndarray) -> cmaes.CMA:
        box = np.array([[0.0, 1.0]] * len(mean))
        return cmaes.CMA(np.clip(mean, 0, 1), self._options.sigma, box, population_size=self._options.batch)

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Let measured individuals from elsewhere compete for their cells."""
        self.elites.add(individuals)

    def state_dict(self) -> dict[str, Any]:
        mine = {"restarts": self._restarts, "emitters": [one.__getstate__() for one in self._emitters]}
        return super().state_dict() | {"elites": self.elites.state_dict(), "cma_me": mine}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.elites.load_state_dict(state["elites"])
        self._restarts = state["cma_me"]["restarts"]
        for emitter, saved in zip(self._emitters, state["cma_me"]["emitters"], strict=True):
            emitter.__setstate__(dict(saved))


def _expect(strategy: cmaes.CMA, n_parents: int) -> None:
    """Let a strategy be told parents alone, so many, with the weights and rates that it would give them."""
    sized = cmaes.CMA(strategy.mean, 1.0, population_size=2 * n_parents).__getstate__()
    fitting = {name: sized[name] for name in RATES}
    fitting |= {"_popsize": n_parents, "_weights": sized["_weights"][:n_parents]}
    # A state holds one half of the matrix, whose halves differ in the last bit: go on as a resumed run does.
    strategy.__setstate__(strategy.__getstate__() | fitting)
