"""Kinds of crystals that need no data: zero, identity, permutation, orthogonal and Hadamard blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evokit_crystalline.library import Shape
    from evokit_crystalline.matrices import StructuredMatrix

SCALES = (0.1, 0.3, 1.0)
"""Of which each crystal draws one: what a block adds is small beside what it is added to."""


def zero(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """The zero matrix: a layer that is switched off. Draws nothing."""
    from evokit_crystalline.matrices import Zero

    return Zero(shape)


def identity(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """A scaled identity, repeated or cut where the shape is not square."""
    return _placed(shape, np.arange(max(shape)), rng)


def permutation(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """A scaled permutation of the longer side, repeated or cut like ``identity``."""
    return _placed(shape, rng.permutation(max(shape)), rng)


def orthogonal(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """Orthonormal rows or columns, whichever are fewer, drawn uniformly (Haar) and scaled.

    Source: Mezzadri 2007, "How to generate random matrices from the classical compact groups".
    """
    from evokit_crystalline.matrices import Dense

    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q *= np.sign(np.diag(r))
    return Dense((rng.choice(SCALES) * (q if shape[0] >= shape[1] else q.T)).astype(np.float32))


def hadamard(shape: Shape, rng: np.random.Generator) -> StructuredMatrix:
    """The first rows and columns of a Sylvester Hadamard matrix with random signs of its rows, scaled to unit rows."""
    from scipy.linalg import hadamard as sylvester

    from evokit_crystalline.matrices import Dense

    size = 1 << (max(shape) - 1).bit_length()
    signs = rng.choice([-1.0, 1.0], size=(shape[0], 1))
    matrix = signs * sylvester(size)[: shape[0], : shape[1]] / np.sqrt(max(shape))
    return Dense((rng.choice(SCALES) * matrix).astype(np.float32))


def _placed(shape: Shape, order: np.ndarray, rng: np.random.Generator) -> StructuredMatrix:
    from evokit_crystalline.matrices import Dense

    matrix = np.zeros(shape, np.float32)
    place = np.arange(max(shape))
    matrix[place % shape[0], order % shape[1]] = rng.choice(SCALES)
    return Dense(matrix)
