"""CMA-ES, by the library ``cmaes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import cmaes
import numpy as np
from annotated_types import Ge, Gt, Le

from evokit.interfaces import Context, Individual
from evokit.options import added
from evokit.searches.archive import only_ok
from evokit.searches.box import BoxSearch, bounds_of, space_box

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
    is for noisy and rugged fitnesses. The first mean is the middle of the box. With an ``init`` of one member it is
    that; of more, the first mean, scale and (if full) covariance are those of the members.

    The choices of an index vector are taken as whole numbers, in their order; a margin keeps the chance that each
    changes from vanishing. So are whole numbers, steps and ordered choices of a space, which must be of numbers alone;
    of whole numbers with ``log`` the nearest one is taken.

    Under noise the best of many samples is luck. With ``keep: mean`` the strategy's mean is measured each generation,
    before that generation moves it, and the last one so measured is the champion, whatever samples were worth. Then
    ``reevaluate`` may say after how many generations the fitness goes on with fresh data or replicates, so that no
    mean adapts to some of them.

    Source: Hansen 2016, "The CMA Evolution Strategy: A Tutorial"; Ros and Hansen 2008 (separable); Auger and Hansen
    2005 (ipop); Hansen 2009, "Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed"; Nomura, Akimoto
    and Ono 2023, "CMA-ES with Learning Rate Adaptation"; Nomura, Watanabe, Akimoto, Ozaki and Onishi 2021, "Warm
    Starting CMA-ES for Hyperparameter Optimization"; Hamano, Saito, Nomura and Shirakawa 2022, "CMA-ES with Margin"
    (whole numbers).
    """

    population: Annotated[int, Ge(4)] | None = None
    generations: Annotated[int, Ge(1)] | None = None
    sigma: Annotated[float, Gt(0), Le(1)] = 0.3
    covariance: Literal["full", "separable"] = "full"
    restarts: Literal["none", "ipop", "bipop"] = "bipop"
    adapt_rate: bool = False
    keep: Literal["best", "mean"] = added("best")
    reevaluate: Annotated[int, Ge(1)] | None = added(None)

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector", "index_vector", "space"})

    def __post_init__(self) -> None:
        if self.adapt_rate and self.covariance == "separable":
            raise ValueError("adapt_rate: belongs to covariance: full")
        if self.keep == "mean" and self.restarts != "none":
            raise ValueError("keep: of several runs no mean is the champion; with mean write restarts: none")
        if self.keep == "best" and self.reevaluate is not None:
            raise ValueError("reevaluate: belongs to keep: mean")

    def build(self, context: Context) -> CMASearch:
        sizes = getattr(context.genome, "sizes", ())
        space = space_box(context.genome)
        steps = sizes or (space is not None and space.steps.any())
        if len(bounds_of(space or context.genome)[0]) < 2:
            others = "grid" if sizes else "de or quasi_newton"
            raise ValueError(f"cma is for two numbers or more, the genome has one: name {others}")
        if steps and (self.adapt_rate or self.covariance == "separable"):
            raise ValueError("covariance and adapt_rate: whole numbers have covariance: full and no adapt_rate")
        if 1 in sizes:
            raise ValueError(f"cma: gene {sizes.index(1)} has a single choice: leave it out of the genome")
        return CMASearch(self, context)


class CMASearch(BoxSearch):
    """A generation is one sample of the strategy."""

    def __init__(self, options: CMA, context: Context) -> None:
        super().__init__(context, options.generations, options.reevaluate)
        self._options = options
        self._keeps_mean = options.keep == "mean"
        # In the unit box, of whole numbers and the like; 0 of all others.
        self._steps = np.zeros(len(self._low)) if self._space is None else self._space.steps
        if hasattr(context.genome, "sizes"):
            self._steps = 1 / self._width
        self._whole = bool(self._steps.any())
        self._stuck = False
        # Points from elsewhere, for the next sample: first the best of an earlier run, as it is.
        self._injected = np.array(self._init[:1]).reshape(-1, len(self._low))
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
        drawn = [self._strategy.ask() for _ in range(self._sampled)]
        # Of a whole number the strategy learns what it drew, not what that was rounded to.
        rounded, sample = zip(*drawn, strict=True) if self._whole else (drawn, drawn)
        points, self._sample = list(rounded), np.array(sample)
        if n := len(self._injected):
            self._sample[-n:] = self._injected
            points[-n:] = self._rounded(self._sample[-n:])
        sampled = self._individuals(points, "cma")
        if not self._keeps_mean:
            return sampled
        mean = getattr(self._strategy, "_cma", self._strategy).mean
        return [*self._individuals(self._rounded(mean[None]), "mean"), *sampled]

    def tell(self, individuals: Sequence[Individual]) -> None:
        if not self._keeps_mean:
            super().tell(individuals)
            return
        mean, sampled = individuals[:1], individuals[1:]
        if only_ok(mean):
            self.archive.hall.clear()
        if len(sampled) == self._sampled:
            self._learn(self._points_of(sampled), self._losses(sampled), sampled)
        self.archive.add(self.generation, individuals, self.population, mean)
        self.population = list(self.archive.hall)  # nobody else is compared with what comes
        self.generation += 1

    def receive(self, individuals: Sequence[Individual]) -> None:
        """Let measured individuals from elsewhere take the places of the last in the next sample (at most half of it).

        Source: Hansen 2011, "Injecting External Solutions Into CMA-ES", algorithm 1.
        """
        points = [self._within_reach(self._point(one.genes)) for one in individuals]
        self._injected = np.array(points[: self._sampled // 2]).reshape(-1, len(self._low))

    def _within_reach(self, point: np.ndarray) -> np.ndarray:
        """A point, or one on the way to it that is as far from the mean as a sample may be; nearer ones stay."""
        strategy = getattr(self._strategy, "_cma", self._strategy)
        n, mean = len(point), strategy.mean
        way = (point - mean) / strategy._sigma
        if isinstance(strategy, cmaes.SepCMA):
            length = np.linalg.norm(way / strategy._eigen_decomposition())
        else:
            axes, scales = strategy._eigen_decomposition()
            length = np.linalg.norm(axes.T @ way / scales)
        reach = np.sqrt(n) + 2 * n / (n + 2)
        return point if length <= reach else np.clip(mean + reach / length * (point - mean), 0, 1)

    def _rounded(self, points: np.ndarray) -> np.ndarray:
        """``(n, n_genes)`` points that genes can be."""
        if not self._whole:
            return points
        steps = np.where(self._steps > 0, self._steps, 1.0)
        return np.where(self._steps > 0, np.rint(points / steps) * steps, points)

    @property
    def _usual_size(self) -> int:
        again = self._options.reevaluate is not None  # the mean of the generation before, at most
        return self._first_population + self._keeps_mean + again  # after a restart there are more

    @property
    def _asked(self) -> int:
        return self._sampled + self._keeps_mean

    @property
    def _sampled(self) -> int:
        return int(self._strategy.population_size)

    def _learn(self, points: np.ndarray, losses: np.ndarray, individuals: Sequence[Individual]) -> None:
        told = self._sample if self._whole else points
        self._strategy.tell(list(zip(told, losses.tolist(), strict=True)))
        # A state holds one half of the matrix, whose halves differ in the last bit: go on as a resumed run does.
        _restore(self._strategy, _state_of(self._strategy))
        self.population, self._injected = only_ok(individuals), self._injected[:0]
        if self._strategy.should_stop():
            self._restart()

    def _restart(self) -> None:
        """Begin another run of the strategy, large or small, whichever kind has spent less."""
        options, runs = self._options, self._runs
        self._stuck = options.restarts == "none"
        runs["work_small" if runs["small"] else "work_large"] += self._sampled * self._strategy.generation
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
        elsewhere = self._streams.at("cma", "mean", self.generation).numpy().random(n)
        how: dict[str, Any] = {"mean": elsewhere if self.generation else np.full(n, 0.5)}
        how |= {"sigma": self._options.sigma, "bounds": np.array([[0.0, 1.0]] * n), "seed": self._seed("begin")}
        how["population_size"] = population or self._first_population
        if self._init and not self.generation:
            how |= self._warm()
        if self._options.covariance == "separable":
            how.pop("cov", None)
            return cmaes.SepCMA(**how)
        if self._whole:
            return cmaes.CMAwM(**how, steps=self._steps)
        return cmaes.CMA(**how, lr_adapt=self._options.adapt_rate)

    def _warm(self) -> dict[str, Any]:
        """Where the strategy begins with an ``init``."""
        if len(self._init) == 1:
            return {"mean": self._init[0]}
        mean, sigma, cov = cmaes.get_warm_start_mgd([(point, 0.0) for point in self._init], gamma=1)
        return {"mean": mean, "sigma": sigma, "cov": cov}

    def _seed(self, what: str) -> int:
        return self._streams.at("cma", what, self.generation).entropy() % 2**32

    def state_dict(self) -> dict[str, Any]:
        mine = {"strategy": _state_of(self._strategy), "injected": self._injected}
        return super().state_dict() | mine | {"runs": dict(self._runs), "stuck": self._stuck}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._runs, self._stuck = dict(state["runs"]), state["stuck"]
        self._injected = np.array(state["injected"])
        _restore(self._strategy, state["strategy"])


def _state_of(strategy: Any) -> dict[str, Any]:
    if isinstance(strategy, cmaes.CMAwM):  # which has no state of its own, as its strategy has
        return {"inner": strategy._cma.__getstate__(), "margin": strategy.margin, "scales": strategy._A.copy()}
    state: dict[str, Any] = strategy.__getstate__()
    return state


def _restore(strategy: Any, state: Mapping[str, Any]) -> None:
    if isinstance(strategy, cmaes.CMAwM):
        strategy._cma.__setstate__(dict(state["inner"]))
        strategy.margin, strategy._A = state["margin"], np.array(state["scales"])
    else:
        strategy.__setstate__(dict(state))
