"""Features for linear and tree models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

MIN_POINTS = 2


def one_hot(X: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Each choice as a column of its own: choices have names, not sizes.

    Args:
        X: ``(n, n_genes)`` indices.
        sizes: Number of choices of each gene.

    Returns:
        ``(n, sum(sizes))`` float32 with one 1 per gene and row.

    >>> one_hot(np.array([[1, 0]]), [2, 3])
    array([[0., 1., 1., 0., 0.]], dtype=float32)
    """
    table = np.zeros((len(X), sum(sizes)), dtype=np.float32)
    np.put_along_axis(table, X.astype(np.int64) + first_columns(sizes), 1, axis=1)
    return table


def first_columns(sizes: Sequence[int]) -> np.ndarray:
    """Where the choices of each gene begin when all are laid side by side.

    >>> first_columns([2, 3, 4]).tolist()
    [0, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def features_of(genome: Any) -> Callable[[np.ndarray], np.ndarray]:
    """What a model sees of encodings ``(n, n_features)``: choices one-hot, all else as its genome encodes it."""
    if getattr(genome, "genes", None) != "index_vector":
        return lambda X: X
    sizes = genome.sizes
    return lambda X: one_hot(X, sizes)


def check_points(X: np.ndarray, y: np.ndarray) -> None:
    """Raises ``ValueError`` if there are too few measurements to fit, or not one value each."""
    if len(X) != len(y):
        raise ValueError(f"X and y must have equal lengths, got {len(X)} and {len(y)}")
    if len(X) < MIN_POINTS:
        raise ValueError(f"a surrogate needs at least {MIN_POINTS} measurements, got {len(X)}")
