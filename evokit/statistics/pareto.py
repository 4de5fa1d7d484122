"""Several objectives: non-dominated sorting, crowding, and the hypervolume of fronts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evokit.interfaces import Score

FRONT = 1_000  # points of a front that are kept at most
BEYOND = 1.1  # the reference point, where 0 is the best and 1 the worst that any front has of an objective


@dataclass(frozen=True, order=True)
class Standing:
    """A place among others; the greater is preferred: first the lower front, then the less crowded (``≺_n``)."""

    front: int  # minus the number of the front, so that greater is better
    crowding: float  # infinite at the ends of a front


def standings(scores: Sequence[Score]) -> list[Standing]:
    """The standing of each among all.

    Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II", sections III.A and III.B.

    Args:
        scores: Measured, each with the same objectives.

    >>> corner, middle, other, behind = (Score((-1.0, -1.0), values) for values in [(0, 2), (1, 1), (2, 0), (2, 2)])
    >>> [standing.front for standing in standings([corner, middle, other, behind])]
    [0, 0, 0, -1]
    """
    import moocore  # which brings more than a listing of components can wait for

    if not scores:
        return []
    fronts = moocore.pareto_rank(-np.array([score.wvalues for score in scores]))
    values, distances = np.array([score.values for score in scores]), np.empty(len(scores))
    for number in range(int(fronts.max()) + 1):
        members = np.flatnonzero(fronts == number)
        distances[members] = crowding(values[members])
    return [Standing(-number, distance) for number, distance in zip(fronts.tolist(), distances.tolist(), strict=True)]


def crowding(points: np.ndarray) -> np.ndarray:
    """How far apart the neighbours of each point are, as a share of the range, summed over objectives; ends: infinite.

    DEAP's ``assignCrowdingDist`` to the last bit, for many points at once, and for values whose range overflows.

    Source: Deb et al. 2002, section III.B.

    Args:
        points: ``(n, n_objectives)`` raw values of one front.

    Returns:
        ``(n,)``.

    >>> crowding(np.array([(0.0, 4.0), (1.0, 1.0), (4.0, 0.0)])).tolist()
    [inf, 1.0, inf]
    """
    n, n_objectives = points.shape
    points = points * _scale(points)
    distances, order = np.zeros(n), np.arange(n)
    for column in points.T:
        order = order[np.argsort(column[order], kind="stable")]
        ranked = column[order]
        distances[order[[0, -1]]] = np.inf
        if ranked[0] != ranked[-1]:
            distances[order[1:-1]] += (ranked[2:] - ranked[:-2]) / (n_objectives * (ranked[-1] - ranked[0]))
    return distances


def preferred(scores: Sequence[Score]) -> list[int]:
    """Indices from the most to the least preferred; ties keep their order. With one objective, best first.

    >>> preferred([Score((-1.0,), (value,)) for value in (3.0, 1.0, 2.0, 1.0)])
    [1, 3, 2, 0]
    """
    if scores and len(scores[0].weights) == 1:
        return sorted(range(len(scores)), key=lambda place: scores[place], reverse=True)
    standing = standings(scores)
    return sorted(range(len(scores)), key=standing.__getitem__, reverse=True)


def hypervolumes(fronts: Mapping[str, Sequence[Sequence[float]]], weights: Sequence[float]) -> dict[str, float]:
    """How much each front dominates, as a share of the most that there could be.

    Objectives are scaled so that 0 is the best and 1 the worst value on any of the fronts, and the volume reaches up to
    1.1 in each, so that the ends of a front count too.

    Source: Zitzler and Thiele 1998, "Multiobjective optimization using evolutionary algorithms".

    Args:
        fronts: Name to ``(n, n_objectives)`` raw values; an empty front dominates nothing.
        weights: -1 per objective to minimise, +1 to maximise.

    >>> found = hypervolumes({"one": [(0.0, 0.0)], "two": [(0.0, 1.0), (1.0, 0.0)]}, (-1.0, -1.0))
    >>> {name: round(share, 4) for name, share in found.items()}
    {'one': 1.0, 'two': 0.1736}
    """
    import moocore

    costs = {name: -np.asarray(values, float) * weights for name, values in fronts.items() if len(values)}
    if not costs:
        return dict.fromkeys(fronts, 0.0)
    scale = _scale(np.concatenate(list(costs.values())))
    costs = {name: cost * scale for name, cost in costs.items()}
    every = np.concatenate(list(costs.values()))
    low, width = every.min(axis=0), np.ptp(every, axis=0)
    width[width == 0] = 1.0
    most = BEYOND ** len(weights)
    share = {
        name: float(moocore.hypervolume((cost - low) / width, ref=[BEYOND] * len(weights))) / most
        for name, cost in costs.items()
    }
    return {name: share.get(name, 0.0) for name in fronts}


def _scale(points: np.ndarray) -> np.ndarray:
    """A factor an objective: 1, or small where the range of its values would overflow. Shares of the range stay."""
    with np.errstate(over="ignore"):
        overflows = ~np.isfinite(points.shape[1] * np.ptp(points, axis=0))
    return np.where(overflows, 2.0**-64, 1.0)
