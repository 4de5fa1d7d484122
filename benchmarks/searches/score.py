"""How well a run did: the area under the share of targets reached, over evaluations on a log axis.

Source: Hansen, Auger, Brockhoff and Tušar 2022, "Anytime Performance Assessment in Blackbox Optimization Benchmarking".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

RESAMPLES, LEVEL = 2000, 0.95


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


def resampled(areas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means of ``(n_functions, n_runs)`` areas when the runs of each function are drawn anew, ``(RESAMPLES,)``.

    Two contenders that are given generators of one seed are drawn the same runs: (function, instance) pairs them.
    """
    n_functions, n_runs = areas.shape
    drawn = rng.integers(n_runs, size=(RESAMPLES, n_functions, n_runs))
    means: np.ndarray = areas[np.arange(n_functions)[:, None], drawn].mean(axis=(1, 2))
    return means


def interval(means: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of resampled means."""
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
