import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.surrogates.features import features_of, one_hot


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=5), seed=st.integers(0, 2**32))
def test_one_hot_can_be_read_back(sizes, seed):
    genes = IndexVector(sizes).random(np.random.default_rng(seed))
    blocks = np.split(one_hot(genes[None], sizes)[0], np.cumsum(sizes)[:-1])
    assert [block.tolist().index(1) for block in blocks] == genes.tolist()
    assert sum(block.sum() for block in blocks) == len(sizes)


def test_choices_become_columns():
    assert features_of(IndexVector([2, 2]))(np.array([[1.0, 0.0]])).tolist() == [[0, 1, 1, 0]]


def test_all_else_stays_as_its_genome_encodes_it():
    X = np.array([[1.0, 0.0]])
    assert features_of(Bits(2))(X) is X
