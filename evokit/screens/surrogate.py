"""The surrogate screen: a cheap model decides who is worth a measurement, and is audited all the time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Interval

from evokit.components.nested import Nested
from evokit.interfaces import Context, Individual, Measure, Surrogate
from evokit.screens.share import count_of
from evokit.statistics.correlation import spearman_interval
from evokit.streams import Streams

LARGEST = 1e100  # value that a model is fitted to: a penalty may be so large that its square overflows
AUDIT_POOL = 30  # pairs; the rank correlation of 6 a generation would be noise (standard deviation 0.35)

Share = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class SurrogateScreen:
    """Measure the ``top`` share by prediction and a ``random`` share; the rest is predicted and forgotten.

    The model is fitted anew every ``refit_every`` generations; before the first fit everything is measured. The audit
    is the rank correlation of prediction and measurement on the random share, pooled over its last 30; while the upper
    end of its 95 % interval is below ``min_rank_correlation`` the screen steps aside and everything is measured.
    ``unmeasured: paper`` lets predictions take part in the selection of parents, as the paper does; with ``fill`` the
    places of the unmeasured stay with the best of the old population.

    Source: CLSO paper, section 3.4 (20 % best predicted, 20 % random).
    """

    model: Annotated[Mapping[str, Any], Nested("surrogate")]
    refit_every: Annotated[int, Ge(1)] = 5
    top: Share = 0.2
    random: Share = 0.2
    unmeasured: Literal["fill", "paper"] = "fill"
    min_rank_correlation: Annotated[float, Interval(ge=-1, le=1)] = 0.3

    name: ClassVar[str] = "surrogate"

    def __post_init__(self) -> None:
        if self.top == self.random == 0:
            raise ValueError("top and random must not both be 0: nothing would be measured")

    def build(self, context: Context) -> Surrogating:
        assert context.build is not None
        goals = list(context.fitness.objectives.values())
        if len(goals) != 1:
            raise ValueError(f"the surrogate screen predicts one objective, the fitness has {len(goals)}")
        sign = 1.0 if goals[0] == "min" else -1.0
        return Surrogating(self, context.build(self.model), context.genome, sign, context.streams.at("surrogate"))


class Surrogating:
    """The screen at work. ``sign`` turns raw values into "lower is better"."""

    def __init__(
        self, options: SurrogateScreen, surrogate: Surrogate, genome: Any, sign: float, streams: Streams
    ) -> None:
        self.unmeasured, self.refit_every = options.unmeasured, options.refit_every
        self._options, self._surrogate, self._genome = options, surrogate, genome
        self._sign, self._streams = sign, streams
        self._fitted_at = 0  # generation of the fit in memory; it is derived, so it is no part of the state
        self._pairs: list[tuple[float, float]] = []  # (predicted, measured) of the last random shares
        self._audit: list[dict[str, Any]] = []
        self._screened_out = 0
        self._fit_s = 0.0

    def __call__(self, candidates: Sequence[Individual], measure: Measure) -> list[Individual]:
        fit_at = measure.generation // self._options.refit_every * self._options.refit_every
        if fit_at == 0 or not candidates or not self._fit(fit_at, measure):
            return list(candidates)
        mean, _ = self._surrogate.predict(self._encode(candidates))
        if not np.isfinite(mean).all():
            return list(candidates)  # a model that went astray chooses nobody
        for one, value in zip(candidates, mean, strict=True):
            one.predicted = float(self._sign * value)

        # The random share is drawn first, from all, so that the audit sees an unbiased sample.
        rng = self._streams.at("share", measure.generation).numpy()
        n_random, n_top = self._counts(len(candidates))
        audited = set(rng.choice(len(candidates), n_random, replace=False).tolist())
        for index in audited:
            candidates[index].audited = True
        if self._aside():
            return list(candidates)
        by_prediction = [index for index in np.argsort(mean, kind="stable").tolist() if index not in audited]
        chosen = audited | set(by_prediction[:n_top])
        self._screened_out += len(candidates) - len(chosen)
        return [one for index, one in enumerate(candidates) if index in chosen]

    def observe(self, generation: int, measured: Sequence[Individual]) -> None:
        aside = self._aside()
        new = [
            (one.predicted, one.fitness.values[0])
            for one in measured
            if one.audited and one.predicted is not None and one.fitness.valid
        ]
        if not new:
            return
        self._pairs = (self._pairs + new)[-AUDIT_POOL:]
        rho, low, high = self._correlation()
        self._audit.append(
            {
                "generation": generation,
                "rank_correlation": rho,
                "interval": [low, high],
                "n": len(self._pairs),
                "stepped_aside": aside,
            }
        )

    def forget(self) -> None:
        self._fitted_at, self._pairs = 0, []

    def expected(self, n: float, generation: int) -> tuple[float, float]:
        fitted = generation >= self._options.refit_every
        return (min(n, sum(self._counts(n))) if fitted else n), 0.0

    def summary(self) -> dict[str, Any]:
        return {
            "screen": "surrogate",
            "screened_out": self._screened_out,
            "audit": self._audit,
            "fit_s": self._fit_s,
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "pairs": [list(pair) for pair in self._pairs],
            "audit": self._audit,
            "screened_out": self._screened_out,
            "fit_s": self._fit_s,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._pairs = [(predicted, measured) for predicted, measured in state["pairs"]]
        self._audit, self._screened_out, self._fit_s = list(state["audit"]), state["screened_out"], state["fit_s"]

    def _fit(self, generation: int, measure: Measure) -> bool:
        """Fit on what was measured before ``generation``; the same after a resume. False if that is nothing."""
        if self._fitted_at == generation:
            return True
        known = measure.measured(before=generation)
        if len(known) < 2:
            return False
        started = time.perf_counter()
        y = np.clip(self._sign * np.array([one.fitness.values[0] for one in known]), -LARGEST, LARGEST)
        self._surrogate.fit(self._encode(known), y, self._streams.at("fit", generation).numpy())
        self._fit_s += time.perf_counter() - started
        self._fitted_at = generation
        return True

    def _counts(self, n: float) -> tuple[int, int]:
        """Sizes of the random share and the top share."""
        return count_of(self._options.random, n), count_of(self._options.top, n)

    def _encode(self, individuals: Sequence[Individual]) -> np.ndarray:
        return np.stack([self._genome.encode(one.genes) for one in individuals])

    def _correlation(self) -> tuple[float, float, float]:
        predicted, measured = np.array(self._pairs).T
        return spearman_interval(predicted, measured)

    def _aside(self) -> bool:
        # Fewer than a full pool says too little to switch a screen off.
        return len(self._pairs) >= AUDIT_POOL and self._correlation()[2] < self._options.min_rank_correlation
