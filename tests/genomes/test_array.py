import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.individuals import key_of
from evokit.genomes.real_vector import RealVector

GENOMES = [IndexVector([3, 1, 5, 7]), RealVector(-2.0, [0.5, 1.0, 2.0, 3.0], 4), Bits(4)]
every_genome = pytest.mark.parametrize("genome", GENOMES, ids=lambda genome: genome.genes)


@every_genome
@given(seed=st.integers(0, 2**32))
def test_genes_survive_json(genome, seed):
    genes = genome.random(np.random.default_rng(seed))
    assert key_of(genome, genome.from_json(genome.to_json(genes))) == key_of(genome, genes)


@every_genome
def test_genes_are_read_only_and_of_the_declared_type(genome):
    genes = genome.random(np.random.default_rng(0))
    assert not genes.flags.writeable
    assert genes.dtype == genome.dtype


@every_genome
def test_same_stream_gives_same_genes(genome):
    a, b = (genome.random(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(a, b)


@every_genome
def test_own_operators_make_genes(genome):
    rng = np.random.default_rng(0)
    for _ in range(50):
        children = genome.crossover(genome.random(rng), genome.random(rng), rng)
        for genes in (*children, genome.mutate(children[0], rng)):
            genome.from_json(genome.to_json(genes))


@every_genome
def test_the_array_itself_is_the_phenotype(genome):
    genes = genome.random(np.random.default_rng(0))
    assert genome.express(genes) is genes


@every_genome
def test_encoding_has_one_float32_per_gene(genome):
    encoding = genome.encode(genome.random(np.random.default_rng(0)))
    assert (encoding.shape, encoding.dtype) == ((4,), np.float32)


@every_genome
def test_wrong_length_is_named(genome):
    with pytest.raises(ValueError, match="genes: must be 4 values, got 1"):
        genome.from_json([0])


@every_genome
def test_what_is_not_a_list_is_named(genome):
    with pytest.raises(ValueError, match="genes: must be a list, got str"):
        genome.from_json("0000")


def test_genes_of_another_type_are_refused_and_not_rounded():
    with pytest.raises(TypeError, match="Cannot cast"):
        IndexVector([3]).canonical(np.array([1.5]))


def test_own_mutation_changes_one_bit_on_average():
    rng, genes = np.random.default_rng(0), np.zeros(20, bool)
    flips = [int(Bits(20).mutate(genes, rng).sum()) for _ in range(2000)]
    assert np.mean(flips) == pytest.approx(1, abs=0.1)
