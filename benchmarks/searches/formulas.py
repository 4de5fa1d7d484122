"""Symbolic regression: formulas that are to be found from rows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from benchmarks.searches.problems import Problem, Suite, drawn
from evokit.data.known_formula import FORMULAS
from evokit.data.rows import Rows

NUMBER = 20  # evaluations are counted in so many, that of rows of most of the problems
FUNCTIONS = ("add", "sub", "mul", "div", "sin", "cos", "exp", "log")  # of which all make their formulas
CONSTANTS = (-1.0, 1.0)  # between which all draw them
EXACT = 1e-12  # what is left of rounding


class Formulas(Suite):
    """Values are the mean squared error over the variance of the targets.

    A point is what a formula says of all rows, as each search has formulas of its own.
    """

    name = "formulas"
    kind = "tree"
    dimensions = (NUMBER,)
    targets = np.append(np.logspace(0, -8, 49), EXACT)
    functions: ClassVar[Mapping[str, str]] = {name: name.partition("-")[0] for name in FORMULAS if name != "keijzer-4"}

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        rows = rows_of(function, instance)
        variance = rows.y.var()

        def values(points: np.ndarray) -> np.ndarray:
            with np.errstate(all="ignore"):
                errors = np.square(points - rows.y).mean(axis=1) / variance
            return np.where(np.isfinite(errors), errors, np.inf)

        return Problem(self.kind, dimension, values, EXACT, (function, instance))


def rows_of(function: str, instance: int) -> Rows:
    """The rows of an instance."""
    known = FORMULAS[function]  # type: ignore[index]  # a suite's functions are plain text
    return known.drawn(known.rows, drawn(instance))
