"""Factors of few levels."""

import torch

from evokit_crystalline.learned.quantised import quantised


def test_quantised_factors_have_few_levels_and_approximate_the_matrix():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(12, 3, generator=generator) @ torch.randn(3, 9, generator=generator)
    U, V = quantised(matrix, torch.eye(12), torch.eye(9), 3)
    assert max(len(column.unique()) for column in [*U.T, *V.T]) <= 15
    assert (V @ U.T - matrix).norm() < 0.2 * matrix.norm()
