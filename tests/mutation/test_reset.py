from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.reset import Reset, reset_mutation
from evokit.streams import Streams

GENOMES = [IndexVector([3, 1, 5]), RealVector(-2, 3, 3), Bits(3)]
every_genome = pytest.mark.parametrize("genome", GENOMES, ids=lambda genome: genome.genes)


def test_genes_below_the_chance_take_the_new_value():
    genome = SimpleNamespace(random=lambda rng: np.array([7, 8, 9]))
    rng = SimpleNamespace(random=lambda shape: np.array([0.0, 0.3, 0.29]))
    assert reset_mutation(np.array([1, 2, 3]), genome=genome, prob=0.3, rng=rng).tolist() == [7, 2, 9]


@every_genome
@given(seed=st.integers(0, 2**32), prob=st.floats(0, 1))
def test_genes_stay_in_their_own_range_and_type(genome, seed, prob):
    rng = np.random.default_rng(seed)
    mutant = reset_mutation(genome.random(rng), genome=genome, prob=prob, rng=rng)
    assert genome.from_json(genome.to_json(mutant)).dtype == mutant.dtype


@every_genome
def test_the_parent_stays_and_the_mutant_is_read_only(genome):
    genes = genome.random(np.random.default_rng(0))
    before = genes.copy()
    mutant = reset_mutation(genes, genome=genome, prob=1.0, rng=np.random.default_rng(1))
    assert np.array_equal(genes, before)
    assert not mutant.flags.writeable


def test_the_chance_is_per_gene():
    genome, rng = IndexVector([1000] * 50), np.random.default_rng(0)
    changed = [(reset_mutation(np.zeros(50, int), genome=genome, prob=0.08, rng=rng) != 0).mean() for _ in range(400)]
    assert np.mean(changed) == pytest.approx(0.08, abs=0.01)


def test_options_reach_the_operator():
    mutate = Reset(prob=0.0).build(Context(Streams(0), genome=GENOMES[0]))
    assert mutate(np.array([2, 0, 4]), np.random.default_rng(0)).tolist() == [2, 0, 4]
