"""Verdicts: computed, never written by hand (C3). All intervals have 95 % confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from evokit.interfaces import Goal
from evokit.statistics.intervals import LEVEL, Interval, mean_interval, p_value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the data say of ours against a rival. ``str`` of it is a sentence."""

    against: str
    difference: float  # mean of ours - theirs
    interval: Interval  # 95 %, of the difference, over every random factor; (nan, nan) for a single unit
    n: int  # units compared: documents, images, repeats
    method: str
    verdict: Literal["better", "worse", "no difference shown"]
    p: float = math.nan  # two-sided, of no difference; nan for a single unit
    p_holm: float = math.nan  # corrected for the other rivals of its family

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.verdict} against {self.against}: {self.difference:+.4g} [{low:+.4g}, {high:+.4g}], "
            f"n = {self.n} ({self.method})"
        )


def verdict(against: str, ours: npt.ArrayLike, theirs: npt.ArrayLike, goal: Goal, method_says: str) -> Verdict:
    """Compare with a rival, unit by unit: a difference is shown if its 95 % interval excludes 0.

    With several trainings or repeats these are random as the units are, and one interval is over both: units alone
    cannot tell the luck of one training from a better method.

    Args:
        against: The rival's name.
        ours: ``(n_units,)`` one value per unit, or ``(n_rows, n_units)`` a row per training or repeat.
        theirs: The rival's values for the same units. Row i of both is of the same seed; a single row on one side,
            as of a deterministic rival, stands against each of the other's.
        goal: Whether lower (``min``) or higher (``max``) is better.
        method_says: What units and rows are and what the verdict speaks of, e.g. "test documents, this champion".

    Raises:
        ValueError: The units differ in number, both sides have several rows and not as many, or as ``mean_interval``.
    """
    first, second = (np.atleast_2d(np.asarray(side, dtype=np.float64)) for side in (ours, theirs))
    if first.shape[1:] != second.shape[1:] or (len(first) != len(second) and min(len(first), len(second)) > 1):
        raise ValueError(f"pairs must have equal shapes, got {np.shape(ours)} and {np.shape(theirs)}")
    with np.errstate(over="ignore"):
        differences = np.clip(first - second, -np.finfo(float).max, np.finfo(float).max)
    difference, (low, high) = mean_interval(differences)
    p = p_value(differences)
    side: Literal["min", "max"] | None = "min" if high < 0 else "max" if low > 0 else None
    direction = "lower" if goal == "min" else "higher"
    return Verdict(
        against=against,
        difference=difference,
        interval=(low, high),
        n=differences.shape[1],
        method=f"{method_says}; ours - theirs, paired, 95 %; {direction} is better",
        verdict="no difference shown" if side is None else "better" if side == goal else "worse",
        p=p,
        p_holm=p,
    )


def corrected(family: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts on several rivals, so that the chance of any false one among them is at most 5 %.

    Args:
        family: All that one contender is compared with on one occasion. Intervals stay those of each alone.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    tested = sorted((one for one in family if not math.isnan(one.p)), key=lambda one: one.p)
    holm: dict[str, float] = {}
    largest = 0.0
    for place, one in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - place) * one.p))
        holm[one.against] = largest
    return [
        replace(
            one,
            p_holm=holm.get(one.against, math.nan),
            verdict=one.verdict if holm.get(one.against, 1.0) < LEVEL else "no difference shown",
        )
        for one in family
    ]
