"""Verdicts and correlations: computed, never written by hand (C3). All intervals have 95 % confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from evokit.interfaces import Goal
from evokit.intervals import LEVEL, Interval, mean_interval, p_value

_TAIL = 0.975  # two-sided 95 %


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


def spearman_interval(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[float, float, float]:
    """Rank correlation with its interval on Fisher's z.

    Where no interval can be formed it is (-1, 1), "nothing is known": below four pairs, or when either side is
    constant, where the correlation is not defined and 0 is returned for it. At rho = 1 or -1 Fisher's z is
    infinite; the end towards 0 is then that of the nearest rank correlation which n untied pairs can have.

    Args:
        x: ``(n,)``.
        y: ``(n,)``.

    Returns:
        (rho, low, high).

    Raises:
        ValueError: The shapes differ, or a value is not finite.

    Source: Bonett and Wright 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations": the standard error of z is sqrt((1 + rho^2 / 2) / (n - 3)).

    >>> spearman_interval([1, 1, 1, 1], [1, 2, 3, 4])
    (0.0, -1.0, 1.0)
    """
    from scipy.special import ndtri

    first, second = _finite(x), _finite(y)
    if first.shape != second.shape:
        raise ValueError(f"pairs must have equal shapes, got {first.shape} and {second.shape}")
    n = first.size
    if n < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0, -1.0, 1.0
    rho = round(float(np.corrcoef(_ranks(first), _ranks(second))[0, 1]), 12)  # so that equal ranks give 1 exactly
    if n < 4:
        return rho, -1.0, 1.0
    most = 1 - 12 / (n * (n * n - 1))  # one swap of neighbours: the squared rank differences sum to 2
    inner = min(max(rho, -most), most)
    z = math.atanh(inner)
    half = float(ndtri(_TAIL)) * math.sqrt((1 + inner**2 / 2) / (n - 3))
    low, high = math.tanh(z - half), math.tanh(z + half)
    return rho, min(low, rho), max(high, rho)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties share their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[place]


def _finite(values: npt.ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"values must have shape (n,), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"values must be finite, got {int((~np.isfinite(array)).sum())} that are not")
    return array
