"""Intervals and verdicts: computed, never written by hand (C3). All intervals have 95 % confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from evokit.interfaces import Goal

Interval = tuple[float, float]

_TAIL = 0.975  # two-sided 95 %
_LEVEL = 0.05  # of a family of verdicts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the data say of ours against a rival. ``str`` of it is a sentence."""

    against: str
    difference: float  # mean of ours - theirs
    interval: Interval  # 95 %, of the difference; (nan, nan) for a single unit
    n: int  # units compared: documents, images, repeats
    method: str
    verdict: Literal["better", "worse", "no difference shown"]
    p: float = math.nan  # two-sided, of no difference; nan for a single unit
    p_holm: float = math.nan  # corrected for the other rivals of its family
    over_seeds: Interval | None = None  # 95 %, of the difference, over seeds instead of units; None without pairs

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.verdict} against {self.against}: {self.difference:+.4g} [{low:+.4g}, {high:+.4g}], "
            f"n = {self.n} ({self.method})"
        )


def mean_interval(values: npt.ArrayLike) -> tuple[float, Interval]:
    """Mean with its Student t interval.

    Args:
        values: ``(n,)``, n >= 1.

    Returns:
        The mean and (low, high); (nan, nan) for n = 1, where no spread is known.

    Raises:
        ValueError: Not one dimension, empty, or not finite.

    Source: Student 1908, "The probable error of a mean".

    >>> mean_interval([1.0])
    (1.0, (nan, nan))
    """
    from scipy.special import stdtrit

    sample = _finite(values)
    mean = float(sample.mean())
    if sample.size == 1:
        return mean, (math.nan, math.nan)
    half = float(stdtrit(sample.size - 1, _TAIL)) * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    return mean, (mean - half, mean + half)


def paired_interval(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[float, Interval]:
    """Mean of ``a - b`` with its Student t interval.

    Args:
        a: ``(n,)``; unit i is the same document, image or repeat in both.
        b: ``(n,)``.

    Raises:
        ValueError: The shapes differ, or as ``mean_interval``.
    """
    first, second = _finite(a), _finite(b)
    if first.shape != second.shape:
        raise ValueError(f"pairs must have equal shapes, got {first.shape} and {second.shape}")
    return mean_interval(first - second)


def verdict(
    against: str,
    ours: npt.ArrayLike,
    theirs: npt.ArrayLike,
    goal: Goal,
    method_says: str,
    seeds: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Verdict:
    """Compare with a rival, unit by unit: a difference is shown if its 95 % interval excludes 0.

    Args:
        against: The rival's name.
        ours: ``(n,)`` one value per unit.
        theirs: ``(n,)`` the rival's values for the same units.
        goal: Whether lower (``min``) or higher (``max``) is better.
        method_says: What the units are and what the verdict speaks of, e.g. "test documents, this champion".
        seeds: ``(n_seeds,)`` means of ours and theirs for the same seeds, at least two. Then a difference must be shown
            over seeds as well, since units alone cannot tell the luck of one training from a better method.

    Raises:
        ValueError: As ``paired_interval``.
    """
    difference, (low, high) = paired_interval(ours, theirs)
    p, over_seeds = paired_p(ours, theirs), None
    side: Literal["min", "max"] | None = "min" if high < 0 else "max" if low > 0 else None
    if seeds is not None:
        _, over_seeds = paired_interval(*seeds)
        p = max(p, paired_p(*seeds))
        side = side if not over_seeds[0] <= 0 <= over_seeds[1] else None
    direction = "lower" if goal == "min" else "higher"
    return Verdict(
        against=against,
        difference=difference,
        interval=(low, high),
        n=_finite(ours).size,
        method=f"{method_says}; ours - theirs, paired Student t, 95 %; {direction} is better",
        verdict="no difference shown" if side is None else "better" if side == goal else "worse",
        p=p,
        p_holm=p,
        over_seeds=over_seeds,
    )


def paired_p(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Two-sided p-value of the paired Student t test that ``a - b`` has mean 0; NaN for one pair.

    Args:
        a: ``(n,)``.
        b: ``(n,)``.

    >>> paired_p([1, 2, 3], [1, 2, 3])
    1.0
    """
    from scipy.special import stdtr

    differences = _finite(a) - _finite(b)
    n = differences.size
    if n == 1:
        return math.nan
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return 0.0 if differences.mean() else 1.0
    return 2 * float(stdtr(n - 1, -abs(float(differences.mean())) / error))


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
            verdict=one.verdict if holm.get(one.against, 1.0) < _LEVEL else "no difference shown",
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

    first, second = _finite(x, least=0), _finite(y, least=0)
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
    return rho, min(low, rho) if rho > -1 else -1.0, max(high, rho) if rho < 1 else 1.0


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties share their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[place]


def _finite(values: npt.ArrayLike, least: int = 1) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size < least:
        raise ValueError(f"values must have shape (n,) with n >= {least}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"values must be finite, got {int((~np.isfinite(array)).sum())} that are not")
    return array
