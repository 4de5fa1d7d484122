"""True Pareto fronts: pymoo's own where it has them by a formula, ours under constraints.

pymoo has those of TNK, OSY and CTP1 as files of another server, and of SRN only the middle part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

DENSE = 100_001  # points of a curve
ROUNDING = 1e-9  # of constraints that hold with equality
DIVISIONS = 45  # of an axis, for the points of a front of three objectives


def true_front(function: str, one: Any) -> np.ndarray:
    """``(n, n_objectives)`` points of the front of a problem of pymoo's, in its unit."""
    from pymoo.util.ref_dirs import get_reference_directions

    if function in CURVES:
        return nondominated(CURVES[function](one))
    if function == "dtlz2":
        front = one.pareto_front(get_reference_directions("das-dennis", 3, n_partitions=DIVISIONS))
    elif function == "zdt5":
        front = one.pareto_front(n_pareto_points=31)  # ones of the first number, which has 30 bits
    else:
        front = one.pareto_front(**{"n_points" if function == "zdt3" else "n_pareto_points": DENSE})
    found: np.ndarray = front
    return found


def nondominated(values: np.ndarray) -> np.ndarray:
    """Those of ``(n, n_objectives)`` points that no other dominates."""
    import moocore

    found: np.ndarray = values[moocore.is_nondominated(values)]
    return found


def _bnh(one: Any) -> np.ndarray:
    """Both numbers grow alike until the second is at its bound."""
    first = np.linspace(0, 5, DENSE)
    return _feasible(one, first, np.minimum(first, 3))


def _srn(one: Any) -> np.ndarray:
    """Along the line of the second constraint from the least first value, up, and along the circle of the first.

    The sum of both values is least where the first number is -2.5: what weighs the first value more has the second
    number as small as it may be, what weighs the second more as large.
    """
    line = np.linspace(2.5, 3.7, DENSE)
    up = np.linspace(2.5, math.sqrt(15**2 - 2.5**2), DENSE)
    circle = np.linspace(-15, -2.5, DENSE)
    first = np.concatenate([3 * line - 10, np.full(DENSE, -2.5), circle])
    return _feasible(one, first, np.concatenate([line, up, np.sqrt(15**2 - circle**2)]))


def _tnk(one: Any) -> np.ndarray:
    """Values are the numbers, so that only the inner border counts, r^2 = 1 + 0.1 cos(16 angle)."""
    angle = np.linspace(0, math.pi / 2, DENSE)[1:]
    radius = np.sqrt(1 + 0.1 * np.cos(16 * angle))
    return _feasible(one, radius * np.sin(angle), radius * np.cos(angle))


def _osy(one: Any) -> np.ndarray:
    """Source: Deb 2001, "Multi-Objective Optimization Using Evolutionary Algorithms", section 8.3.2: five parts."""
    ones, share = np.ones(DENSE), np.linspace(0, 1, DENSE)
    third, first = 1 + 4 * share, 4 + share
    parts = [
        (5 * ones, ones, third, 5 * ones),
        (5 * ones, ones, third, ones),
        (first, (first - 2) / 3, ones, ones),
        (0 * ones, 2 * ones, third, ones),
        (share, 2 - share, ones, ones),
    ]
    a, b, c, e = np.concatenate(parts, axis=1)
    return _feasible(one, a, b, c, 0 * a, e, 0 * a)


def _ctp1(one: Any) -> np.ndarray:
    """The highest of the unconstrained front, where the other numbers are 0, and the constraints' curves."""
    first = np.linspace(0, 1, DENSE)
    curves = [np.exp(-first), *(a * np.exp(-b * first) for a, b in zip(one.a, one.b, strict=True))]
    return np.stack([first, np.max(curves, axis=0)], axis=1)


def _feasible(one: Any, *numbers: np.ndarray) -> np.ndarray:
    """Values of the feasible points."""
    found = one.evaluate(np.stack(numbers, axis=1), return_values_of=["F", "G"], return_as_dictionary=True)
    values: np.ndarray = found["F"][(found["G"] <= ROUNDING).all(axis=1)]
    return values


CURVES: Mapping[str, Callable[[Any], np.ndarray]] = {"bnh": _bnh, "srn": _srn, "tnk": _tnk, "osy": _osy, "ctp1": _ctp1}
