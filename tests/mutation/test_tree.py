import numpy as np
import pytest
from deap import gp
from hypothesis import given
from hypothesis import strategies as st

from evokit.contracts.global_generators import global_states, python_driven_by
from evokit.mutation.tree import OPERATORS, TreeMutation, nudged, tree_mutation
from tests.genomes.trees import conditionals, context, formulas, grown

GENOME = formulas()
DEAPS = {
    "node": lambda tree: gp.mutNodeReplacement(tree, GENOME.primitives),
    "insert": lambda tree: gp.mutInsert(tree, GENOME.primitives),
    "shrink": gp.mutShrink,
}


def mutants(operator, genes, n=100):
    tree = GENOME.read(genes)
    mutated = (
        tree_mutation(tree, GENOME.primitives, operators=(operator,), rng=np.random.default_rng(seed))
        for seed in range(n)
    )
    return [GENOME.written(one) for one in mutated]


@pytest.mark.parametrize("operator", DEAPS)
def test_equals_deap_at_the_same_draws(operator, rng):
    for seed, genes in enumerate(grown(GENOME, 20, rng)):
        ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
        mine = tree_mutation(GENOME.read(genes), GENOME.primitives, operators=(operator,), rng=ours)
        theirs.integers(1)  # which operator
        with python_driven_by(theirs):
            (expected,) = DEAPS[operator](GENOME.read(genes))
        assert GENOME.written(mine) == GENOME.written(expected)


def test_a_subtree_is_grown_anew_in_place_of_one():
    genes = ("add", "sin", "x", "y")
    kept = {("add", "sin"): 0, ("add",): 0}
    for one in mutants("subtree", genes):
        GENOME.from_json(list(one))
        for head in kept:
            kept[head] += one[: len(head)] == head
    assert 30 < kept["add", "sin"] < kept["add",] < 100


def test_a_node_keeps_the_shape():
    for one in mutants("node", ("add", "sin", "x", "y")):
        assert len(one) == 4
        assert GENOME.primitives.mapping.get(one[1], one[1]).arity == 1


def test_insert_grows_and_shrink_takes_a_branch():
    assert {len(one) - 2 for one in mutants("insert", ("sin", "x"))} == {1, 2}
    assert set(mutants("shrink", ("sin", "add", "x", "y"))) == {("sin", "x"), ("sin", "y")}


@given(value=st.floats(-1e6, 1e6), seed=st.integers(0, 1000))
def test_a_constant_is_nudged_by_steps_in_proportion_to_its_size(value, seed):
    tree = GENOME.read(("add", value, "x"))
    (name, moved, other) = GENOME.written(nudged(tree, 1, rng=np.random.default_rng(seed)))
    assert (name, other) == ("add", "x")
    assert abs(moved - value) <= 6 * max(1, abs(value))
    assert tree[1].value == value, "the tree itself stays as it is"


def test_nudges_are_of_all_lengths():
    steps = [abs(one[1] - 0.5) for one in mutants("constants", ("add", 0.5, "x"), 400)]
    assert [np.mean(np.array(steps) < size) for size in (0.01, 0.1, 10)] == pytest.approx([0.41, 0.74, 1], abs=0.12)


def test_without_constants_a_subtree_is_grown():
    assert any(len(one) != 3 for one in mutants("constants", ("add", "x", "y")))


def test_constants_of_other_types_are_drawn_anew(rng):
    primitives = gp.PrimitiveSet("whole", 1)
    primitives.addPrimitive(np.add, 2, name="add")
    primitives.addEphemeralConstant("whole_number", _one_to_nine)
    tree = gp.PrimitiveTree([primitives.mapping["whole_number"]()])
    drawn = {nudged(tree, 0, rng=rng)[0].value for _ in range(60)}
    assert drawn == set(range(1, 10))


def _one_to_nine():
    import random

    return random.randint(1, 9)


@pytest.mark.parametrize("operator", OPERATORS)
def test_typed_trees_stay_typed_and_global_generators_untouched(operator, rng):
    genome = conditionals()
    mutate = TreeMutation(operators=(operator,)).build(context(genome=genome))
    before = global_states()
    for genes in grown(genome, 30, rng):
        genome.from_json(list(mutate(genes, rng)))
    assert global_states() == before


def test_mutants_are_as_many_as_the_chance_says(rng):
    mutate = TreeMutation(operators=("insert",), prob=0.25).build(context(genome=GENOME))
    changed = sum(mutate(("sin", "x"), rng) != ("sin", "x") for _ in range(400))
    assert changed == pytest.approx(100, abs=35)


def test_a_mutant_beyond_a_limit_is_its_parent(rng):
    genome = formulas(max_size=2, max_height=1, first_height=(1, 1))
    mutate = TreeMutation(operators=("insert",)).build(context(genome=genome))
    assert {mutate(("sin", "x"), rng) for _ in range(20)} == {("sin", "x")}
