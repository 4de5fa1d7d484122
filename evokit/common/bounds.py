"""What becomes of values beyond their bounds."""

from __future__ import annotations

import numpy as np


def reflected(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Values folded back into their bounds as between mirrors, so that none pile up at a bound.

    Args:
        values: ``(..., n_genes)`` finite numbers; left unchanged.
        low: ``(n_genes,)`` lower bounds.
        high: ``(n_genes,)`` upper bounds, above ``low``.

    >>> reflected(np.array([-0.25, 0.5, 2.75]), np.zeros(3), np.ones(3))
    array([0.25, 0.5 , 0.75])
    """
    span = high - low
    phase = np.mod(values - low, 2 * span)
    # Clipped too: rounding may leave a value one unit in the last place outside.
    inside: np.ndarray = np.clip(low + np.minimum(phase, 2 * span - phase), low, high)
    return inside
