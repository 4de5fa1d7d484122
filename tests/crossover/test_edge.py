from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.edge import Edge, edge_recombination
from evokit.genomes.permutation import Permutation
from evokit.interfaces import Context
from evokit.streams import Streams
from tests.permutations import PAIRS, are_permutations, shares_of


def edges_of(tour):
    return {frozenset(edge) for edge in zip(tour, [*tour[1:], tour[0]], strict=True)}


def chances(a, b):
    """The paper's algorithm item by item, every chance of it followed: the probability of each tour."""
    neighbours = {item: {other for tour in (a, b) for edge in edges_of(tour) if item in edge for other in edge - {item}}
                  for item in a}  # fmt: skip
    found = {}

    def go(tour, chance):
        left = {item: neighbours[item] - set(tour) for item in a}
        rest = [item for item in a if item not in tour]
        if not rest:
            found[tuple(tour)] = found.get(tuple(tour), 0) + chance
            return
        near = left[tour[-1]]
        fewest = min((len(left[item]) for item in near), default=0)
        choices = [item for item in near if len(left[item]) == fewest] or rest
        for item in choices:
            go([*tour, item], chance / len(choices))

    go([a[0]], 1.0)
    return [found.get(one, 0.0) for one in permutations(range(len(a)))]


@pytest.mark.parametrize(
    ("a", "b"),
    [([0, 1, 2, 3, 4], [2, 4, 1, 3, 0]), ([0, 1, 2, 3, 4, 5], [1, 3, 5, 0, 2, 4]), ([1, 0, 2], [2, 1, 0])],
)
def test_tours_are_as_likely_as_by_the_papers_algorithm(a, b):
    n = 6000
    first, second = edge_recombination(np.tile(a, (n, 1)), np.tile(b, (n, 1)), rng=np.random.default_rng(0))
    assert shares_of(first) == pytest.approx(chances(a, b), abs=0.03)
    assert shares_of(second) == pytest.approx(chances(b, a), abs=0.03)


def test_where_no_neighbour_is_left_it_goes_on_to_any_item():
    """Six items of which a walk may end too early: nearly all edges are the parents', and some are not."""
    a, b = np.tile([0, 1, 2, 3, 4, 5, 6, 7], (2000, 1)), np.tile([0, 2, 4, 6, 1, 3, 5, 7], (2000, 1))
    given = edges_of(a[0].tolist()) | edges_of(b[0].tolist())
    children = np.concatenate(edge_recombination(a, b, rng=np.random.default_rng(0)))
    assert are_permutations(children)
    new = np.mean([len(edges_of(child) - given) / 8 for child in children.tolist()])
    assert 0 < new < 0.1


@given(pair=PAIRS, seed=st.integers(0, 2**32))
def test_children_are_tours_and_parents_stay(pair, seed):
    a, b = pair
    before = a.tobytes(), b.tobytes()
    first, second = edge_recombination(a, b, rng=np.random.default_rng(seed))
    assert are_permutations(first)
    assert are_permutations(second)
    assert (first[:, 0] == a[:, 0]).all()
    assert (second[:, 0] == b[:, 0]).all()
    assert (a.tobytes(), b.tobytes()) == before


@given(pair=PAIRS, seed=st.integers(0, 2**32))
def test_equal_parents_have_children_with_the_same_edges(pair, seed):
    a, _ = pair
    first, _ = edge_recombination(a, np.roll(a, 1, axis=1), rng=np.random.default_rng(seed))
    assert [edges_of(row) for row in first.tolist()] == [edges_of(row) for row in a.tolist()]


def test_a_recipe_crosses_one_pair():
    genome, rng = Permutation(6), np.random.default_rng(0)
    cross = Edge(prob=1.0).build(Context(Streams(0), genome=genome))
    assert are_permutations(np.stack(cross(genome.random(rng), genome.random(rng), rng)))
