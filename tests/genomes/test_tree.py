import json
import random
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from deap import gp
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.individuals import key_of
from evokit.genomes.primitives import Arithmetic, Boolean, Conditional, Elementary
from evokit.genomes.tree import Tree, TreeOptions, height_of
from evokit.testing import genome_conformance
from tests.genomes.trees import conditionals, context, formulas, grown

FORMULAS, CONDITIONALS = formulas(), conditionals()
genomes = pytest.mark.parametrize("genome", [FORMULAS, CONDITIONALS], ids=["formulas", "conditionals"])
SECTION = SimpleNamespace(name="section")


def built(primitives, fitness=None, **options):
    """The genome of a set and options, as a recipe's section builds it."""
    return TreeOptions(primitives=SECTION, **options).build(context(fitness, primitives=primitives))


class Conforming:
    """Options as ``genome_conformance`` takes an instance of them."""

    phenotype = "tree"

    def __init__(self, genome):
        self._genome = genome

    def build(self, _):
        return self._genome


test_formulas_conform = genome_conformance(Conforming(formulas()))
test_typed_trees_conform = genome_conformance(Conforming(conditionals()))


@genomes
@given(seed=st.integers(0, 2**32))
def test_every_tree_is_whole_typed_and_within_its_limits(genome, seed):
    rng = np.random.default_rng(seed)
    a, b = grown(genome, 2, rng)
    for _ in range(5):
        a, b = genome.crossover(a, b, rng)
        a, b = genome.mutate(b, rng), genome.mutate(a, rng)
        for genes in (a, b):
            assert genome.from_json(json.loads(json.dumps(genome.to_json(genes)))) == genes


@pytest.mark.parametrize("limits", [{"max_height": 3, "first_height": (1, 3)}, {"max_size": 7}, {"max_size": 1}])
def test_no_tree_is_ever_beyond_a_limit(limits, rng):
    genome = conditionals(**limits)
    population = grown(genome, 20, rng)
    for _ in range(10):
        pairs = zip(population, population[1:] + population[:1], strict=True)
        population = [genome.mutate(genome.crossover(a, b, rng)[0], rng) for a, b in pairs]
        for genes in population:
            assert len(genes) <= limits.get("max_size", 64)
            assert genome.read(genes).height <= limits.get("max_height", 8)


def test_random_trees_have_the_heights_that_are_asked_for(rng):
    heights = {FORMULAS.read(genes).height for genes in grown(FORMULAS, 300, rng)}
    assert heights == {1, 2, 3, 4}


@genomes
def test_the_height_is_deaps(genome, rng):
    for genes in grown(genome, 50, rng):
        tree = genome.read(genes)
        assert height_of([node.arity for node in tree]) == tree.height


@genomes
def test_a_program_says_what_deap_compiles(genome, rng):
    columns = rng.normal(size=(2, 7))
    for genes in grown(genome, 60, rng):
        with np.errstate(all="ignore"):
            by_deap = by_row(genome, genes, columns)
        np.testing.assert_array_equal(genome.express(genes)(columns), by_deap)


def by_row(genome, genes, columns):
    """What the functions of a set say of a tree, node by node and recursively."""

    def value(nodes):
        gene = next(nodes)
        if gene in ("x", "y"):
            return columns["xy".index(gene)]
        if not isinstance(gene, str):
            return gene
        node = genome.primitives.mapping[gene]
        return genome.primitives.context[gene](*(value(nodes) for _ in range(node.arity))) if node.arity else node.value

    return np.broadcast_to(value(iter(genes)), columns[0].shape)


def test_a_program_is_the_formula_that_is_shown(rng):
    genome = Tree(formulas().primitives, ["x", "y"])
    columns = rng.uniform(1, 2, size=(2, 5))
    names = {name: getattr(np, name) for name in ("sin", "cos", "exp", "log")} | dict(zip("xy", columns, strict=True))
    with np.errstate(all="ignore"):
        for genes in [one for one in grown(genome, 200, rng) if "div" not in one and "log" not in one]:
            told = np.broadcast_to(eval(genome.show(genes), {}, names), columns[0].shape)
            np.testing.assert_array_equal(genome.express(genes)(columns), told)


def test_a_constant_program_has_a_value_for_each_row_and_overflow_is_silent():
    columns = [np.zeros(4), np.zeros(4)]
    assert FORMULAS.express((0.5,))(columns).tolist() == [0.5] * 4
    assert np.isinf(FORMULAS.express(("exp", "exp", "exp", "exp", 1.0))(columns)).all()


def test_the_key_is_that_of_the_contents(rng):
    genes = grown(FORMULAS, 100, rng)
    keys, formulas_shown = ({make(one) for one in genes} for make in (partial(key_of, FORMULAS), FORMULAS.show))
    assert len(keys) == len(formulas_shown) == len(set(genes))
    assert key_of(FORMULAS, ("add", "x", 0.25)) == key_of(formulas(), ("add", "x", 0.25))


def test_features_count_names_constants_nodes_and_height():
    features = FORMULAS.encode(("add", "x", "mul", "x", 0.5))
    names = [name for name in FORMULAS.primitives.mapping if name != "constant"]
    assert features.tolist() == [
        *({"add": 1, "mul": 1, "x": 2}.get(name, 0) for name in names), 1, 5, 2
    ]  # fmt: skip
    assert features.dtype == np.float32


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["add", "x"], "lacks 1 more"),
        (["x", "y"], "ends before 'y'"),
        (["power", "x", "y"], "there is no primitive 'power'"),
        (["if", "x", "x", "y"], "'x' is a float where a bool must be"),
        (["not", 0.5], "'not' is a bool where a float must be"),
        (["if", 1.5, "x", "y"], "these trees have no constants of type bool"),
        ("x", "must be a list of names and numbers"),
        ([float("inf")], "constants must be finite"),
        (["neg"] * 9 + ["x"], "may have 8 levels"),
    ],
)
def test_what_is_no_tree_is_refused(data, message):
    primitives = Conditional(functions=("add", "neg")).primitive_set(2)
    primitives.addEphemeralConstant("constant", partial(random.uniform, -1, 1), float)
    with pytest.raises(ValueError, match=message):
        Tree(primitives, ["x", "y"]).from_json(data)


def test_what_deap_cannot_grow_is_refused():
    primitives = gp.PrimitiveSetTyped("lame", [float], float)
    primitives.addPrimitive(np.where, [bool, float, float], float, "if")
    with pytest.raises(ValueError, match="no terminal that returns bool"):
        Tree(primitives, ["x"])
    primitives.addTerminal(True, bool)
    with pytest.raises(ValueError, match="no primitive that returns bool"):
        Tree(primitives, ["x"])


def test_constants_of_several_types_are_told_apart(rng):
    primitives = gp.PrimitiveSetTyped("two", [float], float)
    primitives.addPrimitive(np.power, [float, int], float, "power")
    primitives.addPrimitive(np.negative, [int], int, "minus")
    primitives.addEphemeralConstant("real", partial(random.uniform, -1, 1), float)
    primitives.addEphemeralConstant("whole", partial(random.randint, 1, 3), int)
    genome = Tree(primitives, ["x"])
    for genes in grown(genome, 50, rng):
        mutant = genome.mutate(genes, rng)
        assert genome.from_json(json.loads(json.dumps(mutant))) == mutant
    primitives.addEphemeralConstant("other", partial(random.uniform, 5, 6), float)
    with pytest.raises(ValueError, match="several ephemeral constants of type float"):
        Tree(primitives, ["x"])


def test_untyped_sets_of_deap_and_their_named_values_serve_as_well():
    primitives = gp.PrimitiveSet("untyped", 1)
    primitives.addPrimitive(np.add, 2, name="add")
    primitives.addTerminal(np.pi, name="pi")
    primitives.addTerminal(2.0)
    genome = built(SimpleNamespace(primitive_set=lambda n: primitives), inputs=["t"], constants=(0, 1))
    assert genome.express(("add", "pi", "add", "t", "2.0"))([np.array([1.0])]).tolist() == [np.pi + 3]
    assert {type(gene) for genes in grown(genome, 50, np.random.default_rng(0)) for gene in genes} == {str, float}


@pytest.mark.parametrize(
    ("options", "slots", "message"),
    [
        ({}, {}, "inputs: the fitness does not say how many"),
        ({"inputs": 3}, {"inputs": ("a", "b")}, r"inputs: the fitness has 2 \(a, b\), got 3"),
        ({"inputs": ("a", "a")}, {}, "each needs a name of its own"),
        ({"inputs": ("add",)}, {}, "which no primitive has"),
        ({"inputs": 1}, {"output": bool}, "return float, the fitness takes those that return bool"),
        ({"inputs": 1, "first_height": (1, 9)}, {}, "first_height: must be two heights up to max_height"),
    ],
)
def test_what_does_not_go_together_is_refused(options, slots, message):
    with pytest.raises(ValueError, match=message):
        built(Arithmetic(), SimpleNamespace(slots=slots), **options)


def test_truth_values_have_no_constants_between_numbers():
    with pytest.raises(ValueError, match="section has no numbers; leave constants out"):
        built(Boolean(), inputs=2, constants=(-1, 1))
    with pytest.raises(ValueError, match="the smaller one first"):
        TreeOptions(constants=(1, -1))


def test_inputs_have_the_names_of_the_fitness_or_of_the_recipe():
    known = SimpleNamespace(slots={"inputs": ("mass", "speed"), "output": float})
    assert built(Elementary(), known).inputs == ("mass", "speed")
    assert built(Elementary(), known, inputs=2).inputs == ("mass", "speed")
    assert built(Elementary(), known, inputs=("m", "v")).inputs == ("m", "v")
    assert built(Elementary(), inputs=2).inputs == ("x0", "x1")


def test_trees_are_the_same_in_each_process():
    code = (
        "import numpy as np; from tests.genomes.trees import conditionals, grown; g = conditionals();"
        "rng = np.random.default_rng(0); some = grown(g, 30, rng);"
        "print([g.mutate(g.crossover(a, b, rng)[1], rng) for a, b in zip(some, some[1:])])"
    )
    # Types are placed elsewhere in each process, so that a set of them has another order.
    told = {
        subprocess.run([sys.executable, "-c", filler + code], capture_output=True, text=True, check=True).stdout
        for filler in ("", "some = [type('T', (), {}) for _ in range(999)];")
    }
    assert len(told) == 1
