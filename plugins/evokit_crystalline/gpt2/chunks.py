"""Rows in chunks of a constant size, which a result may depend on where it may not on memory or neighbours."""

from __future__ import annotations

from collections.abc import Iterator


def chunks(n: int, size: int) -> Iterator[slice]:
    """Slices of ``size`` of ``n`` rows in order; the last may be smaller.

    >>> list(chunks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return (slice(at, min(at + size, n)) for at in range(0, n, size))
