"""The sphere function, with noise and rungs to try races and confirmation on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from evokit.common.keys import digest
from evokit.interfaces import Context, Goal
from evokit.options import Count, NonNegative
from evokit.streams import Streams


@dataclass(frozen=True)
class SphereFitness:
    """Mean squared distance to noisy centres, to be minimised.

    With ``c_r`` the centre of replicate r and b the budget, the value of x is the mean of ``|x - c_r|²`` over
    r = 0..b-1. Each coordinate of a centre is normal with standard deviation ``noise``, so without noise the value is
    ``|x|²`` at every budget. All individuals meet the same centres (common random numbers), a larger budget meets
    those of a smaller one first, and a search that trusts one replicate ends at its centre instead of at zero.

    Args:
        noise: Standard deviation of the centres.
        budgets: Rungs in replicates, ascending.
        streams: Draws the centres by replicate.
        sample: Which sample of replicates is met; ``fresh`` takes the next.
    """

    noise: float
    budgets: tuple[int, ...]
    streams: Streams
    sample: int = 0
    objectives: ClassVar[Mapping[str, Goal]] = {"distance": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, Any]] = {}
    batch: ClassVar[int] = 1024  # of arrays that are looked at together

    @property
    def context(self) -> str:
        """Without noise nothing but the phenotype decides the value."""
        luck = [self.noise, str(self.streams.entropy()), self.sample] if self.noise else []
        return digest(["sphere", *luck])

    def fresh(self) -> SphereFitness:
        """The same question on replicates that this one never meets."""
        return replace(self, sample=self.sample + 1)

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> np.ndarray:
        """Mean squared distance of each phenotype over the first ``budget`` replicates, ``(n,)`` float64."""
        centres = self._centres(budget, len(batch[0]))
        x = np.stack(batch)
        # A row of an array in C order is summed like the row alone, so that no value depends on the batch (C4).
        distances = [np.square(x - centre).sum(axis=1) for centre in centres]
        values: np.ndarray = np.stack(distances, axis=1).mean(axis=1)
        return values

    def _centres(self, budget: int, n: int) -> np.ndarray:
        if self.noise == 0:
            return np.zeros((1, n))
        rngs = (self.streams.at("centre", self.sample, replicate).numpy() for replicate in range(budget))
        return self.noise * np.stack([rng.standard_normal(n) for rng in rngs])


@dataclass(frozen=True)
class Sphere:
    """``noise``: standard deviation of each replicate's centre; ``rungs``: replicates per budget, ascending.

    Raises:
        ValueError: There is no rung, or they do not ascend.
    """

    noise: NonNegative = 0.0
    rungs: tuple[Count, ...] = (1,)
    objectives: ClassVar[Mapping[str, Goal]] = SphereFitness.objectives
    takes: ClassVar[frozenset[str]] = SphereFitness.takes

    def __post_init__(self) -> None:
        if not self.rungs or any(low >= high for low, high in pairwise(self.rungs)):
            raise ValueError(f"rungs: must ascend and hold at least one, got {list(self.rungs)}")

    def build(self, context: Context) -> SphereFitness:
        return SphereFitness(self.noise, self.rungs, context.streams.at("sphere"))
