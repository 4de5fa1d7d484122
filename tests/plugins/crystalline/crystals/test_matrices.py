import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit_crystalline.crystals.matrices import STRUCTURE_PAYS_BELOW, BlockDiagonal, Dense, LowRank
from tests.rounding import rounding

SHAPES = [(128, 384), (128, 128), (128, 512), (512, 128)]


def normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def halves(n_in, n_out, rng):
    return BlockDiagonal(
        [normal(rng, n_in // 2, n_out // 2), normal(rng, n_in - n_in // 2, n_out - n_out // 2)],
    )


@st.composite
def matrices(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = st.integers(1, 40)
    match draw(st.sampled_from(["dense", "blocks", "low rank"])):
        case "dense":
            return Dense(normal(rng, draw(sizes), draw(sizes)))
        case "blocks":
            shapes = draw(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=8))
            return BlockDiagonal([normal(rng, *shape) for shape in shapes])
        case _:
            n_in, n_out, rank = draw(sizes), draw(sizes), draw(st.integers(1, 50))
            U, V = (rng.integers(-1, 2, (n, rank)).astype(np.float32) for n in (n_out, n_in))
            return LowRank(U, V, scale=draw(st.floats(0.01, 2)))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@settings(deadline=None)
@given(matrices(), st.sampled_from([(), (1,), (7,), (2, 3)]), st.integers(0, 2**32))
def test_apply_equals_the_dense_product_within_rounding(matrix, rows, seed):
    x = normal(np.random.default_rng(seed), *rows, matrix.shape[0])
    exact = x.astype(np.float64) @ matrix.dense().double().numpy()
    sizes = np.abs(x).astype(np.float64) @ matrix.dense().abs().double().numpy()
    assert matrix.apply(torch.from_numpy(x)).shape == exact.shape
    n = matrix.shape[0]
    if isinstance(matrix, LowRank):  # which sums over inputs and over ranks; its partial sums may exceed the dense ones
        n += matrix.rank + 2  # and the scale's roundings
        sizes = np.abs(x).astype(np.float64) @ (abs(matrix.scale) * matrix.V.abs() @ matrix.U.abs().T).double().numpy()
    assert (np.abs(matrix.apply(torch.from_numpy(x)).numpy() - exact) <= rounding(n, sizes)).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_structure_and_dense_agree_at_the_shapes_of_gpt2(shape, rng):
    n_in, n_out = shape
    x = torch.from_numpy(normal(rng, 64, n_in))
    U, V = (torch.from_numpy(rng.integers(-1, 2, (n, 16)).astype(np.float32)) for n in (n_out, n_in))
    for matrix in (halves(n_in, n_out, rng), LowRank(U, V, scale=(16 * n_in) ** -0.5)):
        assert matrix.shape == shape
        assert matrix.structure_pays
        n = n_in + (matrix.rank if isinstance(matrix, LowRank) else 0)
        sizes = x.abs() @ (matrix.scale * matrix.V.abs() @ U.abs().T if n > n_in else matrix.dense().abs())
        assert ((matrix.apply(x) - x @ matrix.dense()).abs() <= rounding(n, sizes)).all()


def test_dense_is_the_hand_worked_block_diagonal():
    matrix = BlockDiagonal([np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])])
    assert matrix.dense().tolist() == [[1, 2, 0], [0, 0, 3], [0, 0, 4]]
    assert matrix.dense().dtype == torch.float32


def test_low_rank_is_the_transpose_of_the_papers_product():
    U, V = np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0], [2.0]])
    assert torch.equal(LowRank(U, V, scale=0.5).dense(), torch.from_numpy(0.5 * U @ V.T).float().T)


def test_multiply_adds_are_counted_by_hand():
    assert Dense(np.ones((3, 4))).multiply_adds == 12
    assert BlockDiagonal([np.ones((1, 2)), np.ones((2, 1))]).multiply_adds == 4
    assert LowRank(np.ones((4, 2)), np.ones((3, 2))).multiply_adds == 2 * (3 + 4)


def test_a_structure_that_saves_too_little_is_applied_as_dense(rng):
    matrix = LowRank(normal(rng, 8, 8), normal(rng, 8, 8))
    assert matrix.multiply_adds > STRUCTURE_PAYS_BELOW * 64
    x = torch.from_numpy(normal(rng, 5, 8))
    assert not matrix.structure_pays
    assert torch.equal(matrix.apply(x), x @ matrix.dense())


@settings(deadline=None, max_examples=30)
@given(matrices(), st.integers(0, 2**32))
def test_bits_do_not_depend_on_layout_or_on_what_ran_before(matrix, seed):
    x = torch.from_numpy(normal(np.random.default_rng(seed), 7, matrix.shape[0]))
    alone = matrix.apply(x)
    matrix.apply(torch.ones(3, matrix.shape[0]))
    transposed = x.T.contiguous().T
    assert torch.equal(matrix.apply(x.clone()), alone)
    assert torch.equal(matrix.apply(transposed), alone)


def test_the_factors_are_copied_and_may_be_read_only():
    block = np.ones((2, 2))
    block.flags.writeable = False
    source = torch.ones(2, 2)
    matrices = [BlockDiagonal([block]), Dense(source), LowRank(source, source)]
    before = [matrix.apply(torch.ones(2)).tolist() for matrix in matrices]
    source.zero_()
    assert [matrix.apply(torch.ones(2)).tolist() for matrix in matrices] == before


@settings(deadline=None, max_examples=20)
@given(matrices())
def test_a_move_keeps_the_numbers(matrix):
    moved = matrix.to("cpu")
    assert type(moved) is type(matrix)
    assert torch.equal(moved.dense(), matrix.dense())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_same_map_within_rounding(rng):
    matrix = halves(16, 24, rng)
    x = torch.from_numpy(normal(rng, 4, 16))
    apart = matrix.to("cuda").apply(x.cuda()).cpu() - matrix.apply(x)
    assert (apart.abs() <= rounding(16, x.abs() @ matrix.dense().abs())).all()


def test_gradients_pass_through_to_the_input(rng):
    for matrix in (halves(6, 8, rng), LowRank(normal(rng, 8, 1), normal(rng, 6, 1))):
        x = torch.ones(2, 6, requires_grad=True)
        matrix.apply(x).sum().backward()
        apart = x.grad - matrix.dense().sum(1)
        assert (apart.abs() <= rounding(8 + 1, matrix.dense().abs().sum(1))).all()


def test_factors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="equal ranks, got 2 and 3"):
        LowRank(np.ones((4, 2)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="scale must be finite"):
        LowRank(np.ones((4, 2)), np.ones((4, 2)), scale=float("nan"))
    with pytest.raises(ValueError, match="at least one block"):
        BlockDiagonal([])
    with pytest.raises(ValueError, match=r"block must be a matrix that is not empty, got shape \(3,\)"):
        BlockDiagonal([np.ones(3)])
    with pytest.raises(ValueError, match="weight must be a matrix that is not empty"):
        Dense(np.ones((0, 3)))
