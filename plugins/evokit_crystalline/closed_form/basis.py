"""Directions of the residual stream that fitted parts and attention crystals agree on.

The rows of the orthonormal DCT-II matrix: the first is the ones vector, which layer norm removes; along the second runs
the anchor, a constant so large that layer norm divides everything by about the same number; the next six carry the
position; the rest the content.
"""

from __future__ import annotations

import numpy as np

ANCHOR = 1
CODES = slice(2, 8)
CONTENT = 8
"""The first row of content."""
WAVELENGTHS = (2, 1 / 8, 1 / 64)
"""Of the three position codes, in multiples of ``n_positions``: from far to near, each tells apart what the longer one
hardly can. The longest is so long that a score falls with distance up to the last position."""


def basis(width: int) -> np.ndarray:
    """``(width, width)`` float32, orthonormal rows.

    Raises:
        ValueError: ``width`` leaves no room for content.

    >>> rows = basis(9)
    >>> bool(np.allclose(rows @ rows.T, np.eye(9), atol=1e-6)), bool(np.allclose(rows[1:].sum(1), 0, atol=1e-6))
    (True, True)
    """
    if width <= CONTENT:
        raise ValueError(f"n_embd must be above {CONTENT} for fitted parts, got {width}")
    k, i = np.arange(width)[:, None], np.arange(width)[None]
    rows: np.ndarray = np.cos(np.pi * k * (2 * i + 1) / (2 * width)) * np.sqrt(2 / width)
    rows[0] /= np.sqrt(2)
    single: np.ndarray = rows.astype(np.float32)
    return single


def position_codes(n_positions: int) -> np.ndarray:
    """``(n_positions, 6)`` float32: cosine and sine of each position at the three wavelengths.

    The inner product of the codes of ``s`` and ``t`` depends on ``s - t`` alone and is largest where they are equal.
    """
    position = np.arange(n_positions)[:, None]
    angles = 2 * np.pi * position / (np.array(WAVELENGTHS) * n_positions)
    return np.stack([np.cos(angles), np.sin(angles)], -1).reshape(n_positions, -1).astype(np.float32)


def shift_codes(n_positions: int, offset: int) -> np.ndarray:
    """``(6, 6)`` float32 ``R`` that turns the code of ``t`` into that of ``t - offset``: ``code @ R``."""
    angles = 2 * np.pi * -offset / (np.array(WAVELENGTHS) * n_positions)
    turn = np.zeros((2 * len(angles), 2 * len(angles)), np.float32)
    for i, (c, s) in enumerate(zip(np.cos(angles), np.sin(angles), strict=True)):
        turn[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, s], [-s, c]]
    return turn
