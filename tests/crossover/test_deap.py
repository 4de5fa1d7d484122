import numpy as np
import pytest
from deap import tools
from hypothesis import given
from hypothesis import strategies as st

from evokit.contracts.global_generators import driven_by, global_states
from evokit.crossover.deap import KINDS, REFUSED, DeapCrossover
from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.permutation import Permutation
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.recipe.options import validate
from evokit.streams import Streams
from tests.permutations import are_permutations

GENOMES = [Bits(6), IndexVector([2, 3, 4, 5, 6, 7]), RealVector(-1, [1, 2, 3, 4, 5, 6], 6), Permutation(6)]
NEEDED = {
    "cxUniform": {"indpb": 0.5},
    "cxUniformPartialyMatched": {"indpb": 0.5},
    "cxBlend": {"alpha": 2.0},
    "cxSimulatedBinary": {"eta": 1.0},
    "cxSimulatedBinaryBounded": {"eta": 15, "low": [-1.0] * 6, "up": [1, 2, 3, 4, 5, 6]},
}
FITTING = [(name, genome) for name, kinds in KINDS.items() for genome in GENOMES if genome.genes in kinds]
each = pytest.mark.parametrize(("name", "genome"), FITTING, ids=lambda one: getattr(one, "genes", one))


def built(name, genome, prob=1.0, **arguments):
    options = DeapCrossover(name, prob, arguments or NEEDED.get(name, {}))
    return options.build(Context(Streams(0), genome=genome))


@each
def test_equals_deap_on_lists_at_the_same_draws(name, genome):
    cross, rng = built(name, genome), np.random.default_rng(0)
    for seed in range(20):
        a, b = genome.random(rng), genome.random(rng)
        ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
        children = cross(a, b, ours)
        theirs.random()  # whether the pair is crossed
        with driven_by(theirs):
            expected = getattr(tools, name)(a.tolist(), b.tolist(), **NEEDED.get(name, {}))
        for child, one in zip(children, expected, strict=True):
            if genome.genes != "real_vector" or ((genome.low <= one).all() and (genome.high >= one).all()):
                assert child.tolist() == one


@each
@given(seed=st.integers(0, 2**32))
def test_children_are_genes_and_neither_parents_nor_global_generators_are_touched(name, genome, seed):
    cross, rng = built(name, genome), np.random.default_rng(seed)
    a, b = genome.random(rng), genome.random(rng)
    before = a.tobytes(), b.tobytes(), global_states()
    for child in cross(a, b, rng):
        genome.from_json(genome.to_json(child))
        assert child.dtype == genome.dtype
        assert not child.flags.writeable
    assert (a.tobytes(), b.tobytes(), global_states()) == before


def test_both_children_of_a_cut_have_genes_of_both_parents():
    """On arrays DEAP's own swap leaves one child a copy of a parent."""
    children = built("cxOnePoint", GENOMES[0])(np.zeros(6, bool), np.ones(6, bool), np.random.default_rng(0))
    assert all(0 < child.sum() < 6 for child in children)
    assert (children[0] ^ children[1]).all()


def test_a_pair_is_crossed_with_the_chance_that_is_told():
    cross, rng = built("cxOrdered", Permutation(30), prob=0.3), np.random.default_rng(0)
    a, b = np.arange(30), np.arange(30)[::-1].copy()
    crossed = [(cross(a, b, rng)[0] != a).any() for _ in range(1000)]
    assert np.mean(crossed) == pytest.approx(0.3, abs=0.05)
    assert are_permutations(np.stack(cross(a, b, rng)))


@pytest.mark.parametrize(
    ("operator", "arguments", "message"),
    [
        ("cxBlent", {}, "deap.tools has no 'cxBlent' of this kind; did you mean 'cxBlend'"),
        ("mutFlipBit", {}, "deap.tools has no 'mutFlipBit' of this kind"),
        ("cxBlend", {"alhpa": 1}, r"cxBlend has no argument 'alhpa'; did you mean 'alpha'\? \(it has alpha\)"),
        ("cxBlend", {"alpha": 1, "ind1": 1}, "cxBlend has no argument 'ind1'"),
        ("cxSimulatedBinaryBounded", {"eta": 1}, "cxSimulatedBinaryBounded needs low and up as well"),
        ("cxMessyOnePoint", {}, "operator: cxMessyOnePoint changes the number of genes"),
        ("cxESBlend", {"alpha": 1}, "cxESBlend needs individuals with a strategy"),
    ],
)
def test_what_deap_does_not_have_is_told_at_once(operator, arguments, message):
    with pytest.raises(ValueError, match=message):
        DeapCrossover(operator, arguments=arguments)


@pytest.mark.parametrize(
    ("operator", "genome", "arguments", "message"),
    [
        (
            "cxBlend",
            GENOMES[0],
            {"alpha": 1},
            r"works on genes of kind real_vector, the genome has bits \(those that fit",
        ),
        ("cxOrdered", GENOMES[1], {}, "works on genes of kind permutation, the genome has index_vector"),
        ("cxOnePoint", Bits(1), {}, "cxOnePoint needs two or more genes"),
        ("cxBlend", GENOMES[2], {"alpha": "much"}, "cxBlend raises TypeError with these arguments"),
    ],
)
def test_what_does_not_fit_the_genome_is_refused(operator, genome, arguments, message):
    with pytest.raises(ValueError, match=message):
        built(operator, genome, **arguments)


@pytest.mark.parametrize(
    ("low", "up", "message"),
    [
        (0, 6, "low of cxSimulatedBinaryBounded: genes lie between -1 and 6, got 0"),
        (-1, [1, 2, 3, 4, 5, 5.9], "up of cxSimulatedBinaryBounded: genes lie between -1 and 6"),
        ([-1, -1], 6, r"low: must be a number or a list of 6, got \[-1, -1\]"),
        ("deep", 6, "low: must be a number or a list of 6, got 'deep'"),
    ],
)
def test_bounds_that_genes_do_not_keep_are_refused(low, up, message):
    with pytest.raises(ValueError, match=message):
        built("cxSimulatedBinaryBounded", GENOMES[2], eta=15, low=low, up=up)


def test_every_crossover_of_deap_is_there_or_refused():
    assert {name for name in dir(tools) if name.startswith("cx")} == set(KINDS) | set(REFUSED)


def test_a_recipe_says_the_arguments_beside_the_operator():
    options = validate(DeapCrossover, {"operator": "cxBlend", "alpha": 0.25, "prob": 0.5})
    assert options == DeapCrossover("cxBlend", 0.5, {"alpha": 0.25})
