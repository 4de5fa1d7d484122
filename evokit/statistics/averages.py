"""The mean of measured values, which may be as large as a float can be: penalties often are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def mean(values: npt.ArrayLike, axis: int | None = None) -> Any:
    """NumPy's mean, but finite for all finite values.

    >>> float(mean([1.0, 2.0])), float(mean([1.5e308, 1.5e308]))
    (1.5, 1.5e+308)
    """
    array = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        found = array.mean(axis)
        too_large = ~np.isfinite(found) & np.isfinite(array).all(axis)
        if not too_large.any():
            return found
        largest = np.abs(array).max(axis, keepdims=True)
        shares = np.clip((array / largest).mean(axis, keepdims=True), -1.0, 1.0)
        return np.where(too_large, np.squeeze(largest * shares, axis), found)[()]
