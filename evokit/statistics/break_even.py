"""How many later trainings repay a search, from what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evokit.interfaces import Goal

Point = tuple[float, float]  # counted work of a model, its mean test value


def work_to_reach(value: float, curve: Sequence[Point], goal: Goal) -> float:
    """Work at which a curve gets as good as ``value``, interpolated in the logarithm of the work.

    Args:
        value: To be reached.
        curve: At least one point, in any order.
        goal: Whether lower or higher values are better.

    Returns:
        Infinite if no point is as good.

    >>> work_to_reach(0.5, [(100, 0.4), (400, 0.6)], "max")
    200.0
    """
    sign = 1 if goal == "max" else -1
    points = sorted(curve)
    before: Point | None = None
    for work, found in points:
        if sign * found >= sign * value:
            if before is None or before[1] == found:
                return work
            share = (value - before[1]) / (found - before[1])
            return round(math.exp(math.log(before[0]) + share * math.log(work / before[0])), 9)
        before = (work, found)
    return math.inf


def break_even(
    ours: Point, theirs: Sequence[Point], goal: Goal, spent: float, trainings: int = 1
) -> dict[str, float | bool] | None:
    """After how many trainings a search is repaid by work that each of them saves.

    What is saved is the work that the rival needs beyond ours to be as good as ours. Where it never gets there within
    what was measured, it saves at least what separates ours from the rival's longest training, and the number of
    trainings is an upper bound.

    Args:
        ours: Of a finished model of the champion.
        theirs: Of the rival's finished models, one point for each length that was trained.
        goal: Whether lower or higher values are better.
        spent: Work of the search, less that of tuning the rival, which who does not search spends all the same.
        trainings: That one model holds.

    Returns:
        ``saved``, work a training; ``trainings`` that repay the search, 0 if it cost no more than the tuning;
        ``bound``, whether the rival never got there; None if it needs no more work than ours: nothing is repaid.
    """
    reached = work_to_reach(ours[1], theirs, goal)
    bound = math.isinf(reached)
    saved = (max(work for work, _ in theirs) if bound else reached) - ours[0]
    if saved <= 0:
        return None
    return {"saved": saved / trainings, "trainings": math.ceil(max(0.0, spent) / saved * trainings), "bound": bound}
