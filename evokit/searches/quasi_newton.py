"""Quasi-Newton search with gradients by differences, by SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge
from scipy.optimize import minimize

from evokit.common.conversation import Conversation
from evokit.genomes.individuals import constraints_of
from evokit.interfaces import Context, Individual
from evokit.searches.archive import only_ok
from evokit.searches.box import BoxSearch, space_box

STEP = 1e-8  # of a difference, as a share of a gene's range: about the root of a double's precision
SIDE = 10.0  # of the box that SciPy sees, whose first step is as long as the gradient; of 1, 10 and 100 the best
PRECISION = 1e-12  # of the value, at which a descent ends
STEPS = 10_000  # of a descent at most


@dataclass(frozen=True)
class QuasiNewton:
    """Descents along gradients that differences estimate, each from a new point.

    For real numbers and a smooth exact fitness: there nothing needs fewer evaluations, some ten for each number, also
    if it is badly scaled. It is led astray by noise and stops at the next best optimum, so that each descent begins
    somewhere else: the first at ``init`` or in the middle of the box, the others at random. ``auto`` takes turns with
    ``cma``, which sees further.

    A space must be of real numbers alone, without steps.

    Constraints of the fitness are followed by their own differences, at no evaluation more.

    A generation is a point, or the differences of one in all directions, which can be measured side by side.

    Source: Kraft 1988, "A Software Package for Sequential Quadratic Programming" (SLSQP), as in
    ``scipy.optimize.minimize``.
    """

    generations: Annotated[int, Ge(1)] | None = None

    reads: ClassVar[frozenset[str]] = frozenset({"init"})
    genes: ClassVar[frozenset[str]] = frozenset({"real_vector", "space"})

    def build(self, context: Context) -> QuasiNewtonSearch:
        space_box(context.genome, smooth=True)  # which refuses what has no slopes
        return QuasiNewtonSearch(self, context)


class QuasiNewtonSearch(BoxSearch):
    """Asks what SciPy asks. A state holds the answers of the descent at work, which is repeated with them."""

    breeds = False

    def __init__(self, options: QuasiNewton, context: Context) -> None:
        super().__init__(context, options.generations)
        self._n_constraints = len(constraints_of(context.fitness))
        self._descents = 0
        self._answers: list[np.ndarray] = []
        self._worst = np.full(1 + self._n_constraints, -np.inf)
        self._descent = self._begun()

    @property
    def at_break(self) -> bool:
        """Whether a descent has ended and the next one has yet to begin."""
        return not self._answers

    def ask(self) -> list[Individual]:
        return self._individuals(self._descent.question, "quasi_newton")

    @property
    def _asked(self) -> int:
        return len(self._descent.question)

    @property
    def _usual_size(self) -> int:
        return len(self._low)  # at most

    def _learn(self, points: np.ndarray, losses: np.ndarray, individuals: Sequence[Individual]) -> None:
        self._answers.append(losses)
        self._descent.answer(losses)
        if self._descent.question is None:
            self._descents, self._answers = self._descents + 1, []
            self._descent = self._begun()
        self.population = [*self.population, *only_ok(individuals)]
        self.population = [max(self.population, key=lambda one: one.fitness.wvalues)] if self.population else []

    def _losses(self, individuals: Sequence[Individual]) -> np.ndarray:
        """``(n, 1 + n_constraints)``, lower is better; who failed is as bad as the worst so far in each (C6)."""
        valid: dict[str, list[float]] = {
            one.key: [-self._weights[0] * one.fitness.values[0], *one.fitness.constraints]
            for one in only_ok(individuals)
        }
        self._worst = np.maximum.reduce([self._worst, *map(np.array, valid.values())])
        bad = np.where(np.isfinite(self._worst), self._worst, 0.0)
        return np.array([valid.get(one.key, bad) for one in individuals])

    def _begun(self) -> Conversation:
        start = self._streams.at("quasi_newton", self._descents).numpy().random(len(self._low))
        if self._descents < max(1, len(self._init)):
            start = self._init[self._descents] if self._init else np.full(len(self._low), 0.5)
        return Conversation(lambda ask: _descend(start, ask, self._n_constraints))

    def state_dict(self) -> dict[str, Any]:
        mine = {"descents": self._descents, "answers": list(self._answers), "worst": self._worst}
        return super().state_dict() | {"quasi_newton": mine}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        mine = state["quasi_newton"]
        self._descents, self._answers, self._worst = mine["descents"], list(mine["answers"]), mine["worst"]
        self._descent = self._begun()
        for losses in self._answers:
            self._descent.answer(losses)


def _descend(start: np.ndarray, ask: Callable[[np.ndarray], np.ndarray], n_constraints: int) -> None:
    """One descent in the unit box.

    Args:
        start: ``(n_genes,)``.
        ask: The losses and constraints ``(n, 1 + n_constraints)`` of points ``(n, n_genes)``.
        n_constraints: How many must not be above 0.
    """
    known: dict[bytes, np.ndarray] = {}  # the last point's are all that are asked for twice
    sloped: dict[bytes, np.ndarray] = {}

    def values(point: np.ndarray) -> np.ndarray:
        if (place := point.tobytes()) not in known:
            known.clear()
            known[place] = ask(np.clip(point / SIDE, 0, 1)[None])[0]
        return known[place]

    def slopes(point: np.ndarray) -> np.ndarray:
        """``(1 + n_constraints, n_genes)``."""
        if (where := point.tobytes()) not in sloped:
            here = values(point)
            place = np.clip(point / SIDE, 0, 1)
            steps = np.where(place + STEP <= 1, STEP, -STEP)
            sloped.clear()
            found = (ask(np.clip(place + np.diag(steps), 0, 1)) - here) / (steps * SIDE)[:, None]
            sloped[where] = np.ascontiguousarray(found.T)  # SciPy 1.17 reads rows of other arrays as if they were one
        return sloped[where]

    scale = np.ones(1 + n_constraints)
    inside: list[dict[str, Any]] = []  # what must not be below 0
    if n_constraints:
        # SciPy weighs violations against the loss, whose unit is anybody's; so all are told in lengths of the box.
        steepness = np.linalg.norm(slopes(start * SIDE), axis=1)
        scale = 1 / np.where(steepness > 0, steepness, 1.0)
        inside = [{  # off the border by as much as a difference is long: SciPy ends a little beyond
            "type": "ineq",
            "fun": lambda point: -values(point)[1:] * scale[1:] - STEP * SIDE,
            "jac": lambda point: -slopes(point)[1:] * scale[1:, None],
        }]  # fmt: skip
    bounds = [(0.0, SIDE)] * len(start)
    options = {"maxiter": STEPS, "ftol": PRECISION}
    minimize(
        lambda point: float(values(point)[0] * scale[0]),
        start * SIDE,
        method="SLSQP",
        jac=lambda point: slopes(point)[0] * scale[0],
        bounds=bounds,
        constraints=inside,
        options=options,
    )
