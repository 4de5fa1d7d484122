"""Intervals for a mean over every random factor: test units, and the trainings or repeats that they were scored with.

All have 95 % confidence. ``benchmarks/verdict_level.py`` simulates how often they miss, beside their alternatives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]

LEVEL = 0.05
_SMALLEST = 1e-100  # a p-value below is 0
_MOST = 2.0  # of Hall's distance, in Student's: near the turn of his cubic root it grows without saying more
_EQUAL = 1e-9  # means of values up to 1 that differ by less are the same: 0.9 - 0.6 is not quite 0.7 - 0.4


def mean_interval(values: npt.ArrayLike) -> tuple[float, Interval]:
    """Mean with its interval.

    Each limit of one factor is the one farther from the mean of Student's t and of Hall's, which corrects for skewness,
    by at most twice the distance. Two crossed factors, rows and columns, both count: the squared distances of their
    limits are added (Banerjee), less that of the residual, which both contain (Graybill and Wang). Rows that are equal
    throughout, as those of a deterministic contender, are one row. Units that differ by one step or not at all, such as
    images, count about as in a sign test.

    Args:
        values: ``(n_units,)``, or ``(n_rows, n_units)`` where each training or repeat is a row; at least one value.

    Returns:
        The mean and (low, high); (nan, nan) for a single unit, whose spread nobody knows.

    Raises:
        ValueError: Of another shape, empty, or not finite.

    Source: Student 1908, "The probable error of a mean"; Hall 1992, "On the removal of skewness by transformation";
    Banerjee 1960, "Approximate confidence interval for linear functions of means of k populations when the population
    variances are not equal"; Graybill and Wang 1980, "Confidence intervals on nonnegative linear combinations of
    variances".

    >>> mean_interval([1.0])
    (1.0, (nan, nan))
    """
    sample = _Sample.of(values)
    mean = sample.scale * sample.mean
    if not sample.factors:
        return mean, (math.nan, math.nan)
    low, high = (sample.distance(LEVEL, side) for side in ("low", "high"))
    return mean, (sample.scale * (sample.mean - low), sample.scale * (sample.mean + high))


def p_value(values: npt.ArrayLike) -> float:
    """Of no difference: the smallest level at which the interval of ``mean_interval`` excludes 0; NaN for one unit.

    Args:
        values: Differences, as for ``mean_interval``.

    >>> p_value([0.0, 0.0, 0.0])
    1.0
    """
    from scipy.optimize import brentq

    sample = _Sample.of(values)
    if not sample.factors:
        return math.nan
    side = "low" if sample.mean > 0 else "high"

    def beyond(log_level: float) -> float:
        return sample.distance(math.exp(log_level), side) - abs(sample.mean)

    if sample.mean == 0 or beyond(0.0) >= 0:
        return 1.0
    if beyond(math.log(_SMALLEST)) <= 0:
        return 0.0
    return math.exp(brentq(beyond, math.log(_SMALLEST), 0.0, xtol=1e-9))


@dataclass(frozen=True)
class _Factor:
    """Means of one factor's levels: their number, deviation, and skewness."""

    n: int
    deviation: float
    skewness: float

    @classmethod
    def of(cls, means: np.ndarray, pseudo: float = 0.0) -> _Factor:
        """Of means between -1 and 1; ``pseudo`` is added to their squares."""
        n, centred = means.size, means - means.mean()
        if np.ptp(means) <= _EQUAL:
            centred[:] = 0.0  # what is left is rounding
        squares = float(centred @ centred)
        skewness = 0.0
        if n > 2 and squares > 0 and not pseudo:  # ties are bounded
            skewness = math.sqrt(n * (n - 1)) / (n - 2) * float(np.mean(centred**3)) / (squares / n) ** 1.5
        return cls(n, math.sqrt((squares + pseudo) / (n - 1)), skewness)

    def distance(self, level: float, side: str) -> float:
        """From the mean to the limit on a side."""
        t = _student(self.n - 1, level) / math.sqrt(self.n)
        low = _hall(t, self.skewness, self.n)
        corrected = low if side == "low" else -_hall(-t, self.skewness, self.n)
        return self.deviation * max(t, min(corrected, _MOST * t))


@dataclass(frozen=True)
class _Sample:
    """A mean with its random factors, of which there are none for a single value, and the residual of two.

    Everything is in units of ``scale``, the largest size of a value, so that no square vanishes or overflows.
    """

    scale: float
    mean: float
    factors: Sequence[_Factor]
    residual: float = 0.0  # standard error
    freedom: int = 0  # degrees of freedom of the residual

    @classmethod
    def of(cls, values: npt.ArrayLike) -> _Sample:
        table = np.atleast_2d(np.asarray(values, dtype=np.float64))
        if table.ndim != 2 or table.size == 0:
            raise ValueError(f"values must have shape (n,) or (n_rows, n) with n >= 1, got {np.shape(values)}")
        if not np.isfinite(table).all():
            raise ValueError(f"values must be finite, got {int((~np.isfinite(table)).sum())} that are not")
        if (table == table[0]).all():
            table = table[:1]
        scale = float(np.abs(table).max()) or 1.0
        table = table / scale
        mean, rows, columns = float(table.mean()), table.mean(1), table.mean(0)
        if columns.size == 1:
            return cls(scale, mean, [])  # however many trainings, another unit might say something else
        factors = [_Factor.of(columns, _of_ties(columns))]
        if rows.size == 1:
            return cls(scale, mean, factors)
        factors.append(_Factor.of(rows))
        freedom = (rows.size - 1) * (columns.size - 1)
        rest = table - rows[:, None] - columns + mean
        return cls(scale, mean, factors, math.sqrt(float((rest**2).sum()) / freedom / table.size), freedom)

    def distance(self, level: float, side: str) -> float:
        """From the mean to the limit on a side, ``low`` or ``high``."""
        squares = [factor.distance(level, side) ** 2 for factor in self.factors]
        rest = (_student(self.freedom, level) * self.residual) ** 2 if self.freedom else 0.0
        return math.sqrt(max(sum(squares) - rest, *squares, 0.0))


def _of_ties(units: np.ndarray) -> float:
    """What is added to the squares of units that differ by one step or not at all, such as images that one of two
    networks gets right.

    Where few of them differ, their spread says too little. With three squared steps more, about as many are shown as
    by the exact sign test.
    """
    sizes = np.abs(units)
    steps = sizes[sizes > _EQUAL]
    return 3 * float(steps[0]) ** 2 if steps.size and np.ptp(steps) <= _EQUAL else 0.0


def _student(freedom: int, level: float) -> float:
    """Two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, level / 2))


def _hall(t: float, skewness: float, n: int) -> float:
    """Hall's transformation of a t value over the root of n, inverted: a distance in standard deviations."""
    if abs(skewness) < 1e-6:  # its limit, whose terms would cancel
        return t
    return 3 / skewness * (math.cbrt(1 + skewness * (t - skewness / (6 * n))) - 1)
