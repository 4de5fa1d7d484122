"""Arrays that nobody can write to: genes may be shared, cached and replayed."""

from __future__ import annotations

from typing import Any

import numpy as np


def readonly(array: np.ndarray) -> np.ndarray:
    """Lock an array that the caller has just made, in place.

    >>> readonly(np.zeros(2)).flags.writeable
    False
    """
    array.flags.writeable = False
    return array


def frozen(genes: Any) -> Any:
    """Genes that nobody can write to: an array is copied unless it is locked and owns its memory.

    Genes that are not an array are returned as they are; their genome keeps them immutable.

    >>> mine = np.zeros(2)
    >>> frozen(mine).flags.writeable, mine.flags.writeable
    (False, True)
    """
    if not isinstance(genes, np.ndarray):
        return genes
    if genes.flags.writeable or genes.base is not None:
        return readonly(genes.copy())
    return genes
