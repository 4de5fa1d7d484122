"""The sets of problems: which functions they have, in which dimensions, and what counts as reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks.searches.problems import Problem

BUDGETS = (50, 500)  # evaluations per dimension


class Suite(Protocol):
    """A set of problems."""

    name: str
    kind: str  # of its problems
    dimensions: Sequence[int]  # measured unless others are named
    functions: Mapping[str, str]  # name to group

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        """One instance, counted from 1."""


@dataclass(frozen=True)
class Bbob:
    """The 24 noiseless functions of COCO, by ``ioh``.

    Source: Hansen, Finck, Ros and Auger 2009, "Real-Parameter Black-Box Optimization Benchmarking 2009: Noiseless
    Functions Definitions".
    """

    name = "bbob"
    kind = "vector"
    dimensions = (5, 20)
    last = 1e-8  # of the targets

    @property
    def functions(self) -> Mapping[str, str]:
        groups = {"separable": 5, "moderate": 4, "ill-conditioned": 5, "multi-modal": 5, "weak structure": 5}
        names = [group for group, n in groups.items() for _ in range(n)]
        return {str(number): group for number, group in enumerate(names, 1)}

    def problem(self, function: str, dimension: int, instance: int) -> Problem:
        import ioh

        one = ioh.get_problem(int(function), instance, dimension, ioh.ProblemClass.BBOB)
        lowest = one.optimum.y
        return Problem(self.kind, dimension, lambda points: np.array(one(points)) - lowest, self.last)


SUITES: Mapping[str, Suite] = {suite.name: suite for suite in (Bbob(),)}
