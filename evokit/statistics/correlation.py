"""Rank correlation and its interval."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_TAIL = 0.975  # two-sided 95 %


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
