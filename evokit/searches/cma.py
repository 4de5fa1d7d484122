"""CMA-ES, by the library ``cmaes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import cmaes
import numpy as np
from annotated_types import Ge, Gt, Le

from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.box import BoxSearch

GROWTH = 2  # of the population at a restart


@dataclass(frozen=True)
class CMA:
    """Covariance matrix adaptation (CMA-ES): samples around a mean and learns the scale and shape of what is good.

    The first choice for up to some hundred real numbers that may be correlated and differently scaled, from about
    fifty evaluations a number on. For thousands of numbers say ``covariance: separable``, which learns a scale for each
    and no correlations; with few evaluations a surrogate gains more.

    ``population`` is 4 + 3 ln n if null; ``sigma`` is the first standard deviation as a share of each range. Where a
    run of the strategy has converged or got stuck, ``restarts: ipop`` begins another at a random point with twice the
    population, ``bipop`` in turn with a large and a small one at equal work, ``none`` ends the search. ``adapt_rate``
    is for noisy and rugged fitnesses. ``init`` gives the first mean.

    Source: Hansen 2016, "The CMA Evolution Strategy: A Tutorial"; Ros and Hansen 2008 (separable); Auger and Hansen
    2005 (ipop); Hansen 2009, "Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed"; Nomura, Akimoto
    and Ono 2023, "CMA-ES with Learning Rate Adaptation".
    """

    population: Annotated[int, Ge(4)] | None = None
    generations: Annotated[int, Ge(1)] | None = None
    sigma: Annotated[float, Gt(0), Le(1)] = 0.3
    covariance: Literal["full", "separable"] = "full"
    restarts: Literal["none", "ipop", "bipop"] = "bipop"
    adapt_rate: bool = False

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def __post_init__(self) -> None:
        if self.adapt_rate and self.covariance == "separable":
            raise ValueError("adapt_rate: belongs to covariance: full")

    def build(self, context: Context) -> CMASearch:
        if context.genome.n_genes < 2:
            raise ValueError("cma is for two numbers or more, the genome has one: name de or quasi_newton")
        return CMASearch(self, context)


class CMASearch(BoxSearch):
    """A generation is one sample of the strategy."""

    def __init__(self, options: CMA, context: Context) -> None:
        super().__init__(context, options.generations)
        self._options = options
        self._stuck = False
        self._injected = np.empty((0, len(self._low)))  # points from elsewhere, for the next sample
        self._runs = {"large": 0, "work_small": 0, "work_large": 0, "small": False}
        self._strategy = self._begun(options.population)

    @property
    def done(self) -> bool:
        return self._stuck or super().done

    @property
    def endless(self) -> bool:
        return self._options.restarts != "none" and super().endless

    def ask(self) -> list[Individual]:
        self._strategy.reseed_rng(self._seed("sample"))
        points = [self._strategy.ask() for _ in range(self._asked)]
        if len(self._injected):
            points[-len(self._injected) :] = [self._within_reach(point) for point in self._injected]
        return [self._individual(point, "cma") for point in points]

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Let measured individuals from elsewhere take the places of the last in the next sample (at most half of it).

        Source: Hansen 2011, "Injecting External Solutions Into CMA-ES", algorithm 1.
        """
        points = [self._point(one.genes) for one in individuals]
        self._injected = np.array(points[: self._asked // 2]).reshape(-1, len(self._low))

    def _within_reach(self, point: np.ndarray) -> np.ndarray:
        """A point, or one on the way to it that is as far from the mean as a sample may be; nearer ones stay."""
        n, mean = len(point), self._strategy.mean
        way = (point - mean) / self._strategy._sigma
        if isinstance(self._strategy, cmaes.SepCMA):
            length = np.linalg.norm(way / self._strategy._eigen_decomposition())
        else:
            axes, scales = self._strategy._eigen_decomposition()
            length = np.linalg.norm(axes.T @ way / scales)
        reach = np.sqrt(n) + 2 * n / (n + 2)
        return point if length <= reach else np.clip(mean + reach / length * (point - mean), 0, 1)

    def _size_at(self, generation: int) -> int:
        return self._first_population  # after a restart there are more

    @property
    def _asked(self) -> int:
        return int(self._strategy.population_size)

    def _learn(self, points: np.ndarray, losses: np.ndarray, individuals: Sequence[Individual]) -> None:
        self._strategy.tell(list(zip(points, losses.tolist(), strict=True)))
        # A state holds one half of the matrix, whose halves differ in the last bit: go on as a resumed run does.
        self._strategy.__setstate__(self._strategy.__getstate__())
        self.population, self._injected = only_ok(individuals), self._injected[:0]
        if self._strategy.should_stop():
            self._restart()

    def _restart(self) -> None:
        """Begin another run of the strategy, large or small, whichever kind has spent less."""
        options, runs = self._options, self._runs
        self._stuck = options.restarts == "none"
        runs["work_small" if runs["small"] else "work_large"] += self._asked * self._strategy.generation
        first = self._first_population
        runs["small"] = options.restarts == "bipop" and runs["work_small"] < runs["work_large"]
        if runs["small"]:
            share = self._streams.at("cma", "small", self.generation).numpy().random() ** 2
            self._strategy = self._begun(int(first * GROWTH ** (runs["large"] * share)))
        else:
            runs["large"] += 1
            self._strategy = self._begun(first * GROWTH ** runs["large"])

    @property
    def _first_population(self) -> int:
        n = len(self._low)
        return self._options.population or 4 + int(3 * np.log(n))

    def _begun(self, population: int | None) -> Any:
        """A run of the strategy at its beginning."""
        n = len(self._low)
        mean = self._streams.at("cma", "mean", self.generation).numpy().random(n)
        if self._init and not self.generation:
            mean = self._init[0]
        how = {"mean": mean, "sigma": self._options.sigma, "bounds": np.array([[0.0, 1.0]] * n)}
        how |= {"population_size": population or self._first_population, "seed": self._seed("begin")}
        if self._options.covariance == "separable":
            return cmaes.SepCMA(**how)
        return cmaes.CMA(**how, lr_adapt=self._options.adapt_rate)

    def _seed(self, what: str) -> int:
        return self._streams.at("cma", what, self.generation).entropy() % 2**32

    def state_dict(self) -> dict[str, Any]:
        mine = {"strategy": self._strategy.__getstate__(), "injected": self._injected}
        return super().state_dict() | mine | {"runs": dict(self._runs), "stuck": self._stuck}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._runs, self._stuck = dict(state["runs"]), state["stuck"]
        self._injected = np.array(state["injected"])
        self._strategy.__setstate__(dict(state["strategy"]))
