"""Survival of NSGA-III: who is nearest to the lines from the best point through reference points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evokit.statistics.pareto import scale_of

OFF_AXIS = 1e6  # how much more an objective weighs that is not of the axis whose extreme point is looked for
INNER = 0.5  # how far points of a second layer are from the middle, of those of a first; of a third half of that
NEAR = 1e-3  # of the way from the best to the worst, within which a value is as good as the best for an extreme point
LEAST = 1e-6  # width of a front in an objective, as a share of that of all; a narrower one is none


def reference_points(n_objectives: int, layers: Sequence[int]) -> np.ndarray:
    """Points evenly over all mixes of objectives, DEAP's; each sums to 1.

    Args:
        n_objectives: Two or more.
        layers: Divisions of an axis, for the outermost layer first; each next one is half as wide.

    Returns:
        ``(n, n_objectives)``, where d divisions make ``comb(d + n_objectives - 1, d)``.

    Source: Das and Dennis 1998, "Normal-Boundary Intersection"; layers as in Deb and Jain 2014, section IV.B.

    >>> reference_points(2, [2]).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    from deap import tools

    every = [
        tools.uniform_reference_points(n_objectives, divisions, scaling=INNER**depth)
        for depth, divisions in enumerate(layers)
    ]
    return np.concatenate(every)


def niched(
    costs: np.ndarray, ranks: np.ndarray, n: int, points: np.ndarray, seen: np.ndarray, rng: np.random.Generator
) -> list[int]:
    """Places of ``n`` survivors: front by front, of the front that does not fit whole those in the emptiest niches.

    A niche is the line from the best point through a reference point, and who is nearest to it. The first of an empty
    niche is the nearest; any other is drawn, and so is the niche among those that are as empty.

    DEAP's ``selNSGA3`` subtracts the best point once more from intercepts that are seen from it, so that it depends on
    where an objective has its zero, and draws from NumPy's global generator; so this is our own.

    Args:
        costs: ``(n_candidates, n_objectives)``, lower is better; more than ``n`` candidates.
        ranks: ``(n_candidates,)`` numbers of their fronts, from 0.
        n: How many survive.
        points: ``(n_points, n_objectives)`` reference points.
        seen: ``(n_seen, n_objectives)`` the best of all that were ever measured, as far as they are known.
        rng: Decides between niches and within one.

    Source: Deb and Jain 2014, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based
    Nondominated Sorting Approach, Part I", algorithms 1 to 4.
    """
    cut = int(np.sort(ranks)[n])  # the front of the first who has no place
    chosen, last = np.flatnonzero(ranks < cut).tolist(), np.flatnonzero(ranks == cut)
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    shares = normalised(costs, ranks, seen)
    along = shares @ directions.T
    niches = along.argmax(axis=1)  # the nearest line is that with the longest projection
    far = np.square(shares).sum(axis=1) - np.square(along.max(axis=1))
    counts = np.bincount(niches[chosen], minlength=len(points))
    waiting = {niche: last[niches[last] == niche].tolist() for niche in np.unique(niches[last]).tolist()}
    while len(chosen) < n:
        emptiest = min(counts[niche] for niche in waiting)
        open_ones = [niche for niche in waiting if counts[niche] == emptiest]
        for niche in rng.permutation(open_ones)[: n - len(chosen)].tolist():
            members = waiting[niche]
            at = int(far[members].argmin()) if emptiest == 0 else int(rng.integers(len(members)))
            chosen.append(members.pop(at))
            counts[niche] += 1
            if not members:
                del waiting[niche]
    return chosen


def normalised(costs: np.ndarray, ranks: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Costs so that 0 is the best ever measured and 1 where the plane through the extreme points meets each axis.

    Where they span no plane that meets all axes within what the candidates have, 1 is the worst of the first front.

    Args:
        costs: ``(n, n_objectives)``.
        ranks: ``(n,)`` numbers of their fronts, from 0.
        seen: ``(n_seen, n_objectives)`` the best of all that were ever measured; may be empty.
    """
    scale = scale_of(costs)
    costs = costs * scale
    first = costs[ranks == 0]
    best = np.concatenate([first, seen * scale])
    ideal = best.min(axis=0)
    width = costs.max(axis=0) - ideal
    width[width == 0] = 1.0
    # Objectives may differ by orders of magnitude, which weights of axes alone do not make up for.
    best, first, costs = (best - ideal) / width, (first - ideal) / width, (costs - ideal) / width
    one = _intercepts(best)
    if one is None:
        one = first.max(axis=0)
        one[one < LEAST] = 1.0
    shares: np.ndarray = costs / one
    return shares


def _intercepts(best: np.ndarray) -> np.ndarray | None:
    """Where the plane through the extreme points meets each axis, 1 at most; None where it does not meet all."""
    axes = np.where(np.eye(best.shape[1], dtype=bool), 1.0, OFF_AXIS)
    near = np.where(best < NEAR, 0.0, best)
    extremes = best[[int((near * axis).max(axis=1).argmin()) for axis in axes]]
    try:
        slopes = np.linalg.solve(extremes, np.ones(len(axes)))
    except np.linalg.LinAlgError:
        return None
    if not (slopes > 0).all() or not np.allclose(extremes @ slopes, 1.0):
        return None
    found: np.ndarray = np.minimum(1 / slopes, 1.0)
    return found if (found >= LEAST).all() else None
