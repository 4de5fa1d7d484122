from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.places import two_places
from evokit.crossover.pmx import PMX, partially_mapped_crossover
from evokit.genomes.permutation import Permutation
from evokit.interfaces import Context
from evokit.streams import Streams
from tests.permutations import PAIRS, are_permutations, cutting


def exchanged(keeper, giver, start, stop):
    """The paper's own way: in a copy of one parent, item by item of the stretch, what the other has there moves in."""
    child = list(keeper)
    for place in range(start, stop):
        other = child.index(giver[place])
        child[place], child[other] = child[other], child[place]
    return child


def test_equals_the_example_of_the_book():
    """Goldberg 1989, "Genetic Algorithms in Search, Optimization, and Machine Learning", chapter 5, one less each."""
    a, b = (np.array([one]) - 1 for one in ([9, 8, 4, 5, 6, 7, 1, 3, 2, 10], [8, 7, 1, 2, 3, 10, 9, 5, 4, 6]))
    first, second = partially_mapped_crossover(a, b, rng=cutting(3, 6))
    assert (first[0] + 1).tolist() == [9, 8, 4, 2, 3, 10, 1, 6, 5, 7]
    assert (second[0] + 1).tolist() == [8, 10, 1, 5, 6, 7, 9, 2, 4, 3]


@given(pair=PAIRS, seed=st.integers(0, 2**32))
def test_equals_item_by_item_exchanges(pair, seed):
    a, b = pair
    before = a.tobytes(), b.tobytes()
    starts, stops = two_places(len(a), a.shape[1] + 1, np.random.default_rng(seed))
    first, second = partially_mapped_crossover(a, b, rng=np.random.default_rng(seed))
    for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        assert first[row].tolist() == exchanged(a[row], b[row], start, stop)
        assert second[row].tolist() == exchanged(b[row], a[row], start, stop)
    assert are_permutations(first)
    assert (a.tobytes(), b.tobytes()) == before


@given(pair=PAIRS, data=st.data())
def test_equals_deap_where_the_stretches_share_no_item(pair, data):
    a, b = pair[0][0], pair[1][0]
    start, stop = sorted(data.draw(st.lists(st.integers(0, len(a)), min_size=2, max_size=2, unique=True)))
    if set(a[start:stop].tolist()) & set(b[start:stop].tolist()):
        return
    script = iter([start, stop - 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deap.tools.crossover, "random", SimpleNamespace(randint=lambda low, high: next(script)))
        expected = deap.tools.cxPartialyMatched(a.tolist(), b.tolist())
    children = partially_mapped_crossover(a[None], b[None], rng=cutting(start, stop))
    assert [child[0].tolist() for child in children] == list(expected)


def test_a_recipe_crosses_one_pair():
    genome, rng = Permutation(6), np.random.default_rng(0)
    cross = PMX(prob=1.0).build(Context(Streams(0), genome=genome))
    assert are_permutations(np.stack(cross(genome.random(rng), genome.random(rng), rng)))
