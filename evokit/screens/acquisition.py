"""Acquisition: how much it is worth to measure a candidate, by what a surrogate predicts of it."""

from __future__ import annotations

from typing import Literal

import numpy as np

Acquisition = Literal["mean", "lower_confidence_bound", "expected_improvement"]
DRAWS = 32  # of the values that several objectives may have, for the expected improvement of hypervolume
CORNER = 1.0  # how far beyond the front's worst the reference point lies, in ranges of the front


def order(kind: Acquisition, kappa: float, mean: np.ndarray, spread: np.ndarray, best: float) -> list[int]:
    """Candidates of one objective, from the most to the least worth measuring; ties keep their order.

    Source: Cox and John 1997, "SDO: a statistical method for global optimization", for the lower confidence bound;
    Jones, Schonlau and Welch 1998, "Efficient global optimization of expensive black-box functions", eq. 15.

    Args:
        kind: ``mean``: the lower, the more.
        kappa: Spreads below the mean at which the bound lies.
        mean: ``(n,)``, lower is better.
        spread: ``(n,)``.
        best: The lowest value measured so far.

    >>> mean, spread = np.array([1.0, 2.0, 1.5]), np.array([0.0, 2.0, 0.0])
    >>> [order(kind, 2.0, mean, spread, 1.2) for kind in ("mean", "lower_confidence_bound", "expected_improvement")]
    [[0, 2, 1], [1, 0, 2], [1, 0, 2]]
    """
    if kind == "expected_improvement":
        # Far above the best it underflows to 0 for all; those are ranked by how many spreads they are above it.
        far = (best - mean) / np.where(spread > 0, spread, np.finfo(float).tiny ** 0.5)
        return list(map(int, np.lexsort((mean, -far, -expected_improvement(mean, spread, best)))))
    bound = mean - kappa * spread if kind == "lower_confidence_bound" else mean
    return list(map(int, np.argsort(bound, kind="stable")))


def expected_improvement(mean: np.ndarray, spread: np.ndarray, best: float) -> np.ndarray:
    """By how much normal values undercut the best on average, ``(n,)``.

    >>> expected_improvement(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), 0.5).round(4).tolist()
    [0.6978, 0.5, 0.0]
    """
    from scipy.special import ndtr

    gain = best - mean
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = gain / spread
        density = np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
    return np.where(spread > 0, gain * ndtr(z) + spread * density, np.maximum(gain, 0.0))


def front_order(
    kind: Acquisition, kappa: float, mean: np.ndarray, spread: np.ndarray, front: np.ndarray, n: int
) -> list[int]:
    """The ``n`` candidates of several objectives most worth measuring, the most first.

    Each is worth the hypervolume that its means, its lower bounds, or its values on average would add to the front. One
    after the other is taken, and counts as a member of the front for the next, so that not all are from one place.
    What adds nothing comes last, the less dominated first.

    Source: Ponweiser, Wagner, Biermann and Vincze 2008, "Multiobjective Optimization on a Limited Budget of Evaluations
    Using Model-Assisted S-Metric Selection" (SMS-EGO), section 3, with its penalty for the dominated and without its
    tolerance; Emmerich, Giannakoglou and Naujoks 2006 for the expected improvement, here over ``DRAWS`` fixed draws.

    Args:
        kind: Of the acquisition.
        kappa: Spreads below the means at which lower bounds lie.
        mean: ``(n_candidates, n_objectives)``, lower is better.
        spread: Likewise.
        front: ``(n_points, n_objectives)`` of what was measured; at least one, and none dominated.
        n: At most all.

    >>> front, mean = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[2.0, 2.0], [0.5, 0.5], [0.4, 0.6], [-0.5, 1.0]])
    >>> front_order("mean", 0.0, mean, np.zeros((4, 2)), front, 4)
    [3, 1, 2, 0]
    """
    low, width = front.min(axis=0), np.ptp(front, axis=0)
    width = np.where(width > 0, width, np.maximum(np.ptp(mean, axis=0), np.finfo(float).tiny))
    points = _points(kind, kappa, mean, spread)
    points, stands, front = ((some - low) / width for some in (points, points.mean(axis=1), front))
    chosen: list[int] = []
    left = list(range(len(mean)))
    while left and len(chosen) < n:
        gains = _gains(points[left], front)
        behind = _behind(stands[left], front)
        best = max(range(len(left)), key=lambda i: (gains[i], -behind[i]))
        chosen.append(left.pop(best))
        front = np.vstack([front, stands[chosen[-1]]])
    return chosen


def _points(kind: Acquisition, kappa: float, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Where each candidate may lie, ``(n_candidates, n_points, n_objectives)``."""
    if kind == "expected_improvement":
        points: np.ndarray = mean[:, None] + spread[:, None] * _normal(mean.shape[1])
        return points
    bounds: np.ndarray = mean - kappa * spread if kind == "lower_confidence_bound" else mean
    return bounds[:, None]


def _normal(n_objectives: int) -> np.ndarray:
    """``(DRAWS, n_objectives)`` normal numbers, evenly spread and the same at each call (Sobol's sequence)."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    even = qmc.Sobol(n_objectives, scramble=False).random(2 * DRAWS)[DRAWS:]  # each in the middle of a stratum
    draws: np.ndarray = ndtri(even)
    return draws


def _gains(points: np.ndarray, front: np.ndarray) -> list[float]:
    """The hypervolume that each candidate adds on average."""
    import moocore

    corner = np.full(front.shape[1], 1 + CORNER)
    before = float(moocore.hypervolume(front, ref=corner))
    gains = np.zeros(points.shape[:2])
    adding = (points < corner).all(axis=2) & ~_dominating(points, front).any(axis=2)
    for place in zip(*np.nonzero(adding), strict=True):
        gains[place] = max(float(moocore.hypervolume(np.vstack([front, points[place]]), ref=corner)) - before, 0.0)
    return [float(gain) for gain in gains.mean(axis=1)]


def _behind(points: np.ndarray, front: np.ndarray) -> list[float]:
    """How far each of ``(n, n_objectives)`` points lies behind the front: 0 if none dominates it."""
    dominating = _dominating(points, front)
    factors = np.where(dominating[..., None], 1 + points[:, None] - front, 1.0)
    with np.errstate(over="ignore"):
        return [float(one) for one in (np.prod(factors, axis=2) - 1).max(axis=1, initial=0.0)]


def _dominating(points: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Which members of the front are nowhere above ``(..., n_objectives)`` points, ``(..., n_members)``."""
    return np.asarray((front <= points[..., None, :]).all(axis=-1))
