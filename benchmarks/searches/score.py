"""How well a run did: the area under the share of targets reached, over evaluations on a log axis.

Source: Hansen, Auger, Brockhoff and Tušar 2022, "Anytime Performance Assessment in Blackbox Optimization Benchmarking".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import t

LEVEL = 0.95


def reached_at(at: Sequence[int], values: Sequence[float], targets: np.ndarray) -> np.ndarray:
    """For each target the evaluation that reached it, infinite where none did.

    Args:
        at: Evaluations, from 1, that were better than all before.
        values: Of those, falling.
        targets: A value as low as this reaches it.

    >>> reached_at([1, 10], [50.0, 1.0], np.array([100.0, 10.0, 0.1]))
    array([ 1., 10., inf])
    """
    place = np.searchsorted(-np.asarray(values, float), -targets)
    return np.append(np.asarray(at, float), np.inf)[place]


def area(reached: np.ndarray, budget: int) -> float:
    """The mean over log(evaluations), from 1 to the budget, of the share of targets reached by then.

    1 says that the first point reached all of them, 0 that none was reached before the budget was spent.

    >>> area(np.array([10.0, np.inf]), 100)
    0.25
    """
    gained = 1 - np.log(np.minimum(reached, budget)) / math.log(budget)
    return float(gained.mean())


def interval(means: np.ndarray) -> tuple[float, float] | None:
    """The 95 % interval of a mean of ``(n_runs,)`` means over functions, by Student's t; None for a single run.

    A run of all functions is the unit: run i has one seed on all of them, so that what it draws first is lucky on many.

    >>> interval(np.array([1.0, 2.0, 3.0]))
    (-0.48..., 4.48...)
    """
    if len(means) < 2:
        return None
    reach = t.ppf((1 + LEVEL) / 2, len(means) - 1) * means.std(ddof=1) / math.sqrt(len(means))
    return float(means.mean() - reach), float(means.mean() + reach)
