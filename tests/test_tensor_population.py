import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.tensor_population import draw, pick, take, top_k


def generators(n, seed=0):
    return [torch.Generator().manual_seed(seed + lane) for lane in range(n)]


def test_top_k_is_a_ranking_of_each_lane_alone():
    values = torch.tensor([[1.0, 9.0], [3.0, 7.0], [2.0, 8.0]])
    assert top_k(values, 2).tolist() == [[1, 0], [2, 2]]


def test_of_equal_values_the_first_comes_first():
    assert top_k(torch.zeros(40, 3), 5).tolist() == [[n] * 3 for n in range(5)]


def test_top_k_of_all_is_the_whole_ranking():
    assert top_k(torch.tensor([[1.0], [3.0], [2.0]]), 3).tolist() == [[1], [2], [0]]


@pytest.mark.parametrize("k", [0, 4])
def test_top_k_needs_as_many_members(k):
    with pytest.raises(ValueError, match="k must be from 1 to 3"):
        top_k(torch.zeros(3, 2), k)


def test_a_nan_has_no_rank():
    with pytest.raises(ValueError, match="a value is NaN"):
        top_k(torch.tensor([[0.0], [float("nan")]]), 1)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 6), lanes=st.integers(1, 4), k=st.integers(1, 6), seed=st.integers(0, 99))
def test_take_follows_its_index_in_each_lane(n, lanes, k, seed):
    genes = torch.arange(n * lanes * 2).view(n, lanes, 2)
    index = torch.randint(n, (k, lanes), generator=torch.Generator().manual_seed(seed))
    taken = take(genes, index)
    for child in range(k):
        for lane in range(lanes):
            assert torch.equal(taken[child, lane], genes[index[child, lane], lane])


def test_what_is_taken_is_a_copy():
    genes = torch.zeros(2, 1, 3)
    take(genes, torch.zeros(1, 1, dtype=torch.int64)).add_(1)
    assert not genes.any()


@pytest.mark.parametrize("drawn", [lambda g: draw(g, (4, 5)), lambda g: pick(g, 7, (4, 5))], ids=["draw", "pick"])
def test_a_lane_draws_the_same_whoever_its_neighbours_are(drawn):
    together = drawn(generators(3))
    alone = [drawn([one]) for one in generators(3)]
    assert together.shape == (4, 3, 5)
    assert torch.equal(together, torch.cat(alone, dim=1))


def test_draws_are_standard_normal_and_picks_are_uniform():
    normal = draw(generators(2), (20_000,), torch.float64)
    assert torch.allclose(normal.mean(0), torch.zeros(2, dtype=torch.float64), atol=0.03)
    assert torch.allclose(normal.std(0), torch.ones(2, dtype=torch.float64), atol=0.03)
    counts = pick(generators(1), 4, (20_000,))[:, 0].bincount()
    assert counts.shape == (4,)
    assert (counts - 5_000).abs().max() < 300
