"""Surrogates of all that a fitness tells, a model each, and whom they want measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evokit.genomes.encoding import Encoder
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Goal, Individual, Surrogate
from evokit.screens.acquisition import Acquisition, front_order, order

LARGEST = 1e100  # value that a model is fitted to: a penalty may be so large that its square overflows


class Models:
    """Fitted together; values are lower-is-better inside.

    Args:
        models: One an objective, then one a constraint.
        encoder: Makes features of genes.
        objectives: Of the fitness.
        kind: What is wanted: by the mean, by its lower confidence bound or by the expected improvement.
        kappa: Spreads of that bound.
    """

    def __init__(
        self,
        models: Sequence[Surrogate],
        encoder: Encoder,
        objectives: Mapping[str, Goal],
        kind: Acquisition,
        kappa: float,
    ) -> None:
        self._models, self._encoder, self._kind, self._kappa = models, encoder, kind, kappa
        self._n_objectives = len(objectives)
        self.signs = np.concatenate([-np.array(weights_of(objectives)), np.ones(len(models) - len(objectives))])

    def fit(self, known: Sequence[Individual], rng: np.random.Generator) -> None:
        """Fit each anew to individuals that were measured, two at least."""
        genes = [one.genes for one in known]
        self._encoder.fit(genes)
        X, Y = self._encoder(genes), np.hstack([self._values(known), _constraints(known)])
        for model, y in zip(self._models, Y.T, strict=True):
            model.fit(X, y, rng)

    def predicted(self, genes: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, ``(n, n_objectives + n_constraints)`` each."""
        X = self._encoder(genes)
        told = [model.predict(X) for model in self._models]
        return np.stack([mean for mean, _ in told], axis=1), np.stack([spread for _, spread in told], axis=1)

    def most_wanted(
        self, mean: np.ndarray, spread: np.ndarray, n: int, known: Sequence[Individual], kappa: float | None = None
    ) -> list[int]:
        """The ``n`` most worth measuring, at most all: first who may be feasible.

        Args:
            mean: As ``predicted`` gave it.
            spread: Likewise.
            n: How many.
            known: Individuals that were measured.
            kappa: In place of the one that all have.
        """
        import moocore  # which brings more than a listing of components can wait for

        kind, kappa, m = self._kind, self._kappa if kappa is None else kappa, self._n_objectives
        told = mean[:, m:] - kappa * spread[:, m:] if kind == "lower_confidence_bound" else mean[:, m:]
        violation = np.maximum(told, 0).sum(axis=1)
        by_violation = np.argsort(violation, kind="stable")
        hopeful = np.flatnonzero(violation == 0)
        values = self._values([one for one in known if not one.fitness.violation])
        if not len(values) or not len(hopeful):
            return list(map(int, by_violation[:n]))
        mean, spread = mean[hopeful, :m], spread[hopeful, :m]
        if m == 1:
            wanted = order(kind, kappa, mean[:, 0], spread[:, 0], float(values.min()))[:n]
        else:
            wanted = front_order(kind, kappa, mean, spread, values[moocore.is_nondominated(values)], n)
        return [*hopeful[wanted].tolist(), *by_violation[len(hopeful) :].tolist()][:n]

    def _values(self, individuals: Sequence[Individual]) -> np.ndarray:
        """``(n, n_objectives)``, lower is better."""
        signs = self.signs[: self._n_objectives]
        values: np.ndarray = signs * np.array([one.fitness.values for one in individuals])
        return values.clip(-LARGEST, LARGEST)


def _constraints(individuals: Sequence[Individual]) -> np.ndarray:
    """``(n, n_constraints)``."""
    told = np.array([one.fitness.constraints for one in individuals]).reshape(len(individuals), -1)
    return told.clip(-LARGEST, LARGEST)
