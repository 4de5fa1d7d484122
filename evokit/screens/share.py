"""Shares of candidates as counts."""

from __future__ import annotations

import math


def count_of(share: float, n: float) -> int:
    """How many of ``n`` a share in [0, 1] is, rounded up.

    >>> count_of(0.2, 12)
    3
    >>> count_of(0.07, 100)  # though 0.07 * 100 is a little more than 7
    7
    """
    return math.ceil(round(share * n, 9))
