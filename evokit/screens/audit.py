"""The audit of a surrogate: its predictions beside what was measured on its random share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evokit.statistics.correlation import spearman_interval

POOL = 30  # pairs; the rank correlation of 6 a generation would be noise (standard deviation 0.35)


@dataclass(frozen=True)
class Pair:
    """What was predicted of an individual and what was measured, one value an objective."""

    predicted: Sequence[float]
    measured: Sequence[float]
    spread: Sequence[float]  # that went with the prediction


class Audit:
    """The last ``POOL`` of the random share.

    Of several objectives each has a model, and the figures are those of the one that is told worst, whose interval ends
    lowest; it is that which must not be below ``least``.

    Args:
        objectives: Their names.
        least: Rank correlation below which the interval must not lie as a whole.
    """

    def __init__(self, objectives: Sequence[str], least: float) -> None:
        self._objectives, self._least = objectives, least
        self._pairs: list[Pair] = []
        self.entries: list[dict[str, Any]] = []

    @property
    def failed(self) -> bool:
        """Whether a model is too bad; fewer than a full pool say too little to switch a screen off."""
        return len(self._pairs) >= POOL and min(high for _, _, high in self._correlations()) < self._least

    @property
    def pairs(self) -> list[list[list[float]]]:
        """What was predicted and measured of each in the pool, a value for each objective."""
        return [[list(one.predicted), list(one.measured)] for one in self._pairs]

    def calibration(self) -> np.ndarray:
        """``(n_objectives,)`` what spreads must be multiplied by to be as large as the errors are.

        The root mean square of error / spread; 1 without a full pool, where a model has no spread, or errs nowhere.
        """
        if len(self._pairs) < POOL:
            return np.ones(len(self._objectives))
        return np.array([found or 1.0 for found in self._ratios()])

    def add(self, generation: int, pairs: Sequence[Pair], stepped_aside: bool) -> None:
        """Take a generation's random share, if there is one, and note how the models stand."""
        if not pairs:
            return
        self._pairs = [*self._pairs, *pairs][-POOL:]
        each: list[dict[str, Any]] = [
            {"rank_correlation": rho, "interval": [low, high], "calibration": ratio}
            for (rho, low, high), ratio in zip(self._correlations(), self._ratios(), strict=True)
        ]
        worst = min(each, key=lambda one: one["interval"][1])
        several = dict(zip(self._objectives, each, strict=True)) if len(each) > 1 else {}
        told = {"generation": generation, **worst, "n": len(self._pairs), "stepped_aside": stepped_aside}
        self.entries.append({**told, "objectives": several})

    def forget(self) -> None:
        """Of another context nothing is known."""
        self._pairs = []

    def state_dict(self) -> dict[str, Any]:
        pairs = [[list(one.predicted), list(one.measured), list(one.spread)] for one in self._pairs]
        return {"pairs": pairs, "audit": self.entries}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._pairs, self.entries = [Pair(*some) for some in state["pairs"]], list(state["audit"])

    def _correlations(self) -> list[tuple[float, float, float]]:
        """Rank correlation, lower and upper end, by objective; all 0 of a model that predicts one value for all."""
        found = []
        for column in range(len(self._objectives)):
            predicted = [one.predicted[column] for one in self._pairs]
            measured = [one.measured[column] for one in self._pairs]
            knows_nothing = len(set(predicted)) == 1 < len(set(measured))
            found.append((0.0, 0.0, 0.0) if knows_nothing else spearman_interval(predicted, measured))
        return found

    def _ratios(self) -> list[float | None]:
        """Root mean square of error / spread by objective; None where there is no spread or no error."""
        errors = np.array([np.subtract(one.measured, one.predicted) for one in self._pairs])
        spreads = np.array([one.spread for one in self._pairs])
        found: list[float | None] = []
        for error, spread in zip(errors.T, spreads.T, strict=True):
            sure = spread <= 0
            with np.errstate(over="ignore"):
                ratio = None if sure.any() else float(np.sqrt(np.square(error / spread).mean()))
            found.append(ratio if ratio and np.isfinite(ratio) else None)
        return found
