"""Fits of structures beside plain regressions."""

import pytest
import torch

from evokit_crystalline.grown.structures import Regression, block_diagonal, joined, low_rank, ternary
from tests.rounding import rounding


@pytest.fixture
def regression():
    draw = torch.Generator().manual_seed(0)
    n_in, width, rank = 12, 10, 6
    x, y = torch.randn(200, n_in, generator=draw), torch.randn(50, rank, generator=draw)
    content = torch.linalg.qr(torch.randn(width, rank, generator=draw))[0]
    return Regression(torch.randn(n_in, rank, generator=draw), x.T @ x, y.T @ y, content)


def square(regression, matrix):
    """The squared error of a matrix, as a share of that of none."""

    def size(off):
        return ((off.T @ regression.moment @ off) * regression.metric).sum()

    return float(size(matrix.dense() @ regression.content - regression.solution) / size(regression.solution))


def crystal(parts, scale=1.0):
    return joined({name: part.numpy() for name, part in parts.items()}, scale)


def test_all_directions_leave_only_what_rounding_costs(regression):
    assert square(regression, crystal(low_rank(regression, 6))) < 0.01


def test_more_directions_leave_less(regression):
    errors = [square(regression, crystal(low_rank(regression, rank))) for rank in (1, 2, 4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 1


def test_a_low_rank_writes_content_alone_in_fifteen_levels(regression):
    matrix = low_rank(regression, 4)
    within = regression.content @ regression.content.T @ matrix["U"]
    assert torch.allclose(matrix["U"], within, atol=rounding(16, float(matrix["U"].abs().max())))
    for column in matrix["V"].T:
        assert len(torch.unique(column.abs())) <= 8


def test_ternary_factors_have_two_sizes_a_column_and_are_better_than_nothing(regression):
    matrix = ternary(regression, 6)
    U = regression.content.T @ matrix["U"]
    for factor in (matrix["V"], U):
        for column in factor.T:
            sizes = column.abs()[column.abs() > 1e-5 * column.abs().max()]
            assert torch.allclose(sizes, sizes[0], rtol=1e-4)
    assert square(regression, crystal(matrix)) < 0.6


def test_blocks_are_as_good_as_a_regression_on_their_entries(regression):
    """The normal equations of all entries inside, solved directly in float64."""
    made = crystal(block_diagonal(regression, 2)).dense()
    moment, content = regression.moment.double(), regression.content.double()
    beside = torch.eye(len(content), dtype=torch.float64) - content @ content.T
    metric = content @ regression.metric.double() @ content.T
    metric += regression.metric.double().diagonal().mean() * beside
    inside = torch.block_diag(torch.ones(6, 5), torch.ones(6, 5)).bool().flatten()
    wanted = (moment @ regression.solution.double() @ regression.metric.double() @ content.T).flatten()[inside]
    best = torch.linalg.solve(torch.kron(moment, metric)[inside][:, inside], wanted)
    assert torch.allclose(made.flatten()[inside].double(), best, atol=1e-3 * float(best.abs().max()))
    assert not made.flatten()[~inside].any()


def test_a_scale_is_a_factor(regression):
    for parts in (low_rank(regression, 2), block_diagonal(regression, 2)):
        assert torch.allclose(crystal(parts, 0.5).dense(), 0.5 * crystal(parts).dense())
