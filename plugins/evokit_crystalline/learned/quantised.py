"""Low-rank factors whose entries are few: small whole numbers times a scale for each column."""

from __future__ import annotations

from collections.abc import Sequence

import torch

LEVELS = 7
"""A factor's entries are -7 to 7 times a scale for each column."""


def quantised(
    matrix: torch.Tensor, left: torch.Tensor, right: torch.Tensor, rank: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Factors ``U``, ``V`` of the best approximation of a rank, rounded to ``2 * LEVELS + 1`` levels for each column.

    Best for inputs of the moment ``left`` and outputs in the metric ``right``.

    Args:
        matrix: ``(n_in, n_out)``.
        left: ``(n_in, n_in)`` positive definite.
        right: ``(n_out, n_out)`` positive definite.
        rank: At most the smaller side.

    Returns:
        ``(n_out, rank)`` and ``(n_in, rank)``; the approximation is ``V Uᵀ``.
    """
    u, s, vt, a, c = decomposed(matrix, left, right)
    root = s[:rank].sqrt()
    V = torch.linalg.solve_triangular(a.T, u[:, :rank] * root, upper=True)
    U = torch.linalg.solve_triangular(c.T, vt[:rank].T * root, upper=True)
    return rounded(U), rounded(V)


def decomposed(matrix: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> Sequence[torch.Tensor]:
    """SVD ``u``, ``s``, ``vt`` of a matrix seen in two metrics, and the lower Cholesky factors of both."""
    a, c = torch.linalg.cholesky(left), torch.linalg.cholesky(right)
    return (*torch.linalg.svd(a.T @ matrix @ c, full_matrices=False), a, c)


def rounded(factor: torch.Tensor) -> torch.Tensor:
    """Each column at its ``2 * LEVELS + 1`` levels."""
    step = factor.abs().amax(0).clamp(min=torch.finfo(torch.float32).tiny) / LEVELS
    return (factor / step).round() * step
