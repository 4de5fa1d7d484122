"""Several objectives: non-dominated sorting, crowding, survival by hypervolume, and measures of fronts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from evokit.interfaces import Score

K = TypeVar("K", bound=Hashable)  # what tells fronts apart, such as names

FRONT = 1_000  # points of a front that are kept at most
NARROW = 1e-9  # width of the feasible, as a share of their worst, below which places beside it would be rounded away
BEYOND = 1.1  # the reference point, where 0 is the best and 1 the worst that any front has of an objective


class Standing(NamedTuple):
    """A place among others; the greater is preferred: first the lower front, then the less crowded (``≺_n``)."""

    front: int  # minus the number of the front, so that greater is better
    crowding: float  # infinite at the ends of a front


def ranks(scores: Sequence[Score]) -> np.ndarray:
    """``(n,)`` whole numbers: 0 for whom nobody dominates, 1 for those whom only they dominate, and so on.

    What every search with several objectives sorts by.

    Args:
        scores: Measured, each with the same objectives.

    >>> ranks([Score((-1.0, -1.0), values) for values in [(0, 2), (1, 1), (2, 0), (2, 2)]]).tolist()
    [0, 0, 0, 1]
    """
    return _ranked(costs_of(scores)) if scores else np.zeros(0, int)


def _ranked(costs: np.ndarray) -> np.ndarray:
    import moocore  # which brings more than a listing of components can wait for

    found: np.ndarray = moocore.pareto_rank(costs)
    return found


def costs_of(scores: Sequence[Score]) -> np.ndarray:
    """``(n, n_objectives)`` values of which lower is better; raw values where an objective is to be small.

    The infeasible, whose ``wvalues`` are far from all values, come in the order of their violations between the worst
    feasible one and what is worse than that by the range of the feasible, or by 1.

    Source: Deb 2000, "An efficient constraint handling method for genetic algorithms", eq. 4, with places in the order
    of violations for the violations themselves.
    """
    costs = -np.array([score.wvalues for score in scores])
    if not any(score.constraints for score in scores):
        return costs
    violations = np.array([score.violation for score in scores])
    infeasible = violations > 0
    if infeasible.any():
        feasible = costs[~infeasible] if not infeasible.all() else np.zeros((1, costs.shape[1]))
        worst = feasible.max(axis=0)
        width = np.maximum(np.ptp(feasible, axis=0), NARROW * abs(worst))
        levels, level = np.unique(violations[infeasible], return_inverse=True)
        costs[infeasible] = worst + np.where(width > 0, width, 1.0) * ((level + 1) / len(levels))[:, None]
    return costs


def standings(scores: Sequence[Score]) -> list[Standing]:
    """The standing of each among all.

    Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II", sections III.A and III.B.

    Args:
        scores: Measured, each with the same objectives.

    >>> corner, middle, other, behind = (Score((-1.0, -1.0), values) for values in [(0, 2), (1, 1), (2, 0), (2, 2)])
    >>> [standing.front for standing in standings([corner, middle, other, behind])]
    [0, 0, 0, -1]
    """
    if not scores:
        return []
    fronts, distances = _sorted_out(scores)
    return list(map(Standing, (-fronts).tolist(), distances.tolist()))


def _sorted_out(scores: Sequence[Score]) -> tuple[np.ndarray, np.ndarray]:
    """The front and the crowding distance of each."""
    costs = costs_of(scores)
    fronts = _ranked(costs)
    return fronts, crowding(costs / -np.array(scores[0].weights), fronts)


def crowding(points: np.ndarray, fronts: np.ndarray | None = None) -> np.ndarray:
    """How far apart the neighbours of each point are, as a share of the range, summed over objectives; ends: infinite.

    DEAP's ``assignCrowdingDist`` to the last bit, for all fronts at once, and for values whose range overflows.

    Source: Deb et al. 2002, section III.B.

    Args:
        points: ``(n, n_objectives)`` raw values.
        fronts: ``(n,)`` numbers of the fronts that they are in, each for itself; one front if not given.

    Returns:
        ``(n,)``.

    >>> crowding(np.array([(0.0, 4.0), (1.0, 1.0), (4.0, 0.0)])).tolist()
    [inf, 1.0, inf]
    """
    n, n_objectives = points.shape
    fronts = np.zeros(n, int) if fronts is None else fronts
    points = points * scale_of(points)
    distances, order = np.zeros(n), np.arange(n)
    first = np.flatnonzero(np.diff(np.sort(fronts), prepend=-1))  # places where a front begins, sorted by front
    last, sizes = np.append(first[1:], n) - 1, np.diff(first, append=n)
    inside = np.ones(n, bool)
    inside[first] = inside[last] = False
    within = np.flatnonzero(inside)
    for column in points.T:
        order = order[np.lexsort((column[order], fronts[order]))]
        ranked = column[order]
        distances[order[~inside]] = np.inf
        width = np.repeat(ranked[last] - ranked[first], sizes)[within]
        gaps = ranked[within + 1] - ranked[within - 1]
        distances[order[within]] += gaps / np.where(width, n_objectives * width, np.inf)
    return distances


def preferred(scores: Sequence[Score]) -> list[int]:
    """Indices from the most to the least preferred; ties keep their order. With one objective, best first.

    >>> preferred([Score((-1.0,), (value,)) for value in (3.0, 1.0, 2.0, 1.0)])
    [1, 3, 2, 0]
    """
    if not scores:
        return []
    if len(scores[0].weights) == 1:
        return sorted(range(len(scores)), key=lambda place: scores[place], reverse=True)
    fronts, distances = _sorted_out(scores)
    order: list[int] = np.lexsort((-distances, fronts)).tolist()
    return order


def hypervolumes(fronts: Mapping[K, Sequence[Sequence[float]]], weights: Sequence[float]) -> dict[K, float]:
    """How much each front dominates, as a share of the most that there could be.

    Objectives are scaled so that 0 is the best and 1 the worst value on any of the fronts, and the volume reaches up to
    1.1 in each, so that the ends of a front count too.

    Source: Zitzler and Thiele 1998, "Multiobjective optimization using evolutionary algorithms".

    Args:
        fronts: Name, or what else tells it apart, to ``(n, n_objectives)`` raw values; an empty one dominates nothing.
        weights: -1 per objective to minimise, +1 to maximise.

    >>> found = hypervolumes({"one": [(0.0, 0.0)], "two": [(0.0, 1.0), (1.0, 0.0)]}, (-1.0, -1.0))
    >>> {name: round(share, 4) for name, share in found.items()}
    {'one': 1.0, 'two': 0.1736}
    """
    import moocore

    boxed, n = _in_one_box(fronts, weights), len(weights)
    most = BEYOND**n
    share = {name: float(moocore.hypervolume(costs, ref=[BEYOND] * n)) / most for name, costs in boxed.items()}
    return {name: share.get(name, 0.0) for name in fronts}


def gaps(fronts: Mapping[K, Sequence[Sequence[float]]], weights: Sequence[float]) -> dict[K, dict[str, float]]:
    """How far each front is from what is best on all of them together, 0 being nowhere; empty fronts are left out.

    ``igd_plus`` is how much worse it is on average than a point of those that none of all fronts dominates, to the
    nearest of its own; ``epsilon`` how much must be taken from each of its objectives so that it covers them all. Both
    are in the box of ``hypervolumes``, in which 0 is the best and 1 the worst value on any front.

    Source: Ishibuchi et al. 2015, "Modified Distance Calculation in Generational Distance and Inverted Generational
    Distance"; Zitzler et al. 2003, "Performance assessment of multiobjective optimizers" (additive epsilon).

    Args:
        fronts: Name, or what else tells it apart, to ``(n, n_objectives)`` raw values.
        weights: -1 per objective to minimise, +1 to maximise.

    >>> gaps({"one": [(0.0, 0.0)], "two": [(0.0, 1.0), (1.0, 0.0)]}, (-1.0, -1.0))["two"]
    {'igd_plus': 1.0, 'epsilon': 1.0}
    """
    import moocore

    boxed = _in_one_box(fronts, weights)
    if not boxed:
        return {}
    best = moocore.filter_dominated(np.concatenate(list(boxed.values())))
    return {
        name: {
            "igd_plus": float(moocore.igd_plus(costs, best)),
            "epsilon": float(moocore.epsilon_additive(costs, best)),
        }
        for name, costs in boxed.items()
    }


def knee(points: Sequence[Sequence[float]], weights: Sequence[float]) -> int | None:
    """Which point of a front lies furthest on the better side of the line between its ends.

    Each objective counts from 0 for its best to 1 for its worst value on the front. With more than two objectives the
    plane is that through 1 in each of them.

    Source: Das 1999, "On characterizing the 'knee' of the Pareto curve based on Normal-Boundary Intersection".

    Args:
        points: ``(n, n_objectives)`` raw values, of which none dominates another.
        weights: -1 per objective to minimise, +1 to maximise.

    Returns:
        Its place; None where no point lies on that side.

    >>> knee([(0.0, 1.0), (0.2, 0.3), (1.0, 0.0)], (-1.0, -1.0)), knee([(0, 1), (0.5, 0.5), (1, 0)], (-1.0, -1.0))
    (1, None)
    """
    boxed = _in_one_box({"front": points}, weights)
    if not boxed:
        return None
    beyond = 1.0 - boxed["front"].sum(axis=1)
    place = int(beyond.argmax())
    return place if beyond[place] > NARROW and len(points) > len(weights) else None


def _in_one_box(fronts: Mapping[K, Sequence[Sequence[float]]], weights: Sequence[float]) -> dict[K, np.ndarray]:
    """Costs, of which 0 is the best and 1 the worst on any of the fronts; without those that are empty."""
    costs = {name: -np.asarray(values, float) * weights for name, values in fronts.items() if len(values)}
    if not costs:
        return {}
    scale = scale_of(np.concatenate(list(costs.values())))
    every = np.concatenate(list(costs.values())) * scale
    low, width = every.min(axis=0), np.ptp(every, axis=0)
    width[width == 0] = 1.0
    return {name: (cost * scale - low) / width for name, cost in costs.items()}


def scale_of(points: np.ndarray) -> np.ndarray:
    """A factor an objective: 1, or small where the range of its values would overflow. Shares of the range stay."""
    with np.errstate(over="ignore"):
        overflows = ~np.isfinite(points.shape[1] * np.ptp(points, axis=0))
    return np.where(overflows, 2.0**-64, 1.0)


def contributing(costs: np.ndarray, ranks: np.ndarray, n: int) -> list[int]:
    """Places of ``n`` survivors: front by front, and of the front that does not fit whole those that dominate most.

    Whose hypervolume would be missed least goes, one after the other, of equals the last. The front is scaled to its
    own width, and volumes reach to 1.1; with two objectives its ends stay.

    Source: Beume, Naujoks and Emmerich 2007, "SMS-EMOA: Multiobjective selection based on dominated hypervolume",
    algorithm 2.

    Args:
        costs: ``(n_candidates, n_objectives)``, lower is better; more than ``n`` candidates.
        ranks: ``(n_candidates,)`` numbers of their fronts, from 0.
        n: How many survive.
    """
    import moocore

    cut = int(np.sort(ranks)[n])  # the front of the first who has no place
    chosen, last = np.flatnonzero(ranks < cut).tolist(), np.flatnonzero(ranks == cut)[::-1]
    points = costs[last] * scale_of(costs)
    width = np.ptp(points, axis=0)
    points = (points - points.min(axis=0)) / np.where(width, width, 1.0)
    while len(chosen) + len(last) > n:
        missed = moocore.hv_contributions(points, ref=[BEYOND] * points.shape[1])
        if points.shape[1] == 2 and len(last) > 2:
            missed[len(last) - 1 - points[::-1].argmin(axis=0)] = np.inf
        least = int(missed.argmin())
        last, points = np.delete(last, least), np.delete(points, least, axis=0)
    return [*chosen, *last[::-1].tolist()]
