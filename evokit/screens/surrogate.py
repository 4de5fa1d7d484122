"""The surrogate screen: a cheap model decides who is worth a measurement, and is audited all the time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Interval

from evokit.components.nested import Nested
from evokit.genomes.encoding import encoder_of
from evokit.genomes.individuals import constraints_of
from evokit.interfaces import Context, Goal, Individual, Measure
from evokit.options import added
from evokit.screens.audit import Audit, Pair
from evokit.screens.models import Models
from evokit.screens.share import count_of
from evokit.streams import Streams

Share = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class SurrogateScreen:
    """Measure the ``top`` share by prediction and a ``random`` share; the rest is predicted and forgotten.

    The model is fitted anew every ``refit_every`` generations; before the first fit everything is measured. The audit
    is the rank correlation of prediction and measurement on the random share, pooled over its last 30; while the upper
    end of its 95 % interval is below ``min_rank_correlation`` the screen steps aside and everything is measured.
    ``unmeasured: paper`` lets predictions take part in the selection of parents, as the paper does; with ``fill`` the
    places of the unmeasured stay with the best of the old population.

    ``acquisition`` says what the top share is the top of: the predicted ``mean``; the ``lower_confidence_bound``,
    ``kappa`` spreads to the good side of it; or the ``expected_improvement`` on the best measured. The last two need a
    model that tells how sure it is; when the pool of the audit is full, its spreads are multiplied by what the errors
    there say. With several objectives each has a model of its own, and candidates are ranked by the hypervolume that
    they would add to the front (SMS-EGO); each model is audited, and the worst one decides. Each constraint of the
    fitness has a model too: who is predicted feasible, by the mean or the lower confidence bound, comes first.

    A genome without ``encode`` may have flat genes, lists or mappings of as many numbers and names, which models see as
    they are, names one-hot. ``orders``: of permutations models see where each item stands (``positions``), or of each
    two items which one comes first (``precedence``).

    Source: CLSO paper, section 3.4 (20 % best predicted, 20 % random); Ponweiser et al. 2008 for several objectives.
    """

    model: Annotated[Mapping[str, Any], Nested("surrogate")]
    refit_every: Annotated[int, Ge(1)] = 5
    top: Share = 0.2
    random: Share = 0.2
    unmeasured: Literal["fill", "paper"] = "fill"
    min_rank_correlation: Annotated[float, Interval(ge=-1, le=1)] = 0.3
    acquisition: Literal["mean", "lower_confidence_bound", "expected_improvement"] = added("mean")
    kappa: Annotated[float, Ge(0)] = added(1.0)
    orders: Literal["positions", "precedence"] = added("positions")

    name: ClassVar[str] = "surrogate"

    def __post_init__(self) -> None:
        if self.top == self.random == 0:
            raise ValueError("top and random must not both be 0: nothing would be measured")

    def build(self, context: Context) -> Surrogating:
        assert context.build is not None
        objectives = context.fitness.objectives
        constraints = constraints_of(context.fitness)
        if self.unmeasured == "paper" and (len(objectives) > 1 or constraints):
            raise ValueError("unmeasured: paper is of one objective without constraints; else write fill")
        models = [context.build(self.model) for _ in (*objectives, *constraints)]
        if self.acquisition != "mean" and not getattr(models[0], "spreads", True):
            name = getattr(self.model, "name", type(models[0]).__name__)
            raise ValueError(
                f"acquisition: {self.acquisition} asks how sure the model is, which {name} does not tell; write mean,"
                " or take a model that does, such as gaussian_process or an ensemble"
            )
        streams = context.streams.at("surrogate")
        encoder = encoder_of(context.genome, self.orders, streams.at("encoding").numpy())
        whole = Models(models, encoder, objectives, self.acquisition, self.kappa)
        return Surrogating(self, whole, objectives, constraints, streams)


class Surrogating:
    """The screen at work.

    Args:
        options: What the recipe says.
        models: Of objectives and constraints.
        objectives: Of the fitness.
        constraints: Of the fitness, their names.
        streams: Decide the random share and what models draw.
    """

    def __init__(
        self,
        options: SurrogateScreen,
        models: Models,
        objectives: Mapping[str, Goal],
        constraints: Sequence[str],
        streams: Streams,
    ) -> None:
        self.unmeasured, self.refit_every = options.unmeasured, options.refit_every
        self._options, self._models, self._streams = options, models, streams
        self._n_objectives = len(objectives)
        self._fitted_at = 0  # generation of the fit in memory; it is derived, so it is no part of the state
        self._audit = Audit([*objectives, *constraints], options.min_rank_correlation)
        self._told: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # by key, of those in the present random share
        self._screened_out = 0
        self._fit_s = 0.0

    def __call__(self, candidates: Sequence[Individual], measure: Measure) -> list[Individual]:
        fit_at = measure.generation // self._options.refit_every * self._options.refit_every
        if fit_at == 0 or not candidates or not self._fit(fit_at, measure):
            return list(candidates)
        mean, spread = self._models.predicted([one.genes for one in candidates])
        if not (np.isfinite(mean).all() and np.isfinite(spread).all()):
            return list(candidates)  # a model that went astray chooses nobody
        raw = mean * self._models.signs
        for one, values in zip(candidates, raw[:, : self._n_objectives].tolist(), strict=True):
            one.predicted = tuple(values) if len(values) > 1 else values[0]

        # The random share is drawn first, from all, so that the audit sees an unbiased sample.
        rng = self._streams.at("share", measure.generation).numpy()
        n_random, n_top = self._counts(len(candidates))
        audited = set(rng.choice(len(candidates), n_random, replace=False).tolist())
        for index in audited:
            candidates[index].audited = True
        self._told = {candidates[index].key: (raw[index], spread[index]) for index in audited}
        if self._audit.failed:
            return list(candidates)
        others = np.array([index for index in range(len(candidates)) if index not in audited], int)
        known = measure.measured(before=measure.generation)
        best = self._models.most_wanted(mean[others], spread[others] * self._audit.calibration(), n_top, known)
        chosen = audited | set(others[best].tolist())
        self._screened_out += len(candidates) - len(chosen)
        return [one for index, one in enumerate(candidates) if index in chosen]

    def observe(self, generation: int, measured: Sequence[Individual]) -> None:
        aside = self._audit.failed
        pairs = [
            Pair(
                self._told[one.key][0].tolist(),
                (*one.fitness.values, *one.fitness.constraints),
                self._told[one.key][1].tolist(),
            )
            for one in measured
            if one.audited and one.predicted is not None and one.fitness.valid
        ]
        self._audit.add(generation, pairs, aside)

    def forget(self) -> None:
        self._fitted_at = 0
        self._audit.forget()

    def expected(self, n: float, generation: int) -> tuple[float, float]:
        fitted = generation >= self._options.refit_every
        return (min(n, sum(self._counts(n))) if fitted else n), 0.0

    def summary(self) -> dict[str, Any]:
        return {
            "screen": "surrogate",
            "screened_out": self._screened_out,
            "audit": self._audit.entries,
            "pairs": self._audit.pairs,
            "fit_s": self._fit_s,
        }

    def state_dict(self) -> dict[str, Any]:
        return {**self._audit.state_dict(), "screened_out": self._screened_out, "fit_s": self._fit_s}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._audit.load_state_dict(state)
        self._screened_out, self._fit_s = state["screened_out"], state["fit_s"]

    def _fit(self, generation: int, measure: Measure) -> bool:
        """Fit on what was measured before ``generation``; the same after a resume. False if that is nothing."""
        if self._fitted_at == generation:
            return True
        known = measure.measured(before=generation)
        if len(known) < 2:
            return False
        started = time.perf_counter()
        self._models.fit(known, self._streams.at("fit", generation).numpy())
        self._fit_s += time.perf_counter() - started
        self._fitted_at = generation
        return True

    def _counts(self, n: float) -> tuple[int, int]:
        """Sizes of the random share and the top share."""
        return count_of(self._options.random, n), count_of(self._options.top, n)
