"""Symbolic regression: how well formulas tell the targets of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np

from evokit.common.keys import digest
from evokit.interfaces import Context, Evaluation, Goal
from evokit.options import Count

Coefficients = tuple[float, float]  # offset and scale of what a formula says


def linear_scaling(said: np.ndarray, targets: np.ndarray) -> Coefficients:
    """Offset and scale for which ``offset + scale * said`` has the least squared error.

    Args:
        said: ``(n_rows,)`` numbers; where they differ by rounding alone, the scale is 0.
        targets: ``(n_rows,)``.

    Source: Keijzer 2003, "Improving Symbolic Regression with Interval Arithmetic and Linear Scaling", section 3.

    >>> linear_scaling(np.array([0.0, 1.0]), np.array([5.0, 7.0]))
    (5.0, 2.0)
    """
    middle = said.mean()
    away = said - middle
    spread = float(away @ away)
    rounding = 4 * np.finfo(float).eps * abs(middle)
    scale = float(away @ targets) / spread if spread > len(said) * rounding**2 else 0.0
    return float(targets.mean() - scale * middle), scale


class Regression:
    """The mean squared error of a formula over the variance of the targets; 0 is exact, 1 what their mean has.

    Args:
        train: Rows, with ``x`` ``(n_rows, n_inputs)``, ``y`` ``(n_rows,)`` and ``names`` of the inputs.
        validation: Likewise; those that ``fresh`` asks about.
        data: Digest of the rows.
        options: Of the recipe.
        on_validation: Whether validation rows are asked about; scaling and variance are of training rows even so.

    Raises:
        ValueError: All targets are the same, or a rung is no lower budget.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"tree"})

    def __init__(
        self, train: Any, validation: Any, data: str, options: SymbolicRegression, on_validation: bool = False
    ) -> None:
        self._made_of, self._options, self._on_validation = (train, validation, data), options, on_validation
        self.scaling = options.scaling
        if options.rungs and options.rungs[-1] >= len(train.y):
            raise ValueError(f"rungs: must be less than the {len(train.y)} training rows, got {list(options.rungs)}")
        self._train, self._rows = columns_of(train), columns_of(validation if on_validation else train)
        self._targets, self._variance = train.y, variance_of(train)
        self._answers = validation.y if on_validation else train.y
        n_rows = len(self._answers)
        self.objectives: Mapping[str, Goal] = {"error": "min", **({"size": "min"} if options.size else {})}
        self.budgets = (*(() if on_validation else options.rungs), n_rows)
        self.slots = {"inputs": train.names, "output": float}
        self.cases = n_rows if options.cases == "each" else min(n_rows, options.cases or 0)
        how = [self.scaling, options.size, self.cases, on_validation]
        self.context = digest(["symbolic_regression", data, *how])

    def fresh(self) -> Regression:
        """The same question on validation rows, of which there is one set."""
        return Regression(*self._made_of, self._options, on_validation=True)

    def evaluate(self, batch: Sequence[Any], budget: int) -> list[Evaluation]:
        """One each: the error on the first ``budget`` rows, and with ``size`` the nodes."""
        return [self._evaluated(program, budget) for program in batch]

    def said(self, program: Any, n: int | None = None) -> tuple[np.ndarray, Coefficients]:
        """What a formula says of the first ``n`` rows with the offset and scale that it gets, and these."""
        with np.errstate(all="ignore"):
            bare = program([column[:n] for column in self._rows]).astype(float)
            if not self.scaling:
                return bare, (0.0, 1.0)
            known = program(self._train) if self._on_validation else bare
            offset, scale = linear_scaling(known, self._targets[: len(known)])
            return offset + scale * bare, (offset, scale)

    def _evaluated(self, program: Any, n: int) -> Evaluation:
        said, (offset, scale) = self.said(program, n)
        off = said - self._answers[:n]
        with np.errstate(all="ignore"):
            error = float(off @ off) / (n * self._variance)
        if not np.isfinite(error):
            return Evaluation(outcome="diverged", work=n, message="the formula is not finite in some row")
        values = (error, float(program.size)) if self._options.size else (error,)
        metrics = {"offset": offset, "scale": scale} if self.scaling else {}
        return Evaluation(values, work=n, metrics=metrics, cases=self._stretches(off) if self.cases else None)

    def case_by_case(self, said: np.ndarray) -> np.ndarray | None:
        """Values of cases for what is said of all rows; None where none are told."""
        return self._stretches(said - self._answers) if self.cases else None

    def _stretches(self, off: np.ndarray) -> np.ndarray:
        """Absolute errors, of neighbouring rows their mean where there are fewer cases than rows."""
        errors: np.ndarray = np.abs(off)
        if len(errors) <= self.cases:
            return errors
        return np.array([part.mean() for part in np.array_split(errors, self.cases)])


def columns_of(rows: Any) -> list[np.ndarray]:
    """Contiguous, as they are read once for each node of each tree."""
    return [np.ascontiguousarray(column) for column in rows.x.T]


def variance_of(rows: Any) -> float:
    """Of the targets. Raises ``ValueError`` if they are all the same."""
    variance = float(rows.y.var())
    if variance == 0:
        raise ValueError("all training rows have the same target, so that there is nothing to tell")
    return variance


@dataclass(frozen=True)
class SymbolicRegression:
    """How far a formula is from the targets of the training rows, for the data ``table`` and ``known_formula``.

    ``error`` is the mean squared error over the variance of the targets: 0 is exact, 1 what their mean has (so it is 1
    less R²). With ``scaling`` an offset and a scale are fitted to each formula by least squares before it is judged,
    so that evolution has only to find the form; they are in the metrics, and in the finished model. A formula that is
    not finite in some row fails. ``confirm`` asks about the validation rows.

    ``cases`` is for the selection ``lexicase``: ``each`` tells the absolute error of every row, a number those of as
    many stretches of neighbouring rows; null tells none. ``size`` makes the number of nodes a second objective, for
    ``nsga2``. ``rungs`` are numbers of rows for races, ascending.

    Source: Koza 1992, "Genetic Programming", chapter 10; Keijzer 2003, "Improving Symbolic Regression with Interval
    Arithmetic and Linear Scaling".

    Raises:
        ValueError: Rungs do not ascend; in ``build``: there is no data of rows, all targets are the same, or a rung is
            as large as all rows.
    """

    scaling: bool = True
    cases: Count | Literal["each"] | None = None
    size: bool = False
    rungs: tuple[Count, ...] = ()
    takes: ClassVar[frozenset[str]] = Regression.takes

    def __post_init__(self) -> None:
        if any(low >= high for low, high in pairwise(self.rungs)):
            raise ValueError(f"rungs: must ascend, got {list(self.rungs)}")

    def build(self, context: Context) -> Regression:
        if not hasattr(context.train, "names"):
            raise ValueError("needs data of rows, such as data: {name: table, path: my.csv}")
        return Regression(context.train, context.validation, context.data_digest, self)
