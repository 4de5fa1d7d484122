"""Policy gradients with parameter-based exploration, and with a fixed spread the strategy of OpenAI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, MultipleOf

from evokit.interfaces import Context
from evokit.options import NonNegative, Positive
from evokit.searches.gaussian import GaussianSearch, by_rank

MOMENTUM = 0.9  # of ClipUp: Toklu et al., section 3
MOST = 0.2  # share of a standard deviation by which it changes in a generation at most: likewise, section 4
DECAYS, EPS = (0.9, 0.999), 1e-8  # of Adam


@dataclass(frozen=True)
class PGPE:
    """Policy gradients with parameter-based exploration: pairs on both sides of a mean, whose differences move it.

    For thousands to millions of real numbers, and for a noisy fitness such as a policy's reward: steps are short, so
    that the gradient is averaged over many pairs and generations. It comes near an optimum and not to its last digits,
    the nearer the shorter its steps. Give the genome ``dtype: float32`` and bounds that are wide enough not to matter.

    ``population`` is even. ``sigma`` is the first standard deviation as a share of each range; ``sigma_rate`` is the
    rate of its change, and 0 holds it. ``rate`` is the length of a step in first standard deviations: with ``adam``
    that of each number (0.03 if null), with ``clipup`` the greatest one of all together (1/15 if null, as its authors
    advise). ``init`` gives the first mean, else the middle of the box. The mean is measured beside its samples.

    With ``sigma_rate: 0`` and ``adam`` it is OpenAI's evolution strategy, without its decay of weights.

    Source: Sehnke et al. 2010, "Parameter-exploring policy gradients", algorithm 2 (symmetric sampling), with centred
    ranks; Toklu, Liskowski and Srivastava 2020, "ClipUp: A Simple and Powerful Optimizer for Distribution-based Policy
    Evolution", also the default of ``rate``; Salimans et al. 2017, "Evolution Strategies as a Scalable Alternative to
    Reinforcement Learning". Equal losses share their rank.
    """

    population: Annotated[int, Ge(2), MultipleOf(2)] = 100
    generations: Annotated[int, Ge(1)] | None = None
    sigma: Annotated[float, Gt(0), Le(1)] = 0.1
    sigma_rate: NonNegative = 0.1
    optimizer: Literal["adam", "clipup"] = "adam"
    rate: Positive | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector"})

    def build(self, context: Context) -> PGPESearch:
        return PGPESearch(self, context)


class PGPESearch(GaussianSearch):
    """A generation is one sample; its second half lies opposite of its first."""

    def __init__(self, options: PGPE, context: Context) -> None:
        super().__init__(context, options.generations, options.population, options.sigma, "pgpe")
        self._options = options
        self._unit = self._sigma.copy()
        self._utilities = np.linspace(0.5, -0.5, options.population)
        moments = 1 if options.optimizer == "clipup" else 2
        self._moments = np.zeros((moments, len(self._mean)), self._mean.dtype)
        self._updates = 0

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        drawn = rng.standard_normal((self._size // 2, len(self._mean)), self._mean.dtype)
        steps = drawn * self._sigma
        return drawn, np.concatenate([self._mean + steps, self._mean - steps])

    def _updated(self, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pairs = len(self._drawn)
        plus, minus = np.split(by_rank(self._utilities, losses).astype(self._mean.dtype) / pairs, 2)
        slope = (plus - minus) / 2 @ self._drawn  # in standard deviations
        spread = (plus + minus) / 2 @ np.square(self._drawn, out=self._drawn) - (plus + minus).sum() / 2
        self._updates += 1
        step = (self._clip_up if self._options.optimizer == "clipup" else self._adam)(self._sigma * slope)
        return self._mean + step, self._sigma * (1 + np.clip(self._options.sigma_rate * spread, -MOST, MOST))

    def _clip_up(self, gradient: np.ndarray) -> np.ndarray:
        """A step along the gradient's direction and the velocity, no longer than a limit.

        Source: Toklu et al. 2020, algorithm 2, with half the limit for the step size.
        """
        limit = (self._options.rate or 1 / 15) * np.linalg.norm(self._unit)
        velocity: np.ndarray = MOMENTUM * self._moments[0]
        if length := np.linalg.norm(gradient):
            velocity += limit / (2 * length) * gradient
        if (speed := np.linalg.norm(velocity)) > limit:
            velocity *= limit / speed
        self._moments = velocity[None]
        return velocity

    def _adam(self, gradient: np.ndarray) -> np.ndarray:
        """Source: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1."""
        relative = gradient / self._unit
        (first, second), (slow, slower) = self._moments, DECAYS
        first, second = slow * first + (1 - slow) * relative, slower * second + (1 - slower) * np.square(relative)
        self._moments = np.stack([first, second])
        first, second = first / (1 - slow**self._updates), second / (1 - slower**self._updates)
        step: np.ndarray = (self._options.rate or 0.03) * self._unit * first / (np.sqrt(second) + EPS)
        return step

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"moments": self._moments, "updates": self._updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._moments, self._updates = np.array(state["moments"]), state["updates"]
