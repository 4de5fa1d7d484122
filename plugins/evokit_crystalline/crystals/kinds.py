"""Kinds of crystals: each draws one matrix of a shape. None of them needs data.

Matrices are imported when one is drawn, because recipes name kinds and are read without torch.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from evokit_crystalline.crystals.matrices import StructuredMatrix

Shape = tuple[int, int]  # (n_in, n_out)
TernaryScale = Literal["unit", "paper"]
Kind: TypeAlias = "Callable[[Shape, np.random.Generator], StructuredMatrix]"  # draws one matrix of that shape

LEARNED, SAVED, ZERO = "learned", "saved", "zero"
MOST_BLOCKS = 8
FEWEST_BLOCKS = 2
SCALES = (0.1, 0.3, 1.0)
"""Of which each crystal draws one: what a block adds is small beside what it is added to."""


def block_diagonal(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """Draw 2 to 8 dense normal blocks over a random partition of both dimensions.

    A block of ``(rows, columns)`` has standard deviation ``sqrt(2 / (rows + columns))``, so that a unit-variance input
    gives an output of unit order. A dimension below 2 holds a single block.

    Source: Crystalline Latent Space Optimization, section 3.1; number, partition and scale as in its public code.
    """
    from evokit_crystalline.crystals.matrices import BlockDiagonal

    most = min(MOST_BLOCKS, *shape)
    n_blocks = int(rng.integers(min(FEWEST_BLOCKS, most), most, endpoint=True))
    rows, columns = (random_partition(n, n_blocks, rng) for n in shape)
    return BlockDiagonal(
        [
            rng.standard_normal((r, c), dtype=np.float32) * np.float32(sqrt(2 / (r + c)))
            for r, c in zip(rows, columns, strict=True)
        ]
    )


def ternary_low_rank(
    shape: Shape,
    rng: np.random.Generator,
    *,
    rank: tuple[int, int] | None = None,
    scale: TernaryScale = "unit",
) -> StructuredMatrix:
    """Draw ``W = s · V Uᵀ`` with factors in {-1, 0, 1} at probabilities 1/4, 1/2, 1/4.

    An entry of a factor has variance 1/2, so for inputs of unit variance each output has the expected variance
    ``s² · rank · n_in / 4``; ``s = 2 / sqrt(rank · n_in)``, the scale ``unit``, makes that 1 at every shape and rank.
    The scale ``paper``, ``s = 1 / sqrt(rank)``, lets activations grow by ``sqrt(n_in) / 2`` in each layer.

    Args:
        shape: ``(n_in, n_out)``.
        rng: Decides rank and factors; the same of them at either scale.
        rank: Lowest and highest rank, drawn uniformly; by default 2 to ``max(4, min(n_in, n_out) / 4)``.
        scale: ``unit`` or ``paper``.

    Source: Crystalline Latent Space Optimization, section 3.1; probabilities, default rank and the scale ``paper`` as
    in its public code.
    """
    from evokit_crystalline.crystals.matrices import LowRank

    n_in, n_out = shape
    lowest, highest = rank or (2, max(4, min(shape) // 4))
    r = int(rng.integers(lowest, highest, endpoint=True))
    values = np.array([-1, 0, 0, 1], dtype=np.float32)
    U, V = rng.choice(values, (n_out, r)), rng.choice(values, (n_in, r))
    return LowRank(U, V, scale=2 / sqrt(r * n_in) if scale == "unit" else 1 / sqrt(r))


def zero(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """The zero matrix: a layer that is switched off. Draws nothing."""
    from evokit_crystalline.crystals.matrices import Zero

    return Zero(shape)


def identity(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """A scaled identity, repeated or cut where the shape is not square."""
    return _permuted(shape, np.arange(max(shape)), rng)


def permutation(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """A scaled permutation of the longer side, repeated or cut like ``identity``."""
    return _permuted(shape, rng.permutation(max(shape)), rng)


def orthogonal(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """Orthonormal rows or columns, whichever are fewer, drawn uniformly (Haar) and scaled.

    Source: Mezzadri 2007, "How to generate random matrices from the classical compact groups".
    """
    from evokit_crystalline.crystals.matrices import Dense

    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q *= np.sign(np.diag(r))
    return Dense((rng.choice(SCALES) * (q if shape[0] >= shape[1] else q.T)).astype(np.float32))


def hadamard(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """The first rows and columns of a Sylvester Hadamard matrix with random signs of its rows, scaled to unit rows."""
    from scipy.linalg import hadamard as sylvester

    from evokit_crystalline.crystals.matrices import Dense

    size = 1 << (max(shape) - 1).bit_length()
    signs = rng.choice([-1.0, 1.0], size=(shape[0], 1))
    matrix = signs * sylvester(size)[: shape[0], : shape[1]] / np.sqrt(max(shape))
    return Dense((rng.choice(SCALES) * matrix).astype(np.float32))


def learned(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    raise ValueError(f"kind {LEARNED!r} is learned from a fitness's training data and cannot be drawn")


def saved(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    raise ValueError(f"kind {SAVED!r} is read from the file that library.saved names and cannot be drawn")


def random_partition(n: int, parts: int, rng: np.random.Generator) -> list[int]:
    """Sizes of ``parts`` non-empty pieces of ``n``, every way of cutting equally likely.

    Raises:
        ValueError: ``n`` cannot be cut into so many.

    >>> sum(random_partition(10, 3, np.random.default_rng(0)))
    10
    """
    if not 1 <= parts <= n:
        raise ValueError(f"cannot cut {n} into {parts} non-empty parts")
    cuts = np.sort(rng.choice(n - 1, parts - 1, replace=False)) + 1
    sizes: list[int] = np.diff(cuts, prepend=0, append=n).tolist()
    return sizes


def _permuted(shape: Shape, order: np.ndarray, rng: np.random.Generator) -> StructuredMatrix:
    from evokit_crystalline.crystals.matrices import Dense

    matrix = np.zeros(shape, np.float32)
    entries = np.arange(max(shape))
    matrix[entries % shape[0], order % shape[1]] = rng.choice(SCALES)
    return Dense(matrix)
