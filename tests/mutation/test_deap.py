import numpy as np
import pytest
from deap import tools
from hypothesis import given
from hypothesis import strategies as st

from evokit.contracts.global_generators import driven_by, global_states
from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.permutation import Permutation
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.deap import KINDS, REFUSED, DeapMutation
from evokit.streams import Streams

GENOMES = [Bits(6), IndexVector([4] * 6), RealVector(-1, 1, 6), Permutation(6)]
NEEDED = {
    "mutFlipBit": {"indpb": 0.5},
    "mutUniformInt": {"low": 0, "up": [3, 3, 1, 2, 3, 3], "indpb": 0.5},
    "mutGaussian": {"mu": 0, "sigma": 2.0, "indpb": 0.5},
    "mutPolynomialBounded": {"eta": 20, "low": -1, "up": 1, "indpb": 0.5},
    "mutShuffleIndexes": {"indpb": 0.5},
}
FITTING = [(name, genome) for name, kinds in KINDS.items() for genome in GENOMES if genome.genes in kinds]
each = pytest.mark.parametrize(("name", "genome"), FITTING, ids=lambda one: getattr(one, "genes", one))


def built(name, genome, prob=1.0, **arguments):
    options = DeapMutation(name, prob, arguments or NEEDED.get(name, {}))
    return options.build(Context(Streams(0), genome=genome))


@each
def test_equals_deap_on_lists_at_the_same_draws(name, genome):
    mutate, rng = built(name, genome), np.random.default_rng(0)
    changed = 0
    for seed in range(20):
        genes = genome.random(rng)
        ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
        mutant = mutate(genes, ours)
        theirs.random()  # whether it is mutated
        with driven_by(theirs):
            (expected,) = getattr(tools, name)(genes.tolist(), **NEEDED.get(name, {}))
        if genome.genes != "real_vector" or np.abs(expected).max() <= 1:
            assert mutant.tolist() == expected
        changed += bool((mutant != genes).any())
    assert changed > 5


@each
@given(seed=st.integers(0, 2**32))
def test_mutants_are_genes_and_neither_parents_nor_global_generators_are_touched(name, genome, seed):
    mutate, rng = built(name, genome), np.random.default_rng(seed)
    genes = genome.random(rng)
    before = genes.tobytes(), global_states()
    mutant = mutate(genes, rng)
    genome.from_json(genome.to_json(mutant))
    assert mutant.dtype == genome.dtype
    assert not mutant.flags.writeable
    assert (genes.tobytes(), global_states()) == before


def test_an_individual_is_mutated_with_the_chance_that_is_told():
    mutate, rng = built("mutFlipBit", Bits(6), prob=0.3, indpb=1.0), np.random.default_rng(0)
    assert np.mean([mutate(np.zeros(6, bool), rng).any() for _ in range(1000)]) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("operator", "genome", "arguments", "message"),
    [
        ("mutShuffleIndexes", IndexVector([2, 3]), {"indpb": 0.5}, "their sizes differ"),
        ("mutInversion", RealVector([0, -1], 1, 2), {}, "their low differ"),
        (
            "mutUniformInt",
            GENOMES[1],
            {"low": -1, "up": 3, "indpb": 1},
            "low of mutUniformInt: genes begin with 0, got -1",
        ),
        ("mutUniformInt", GENOMES[1], {"low": 0, "up": 4, "indpb": 1}, "up of mutUniformInt: genes end with 3, got 4"),
        ("mutFlipBit", GENOMES[3], {"indpb": 1}, "works on genes of kind bits, the genome has permutation"),
        ("mutGaussian", GENOMES[2], {"mu": 0, "sigma": [1.0], "indpb": 1}, "mutGaussian raises IndexError with these"),
    ],
)
def test_what_does_not_fit_the_genome_is_refused(operator, genome, arguments, message):
    with pytest.raises(ValueError, match=message):
        built(operator, genome, **arguments)


def test_arguments_are_checked_at_once():
    with pytest.raises(ValueError, match="mutGaussian needs mu and sigma as well"):
        DeapMutation("mutGaussian", arguments={"indpb": 0.1})
    with pytest.raises(ValueError, match="mutESLogNormal needs individuals with a strategy"):
        DeapMutation("mutESLogNormal")


def test_every_mutation_of_deap_is_there_or_refused():
    found = {name for name in dir(tools) if name.startswith("mut") and callable(getattr(tools, name))}
    assert found == set(KINDS) | set(REFUSED)
