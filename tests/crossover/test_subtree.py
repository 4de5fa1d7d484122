from collections import Counter

import numpy as np
import pytest
from deap import gp

from evokit.crossover.subtree import Subtree, end_of, subtree_crossover
from tests.genomes.trees import conditionals, context, formulas, grown

GENOME = formulas()


def test_a_subtree_ends_where_deap_says(rng):
    for genes in grown(GENOME, 30, rng):
        tree = GENOME.read(genes)
        assert [end_of(tree, i) for i in range(len(tree))] == [tree.searchSubtree(i).stop for i in range(len(tree))]


def test_children_hold_all_nodes_of_their_parents_and_keep_the_roots(rng):
    for a, b in zip(grown(GENOME, 50, rng), grown(GENOME, 50, rng), strict=True):
        first, second = subtree_crossover(GENOME.read(a), GENOME.read(b), rng=rng)
        children = GENOME.written(first), GENOME.written(second)
        assert Counter(children[0] + children[1]) == Counter(a + b)
        assert (children[0][0], children[1][0]) == (a[0], b[0])


def test_leaf_bias_decides_what_is_swapped(rng):
    a, b = ("add", "sin", "x", "mul", "x", "x"), ("sub", "cos", "y", "div", "y", "y")
    kinds = {}
    for bias in (0.0, 1.0):
        crossed = [subtree_crossover(GENOME.read(a), GENOME.read(b), leaf_bias=bias, rng=rng) for _ in range(60)]
        kinds[bias] = {GENOME.written(first) for first, _ in crossed}
    # Two places of each parent have primitives, three have terminals that are alike.
    assert kinds[0.0] == {
        ("add", "cos", "y", "mul", "x", "x"), ("add", "div", "y", "y", "mul", "x", "x"),
        ("add", "sin", "x", "cos", "y"), ("add", "sin", "x", "div", "y", "y"),
    }  # fmt: skip
    assert kinds[1.0] == {
        ("add", "sin", "y", "mul", "x", "x"), ("add", "sin", "x", "mul", "y", "x"),
        ("add", "sin", "x", "mul", "x", "y"),
    }  # fmt: skip


def test_where_nothing_has_the_kind_that_was_drawn_another_place_serves(rng):
    a, b = GENOME.read(("add", "x", "x")), GENOME.read(("sub", "y", "y"))
    assert {GENOME.written(subtree_crossover(a, b, leaf_bias=0.0, rng=rng)[0]) for _ in range(30)} == {
        ("add", "y", "x"), ("add", "x", "y")
    }  # fmt: skip


def test_what_is_swapped_returns_the_same_type(rng):
    genome = conditionals()
    a, b = ("if", "lt", "x", "y", "x", "y"), ("add", "x", "mul", "x", "y")
    for _ in range(50):
        for child in subtree_crossover(genome.read(a), genome.read(b), rng=rng):
            genome.from_json(list(genome.written(child)))


@pytest.mark.parametrize(("a", "b"), [(("x",), ("add", "x", "y")), (("not", "True"), ("neg", "x"))])
def test_parents_without_a_common_place_are_passed_on(a, b, rng):
    genome = conditionals()
    known = {"neg": gp.Primitive("neg", [float], float)} | genome.primitives.mapping
    nodes = [[known[gene] for gene in one] for one in (a, b)]
    assert list(subtree_crossover(*nodes, rng=rng)) == nodes


def test_the_component_crosses_as_often_as_it_is_told(rng):
    a, b = ("add", "x", "x"), ("sub", "y", "y")
    never = Subtree(prob=0.0).build(context(genome=GENOME))
    always = Subtree().build(context(genome=GENOME))
    assert never(a, b, rng) == (a, b)
    assert always(a, b, rng) != (a, b)


def test_children_beyond_a_limit_are_parents():
    genome = formulas(max_size=5, max_height=2, first_height=(1, 2))
    cross = Subtree().build(context(genome=genome))
    a, b = ("add", "mul", "x", "x", "x"), ("add", "y", "mul", "y", "y")
    seen = Counter()
    for seed in range(200):
        for child in cross(a, b, np.random.default_rng(seed)):
            assert len(child) <= 5
            seen[child] += 1
    assert min(seen[a], seen[b]) > 10, "each parent stands in for some child"
