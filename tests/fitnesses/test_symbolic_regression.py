import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.subtree import Subtree
from evokit.data.known_formula import KnownFormula
from evokit.data.rows import Rows
from evokit.fitnesses.symbolic_regression import SymbolicRegression, linear_scaling
from evokit.interfaces import Context
from evokit.measuring.evaluate import evaluate_batch
from evokit.measuring.ledger import Ledger
from evokit.mutation.tree import TreeMutation
from evokit.searches.generational import Generational
from evokit.selection.lexicase import Lexicase
from evokit.streams import Streams
from tests.door import door
from tests.genomes.trees import formulas
from tests.searches.building import portrait, run, stopped_and_resumed
from tests.small import launched

GENOME = formulas()
X = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, -1.0], [3.0, 0.5], [-1.0, 4.0]])
TRAIN = Rows(X[:4].copy(), 3 * X[:4, 0] + 1, ("x", "y"))
VALIDATION = Rows(X[3:].copy(), 3 * X[3:, 0] + 1.5, ("x", "y"))


def context(train=TRAIN, validation=VALIDATION, **more):
    return Context(Streams(0), train=train, validation=validation, data_digest="rows", **more)


def built(**options):
    return SymbolicRegression(**options).build(context())


def measured(fitness, *genes, budget=None):
    return evaluate_batch(fitness, GENOME.express, list(genes), budget or fitness.budgets[-1])


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=3, max_size=9))
def test_scaling_is_least_squares(rows):
    said, targets = np.array(rows).T
    offset, scale = linear_scaling(said, targets)
    if np.ptp(said) > 1e-3:
        ones = np.column_stack([np.ones(len(said)), said])
        assert offset + scale * said == pytest.approx(ones @ np.linalg.lstsq(ones, targets)[0], abs=1e-6)
    elif np.ptp(said) == 0:
        assert offset + scale * said == pytest.approx(np.full(len(said), targets.mean()))


def test_the_error_is_squared_and_relative_to_the_variance():
    genes = (float(TRAIN.y.mean()),), ("add", "x", "add", "x", "add", "x", 1.0), ("x",)
    mean, exact, off = measured(built(scaling=False), *genes)
    assert mean.values == pytest.approx((1,))
    assert exact.values == (0,)
    assert off.values == pytest.approx((np.square(TRAIN.y - X[:4, 0]).mean() / TRAIN.y.var(),))
    assert off.metrics == {}


def test_scaling_leaves_only_the_form_to_be_found():
    one, other = measured(built(), ("x",), ("mul", "x", -0.5))
    assert one.values == pytest.approx((0,), abs=1e-15)
    assert one.metrics == pytest.approx({"offset": 1, "scale": 3})
    assert other.metrics == pytest.approx({"offset": 1, "scale": -6})


def test_fresh_rows_are_those_of_validation_with_the_scale_of_training():
    fresh = built().fresh()
    (one,) = measured(fresh, ("x",))
    assert one.values == pytest.approx((0.25 / TRAIN.y.var(),))
    assert one.work == 2
    assert fresh.context != built().context
    assert fresh.fresh().context == fresh.context, "there are no third ones"


@pytest.mark.parametrize("genes", [("exp", "exp", "exp", "exp", "x"), ("mul", 1e200, "mul", 1e200, "x"), (1e308,)])
@pytest.mark.parametrize("scaling", [True, False])
def test_overflow_is_a_failure_and_no_warning(genes, scaling):
    (one,) = measured(built(scaling=scaling, cases="each"), genes)
    assert (one.outcome, one.values, one.cases) == ("diverged", (), None)


def test_a_value_is_the_same_alone_in_a_batch_and_after_a_lower_budget(rng):
    fitness = built(rungs=(2, 3), cases="each")
    genes = [GENOME.random(rng) for _ in range(20)]
    together = measured(fitness, *genes)
    measured(fitness, *genes, budget=2)
    for one, again in zip(genes, together, strict=True):
        (alone,) = measured(fitness, one)
        assert (alone.outcome, alone.values) == (again.outcome, again.values)
        np.testing.assert_array_equal(alone.cases, again.cases)


def test_a_lower_budget_is_the_first_rows():
    (few,) = measured(built(rungs=(2,), scaling=False), ("x",), budget=2)
    assert few.values == pytest.approx((np.square(TRAIN.y - X[:4, 0])[:2].mean() / TRAIN.y.var(),))
    assert few.work == 2


def test_cases_are_absolute_errors_of_rows_or_of_stretches_of_them():
    off = np.abs(TRAIN.y - X[:4, 0])
    halves, thirds = [off[:2].mean(), off[2:].mean()], [off[:2].mean(), *off[2:]]
    for cases, expected in (("each", off), (9, off), (2, halves), (3, thirds)):
        fitness = built(scaling=False, cases=cases)
        (one,) = measured(fitness, ("x",))
        assert one.cases == pytest.approx(expected)
        assert fitness.cases == len(expected)
    assert measured(built(), ("x",))[0].cases is None


def test_size_is_a_second_objective():
    fitness = built(size=True)
    assert fitness.objectives == {"error": "min", "size": "min"}
    assert [one.values[1] for one in measured(fitness, ("x",), ("add", "x", "y"))] == [1, 3]


def test_what_decides_a_value_or_its_cases_is_in_the_context():
    several = [built(), built(scaling=False), built(size=True), built(cases="each"), built(cases=2), built().fresh()]
    assert len({one.context for one in several}) == 6


@pytest.mark.parametrize(
    ("train", "options", "message"),
    [
        (None, {}, "needs data of rows, such as data"),
        (Rows(X[:2].copy(), np.ones(2), ("x", "y")), {}, "all training rows have the same target"),
        (TRAIN, {"rungs": (2, 4)}, r"rungs: must be less than the 4 training rows, got \[2, 4\]"),
    ],
)
def test_what_cannot_be_measured_is_refused(train, options, message):
    with pytest.raises(ValueError, match=message):
        SymbolicRegression(**options).build(context(train))


def test_rungs_ascend():
    with pytest.raises(ValueError, match=r"rungs: must ascend, got \[3, 2\]"):
        SymbolicRegression(rungs=(3, 2))


def searched(ledger):
    data = KnownFormula("nguyen-7").build(Context(Streams(0)))
    fitness = SymbolicRegression(cases="each").build(context(data.train, data.validation))
    genome = formulas(1)
    whole = context(data.train, data.validation, fitness=fitness, genome=genome)
    parts = {"selection": Lexicase(), "crossover": Subtree(), "mutation": TreeMutation(prob=0.5)}
    operators = {kind: part.build(whole) for kind, part in parts.items()}
    options = Generational(population=20, generations=8)
    search = options.build(context(data.train, data.validation, fitness=fitness, genome=genome, operators=operators))
    return search, door(fitness, ledger, genome)


def test_a_resumed_search_by_cases_is_the_whole_one(tmp_path):
    whole, measure = searched(Ledger(":memory:"))
    first = run(whole, measure, 1).best().fitness.values[0]
    expected = portrait(run(whole, measure))
    assert whole.best().fitness.values[0] < first
    ledger = Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == expected


def test_a_run_finds_a_formula_and_tests_it(tmp_path):
    rows = [f"{a},{b},{a * b + a}" for a in range(6) for b in range(4)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,z", *rows]))
    recipe = """
data: {name: table, path: rows.csv}
fitness: {name: symbolic_regression, cases: each}
genome: {name: tree, primitives: arithmetic, constants: [0, 3], max_size: 15}
search: {name: generational, population: 60, generations: 12}
selection: {name: lexicase}
crossover: {name: own}
mutation: {name: own}
stop: {target: 1.0e-20}
confirm: {top: 3}
baselines: [{name: polynomial, degrees: [1]}]
execution: {backend: inline}
"""
    summary, rows = launched(tmp_path, recipe, [])
    assert summary["final"]["test"] < 1e-20 < 1e-3 < summary["baselines"][0]["test"]
    n_cases = {len(row.evaluation.cases) for row in rows if row.evaluation.ok}
    assert n_cases == {summary["data"]["splits"]["train_rows"]}


PLUGIN = """
from dataclasses import dataclass

import numpy as np
from deap import gp

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Products:
    powers: int = 2

    def primitive_set(self, n_inputs):
        primitives = gp.PrimitiveSet("products", n_inputs)
        primitives.addPrimitive(np.multiply, 2, name="mul")
        primitives.addPrimitive(lambda x: x**self.powers, 1, name="power")
        return primitives


@hookimpl
def evokit_components():
    return [Component("primitives", "products", Products)]
"""


@pytest.mark.parametrize("primitives", ["products", "{name: products, powers: 3}"])
def test_a_plugin_may_bring_primitives(tmp_path, primitives):
    (tmp_path / "products.py").write_text(PLUGIN)
    recipe = f"""
plugins: [./products.py]
data: {{name: known_formula, formula: nguyen-1}}
fitness: {{name: symbolic_regression}}
genome: {{name: tree, primitives: {primitives}}}
search: {{name: generational, population: 8, generations: 2}}
crossover: {{name: subtree}}
mutation: {{name: tree}}
execution: {{backend: inline}}
"""
    summary, _ = launched(tmp_path, recipe, [])
    assert {gene for gene in summary["best"]["genes"] if gene != "x"} <= {"mul", "power"}
