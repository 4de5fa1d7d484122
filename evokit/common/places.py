"""Places of genes, drawn for many rows at once."""

from __future__ import annotations

import numpy as np


def two_places(n: int, n_places: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two different ones of ``n_places`` for each of ``n`` rows, the smaller one first.

    Args:
        n: Number of rows.
        n_places: To choose from, at least 2.
        rng: Two draws a row; each pair of places is as likely.

    Returns:
        Two ``(n,)`` int64 arrays.
    """
    one, other = rng.integers(n_places, size=n), rng.integers(n_places - 1, size=n)
    # The second is drawn from one place fewer and steps over the first: different without drawing again.
    other = other + (other >= one)
    return np.minimum(one, other), np.maximum(one, other)


def between(starts: np.ndarray, stops: np.ndarray, n_genes: int) -> np.ndarray:
    """Whether each place of each row lies in the row's stretch, ``starts <= place < stops``.

    Args:
        starts: ``(n,)``.
        stops: ``(n,)``.
        n_genes: Places of a row.

    Returns:
        ``(n, n_genes)`` bool.

    >>> between(np.array([0, 1]), np.array([1, 3]), 3)
    array([[ True, False, False],
           [False,  True,  True]])
    """
    places = np.arange(n_genes)
    inside: np.ndarray = (places >= starts[:, None]) & (places < stops[:, None])
    return inside


def places_of(rows: np.ndarray) -> np.ndarray:
    """Where each item stands in each of several permutations of ``0..n_genes - 1``: their inverses.

    >>> places_of(np.array([[2, 0, 1]]))
    array([[1, 2, 0]])
    """
    places = np.empty_like(rows)
    np.put_along_axis(places, rows, np.arange(rows.shape[1])[None], axis=1)
    return places
