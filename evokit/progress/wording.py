"""Numbers, energy and time for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

YEAR_S = 365.25 * 86_400
_BLOCKS = "▁▂▃▄▅▆▇█"


def number(value: float | None) -> str:
    """A value for people.

    >>> number(5.80123), number(32.0), number(0.000123456), number(None)
    ('5.8012', '32', '0.0001235', 'none yet')
    """
    if value is None:
        return "none yet"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4f}" if 0.1 <= abs(value) < 1e6 else f"{value:.4g}"


def rounded(amount: float) -> str:
    """Three digits of what is counted, for people.

    >>> rounded(12345678), rounded(41234.0), rounded(412.34), rounded(0.0123)
    ('12.3 M', '41.2 k', '412', '0.0123')
    """
    scale, unit = next(((s, u) for s, u in ((1e9, " G"), (1e6, " M"), (1e3, " k")) if amount >= s), (1.0, ""))
    return f"{amount / scale:.3g}{unit}"


def energy(joules: float, estimated_j: float) -> str:
    """Joules for people, labelled by how many of them are estimated.

    >>> energy(1234.0, 0.0), energy(0.5, 0.5), energy(12.3, 0.5)
    ('1.23 kJ', '0.5 J (estimate)', '12.3 J (4 % estimated)')
    """
    scale, unit = next(((s, u) for s, u in ((1e6, "MJ"), (1e3, "kJ")) if joules >= s), (1.0, "J"))
    label = ""
    if estimated_j > 0:
        percent = min(99, max(1, round(100 * estimated_j / joules)))
        # Sums of the same joules in another order may differ in their last digit.
        whole = math.isclose(estimated_j, joules, rel_tol=1e-9)
        label = " (estimate)" if whole else f" ({percent} % estimated)"
    return f"{joules / scale:.3g} {unit}{label}"


def duration(seconds: float) -> str:
    """A span for people.

    >>> duration(41.3), duration(200), duration(7500), duration(4e10)
    ('41 s', '3 min', '2 h 05 min', '1,268 years')
    """
    if seconds > 2 * YEAR_S:
        return f"{seconds / YEAR_S:,.0f} years"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def sparkline(values: Sequence[float]) -> str:
    """One block per value, lowest to highest; values that are not finite are left out.

    >>> sparkline([3, 2, 1, 1])
    '█▅▁▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, span = min(finite), max(finite) - min(finite)
    if span == 0 or not math.isfinite(span):
        return _BLOCKS[0] * len(finite)
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1))] for value in finite)


def of(index: int, total: int | None) -> str:
    return str(index) if total is None else f"{index}/{total}"


def left(seconds: float | None, before: str) -> str:
    return "" if seconds is None or not math.isfinite(seconds) else f"{before}{duration(max(0.0, seconds))} left"


def stopwatch(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
