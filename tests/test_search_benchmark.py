"""The benchmark of searches: its scores against figures worked by hand, its problems, and the command run whole."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import search_tables

from benchmarks.searches import contenders, figures, own, problems
from benchmarks.searches.command import main
from benchmarks.searches.constrained import Bounded
from benchmarks.searches.contenders import CONTENDERS, Contender
from benchmarks.searches.formulas import rows_of
from benchmarks.searches.fronts import FAR, Traded, volume
from benchmarks.searches.knapsack import best_profit, items
from benchmarks.searches.problems import Over, Problem, Record, Suite
from benchmarks.searches.score import area, interval, reached_at
from benchmarks.searches.store import Store
from benchmarks.searches.suites import SUITES
from benchmarks.searches.table import heading, markdown, summed_up
from benchmarks.searches.true_fronts import CURVES, nondominated, true_front
from benchmarks.searches.tsp import distances

ROOT = Path(__file__).parents[1]
BENCH = "the extra bench is not installed; pip install 'evokit-deap[bench]' ends this"
CENTRE = 0.7  # of the sphere: some begin in the middle of the box
SPHERE = Problem("vector", 3, lambda points: np.square(points - CENTRE).sum(axis=1), 1e-8)
ONES = Problem("bits", 12, lambda points: 12.0 - points.sum(axis=1), 0.0)
SORTED = Problem("permutation", 6, lambda points: np.abs(points - np.arange(6)).sum(axis=1), 0.0)
FORMULA = SUITES["formulas"].problem("nguyen-6", 20, 1)
TRADED = Traded(
    "fronts", 3, lambda points: np.square(points[:, :1] - [0, 1]) + points[:, 1:].sum(axis=1, keepdims=True),
    n_objectives=2, front=np.array([[0.0, 1.0], [0.25, 0.25], [1.0, 0.0]]),
)  # fmt: skip
FLIPPED = Traded("bits", 12, lambda points: np.stack([points.sum(axis=1), 12 - points.sum(axis=1)], axis=1) / 12)
HELD = Traded(  # the first two numbers are the values, and sum to 1 at least
    "fronts", 3, lambda points: np.stack([points[:, 0], points[:, 1], 1 - points[:, 0] - points[:, 1]], axis=1),
    n_constraints=1, front=np.array([[0.0, 1.0], [1.0, 0.0]]),
)  # fmt: skip
BOUNDED = Bounded(  # in the half where numbers sum to 2 at least
    "constrained", 3, lambda points: np.stack([np.square(points).sum(axis=1), 2 - points.sum(axis=1)], axis=1),
    n_constraints=1, optimum=4 / 3,
)  # fmt: skip
ARM = SUITES["illumination"].problem("arm", 4, 1)
SETTINGS = SUITES["settings"].problem("nested", 0, 1)
PROBLEMS = {problem.kind: problem for problem in (SETTINGS, SPHERE, ONES, SORTED, FORMULA, TRADED, BOUNDED, ARM)}


# --- the score


def test_the_area_is_that_of_a_run_worked_by_hand():
    targets = np.array([100.0, 10.0, 1.0, 0.1])
    reached = reached_at([1, 10, 50], [60.0, 10.0, 0.5], targets)
    assert reached.tolist() == [1, 10, 50, math.inf]
    # The share reached is 1/4 until the 10th, 2/4 until the 50th, then 3/4: over log10(1..100) = 2 that is
    by_hand = (0.25 * 1 + 0.5 * math.log10(5) + 0.75 * math.log10(2)) / 2
    assert area(reached, 100) == pytest.approx(by_hand)
    assert area(reached, 10) == pytest.approx(0.25), "what is reached at the end of a budget or later adds nothing"


def test_the_area_is_that_under_the_curve():
    rng = np.random.default_rng(0)
    reached = np.append(rng.integers(1, 2000, size=30), math.inf)
    at = np.logspace(0, 3, 20_001)
    assert area(reached, 1000) == pytest.approx(figures.share(reached[None], at).mean(), abs=1e-4)


def test_all_targets_at_once_and_none_at_all_are_the_ends_of_the_scale():
    assert area(np.ones(5), 100) == 1
    assert area(np.full(5, math.inf), 100) == 0


def test_the_interval_holds_also_where_a_run_is_lucky_on_all_functions():
    rng = np.random.default_rng(1)
    for shared in (0.0, 0.9):
        luck = rng.normal(size=(2000, 1, 11)) * shared + rng.normal(size=(2000, 24, 11)) * (1 - shared)
        held = [low < 0 < high for low, high in map(interval, luck.mean(axis=1))]
        assert 0.93 < np.mean(held) < 0.97  # of 2,000: 0.95 +- 4 standard errors of 0.005
    assert interval(np.array([0.5])) is None


# --- the record


def test_a_record_keeps_improvements_and_ends_a_run():
    record = Record(SPHERE, 5)
    assert [record(np.full(3, CENTRE + x)) for x in (2.0, 3.0, 1.0)] == pytest.approx([12, 27, 3])
    with pytest.raises(Over):  # two are left, and the last of these is none of them
        record.many(CENTRE + np.array([[0.5] * 3, [4.0] * 3, [0.0] * 3]))
    assert [n for n, _ in record.improvements] == [1, 3, 4]
    assert record.best == pytest.approx(0.75)
    assert record.evaluations == 5
    assert not record.solved
    with pytest.raises(Over):
        record(np.zeros(3))


def test_a_point_that_is_known_costs_nothing_whoever_asks(monkeypatch):
    monkeypatch.setattr(problems, "PATIENCE", 3)
    record = Record(ONES, 3)
    a, b, c = np.eye(12, dtype=bool)[:3]
    assert record.many(np.array([a, b, a])).tolist() == [11, 11, 11]
    assert record(a) == 11
    assert record.evaluations == 2
    assert record.many(np.array([b, c, c, a])).tolist() == [11] * 4
    assert record.evaluations == 3
    with pytest.raises(Over):
        record(~a)
    again = Record(ONES, 3)
    for _ in range(4):
        again(a)
    with pytest.raises(Over):  # it has nothing new to ask
        again(a)
    assert again.evaluations == 1


def test_a_solved_run_is_over_at_once():
    record = Record(SPHERE, 10)
    with pytest.raises(Over):
        record(np.full(3, CENTRE))
    assert record.solved
    assert record.evaluations == 1


# --- problems


@pytest.mark.parametrize("kind", list(SUITES["knapsack"].functions))
def test_the_best_profit_is_that_of_trying_all(kind):
    profits, weights = items(kind, 8, np.random.default_rng(3))
    capacity = int(weights.sum() // 3)
    subsets = np.array(list(itertools.product((0, 1), repeat=8)))
    fitting = subsets[subsets @ weights <= capacity]
    assert best_profit(profits, weights, capacity) == (fitting @ profits).max()


def test_profits_are_correlated_as_their_names_say():
    strong, weak, inverse, same = (
        np.subtract(*items(kind, 500, np.random.default_rng(0)))
        for kind in ("strongly", "weakly", "inverse_strongly", "subset_sum")
    )
    assert (strong == 100).all()
    assert (inverse == -100).all()
    assert not same.any()
    assert (np.abs(weak) <= 100).all()


def test_too_much_weight_is_worse_than_nothing():
    values = SUITES["knapsack"].problem("strongly", 20, 1).values(np.array([[0] * 20, [1] * 20]))
    assert values[0] == 1
    assert values[1] > 1


@pytest.mark.parametrize(("name", "first"), [("eil51", [0, 12, 19, 31, 22, 17]), ("berlin52", [0, 666, 281, 396, 291])])
def test_cities_are_as_far_apart_as_tsplib_says(name, first):
    problem = SUITES["tsp"].problem(name, 0, 1)
    n, tour = problem.dimension, np.arange(problem.dimension)
    cities = json.loads((ROOT / "benchmarks" / "searches" / "tsplib.json").read_text())[name]
    far = distances(np.array(cities["cities"]))
    assert far[0, : len(first)].tolist() == first
    length = sum(far[a, (a + 1) % n] for a in tour)
    assert problem.values(tour[None])[0] == pytest.approx(length / cities["optimum"] - 1)
    assert problem.values(np.roll(tour, 7)[None])[0] == problem.values(tour[None])[0], "a tour has no beginning"


def test_the_value_of_a_formula_is_its_error_over_the_variance():
    rows = rows_of("nguyen-6", 1)
    said = np.stack([rows.y, np.full(20, rows.y.mean()), rows.y + 1, np.full(20, np.nan), np.full(20, 1e300)])
    assert FORMULA.values(said) == pytest.approx([0, 1, 1 / rows.y.var(), math.inf, math.inf])
    assert not np.array_equal(rows.x, rows_of("nguyen-6", 2).x)


def test_what_a_record_with_descriptors_keeps_is_the_best_of_each_cell():
    record = SUITES["illumination"].problem("arm", 2, 1).record(4)
    straight, bent = np.zeros(2), np.array([0.0, np.pi / 2])
    values, descriptors = record.told(np.array([straight, bent, straight]))
    assert values == pytest.approx([0, np.pi / 4, 0])
    assert descriptors == pytest.approx(np.array([[2, 0], [1, 1], [2, 0]]))
    assert record.figures["coverage"] == [2 / 100**2]
    assert record.metrics(bent) == pytest.approx({"first": 1, "second": 1})
    assert record.evaluations == 2, "one was known"
    with pytest.raises(Over):
        record.told(np.full((3, 2), [[1.0], [2.0], [3.0]]))
    assert record.improvements[-1][0] == 4
    assert record.improvements[0] == (2, pytest.approx(1 - (1 + 0.75) / 100**2))
    suite = SUITES["illumination"]
    assert suite.score(reached_at([1, 4], [0.9995, 0.75], suite.targets), 4) == 0.25


def test_the_projections_are_those_of_cma_me():
    worst = SUITES["illumination"].problem("sphere", 4, 1).worst
    assert worst == pytest.approx(4 * (1.4 * 5.12) ** 2)
    assert SUITES["illumination"].problem("rastrigin", 4, 1).values(np.full((1, 4), 0.4 * 5.12))[0] == 0


# --- contenders


def called(contender, seed, budget=60, problem=None):
    record = (problem or PROBLEMS[contender.kind]).record(budget)
    try:
        contender.run(record, seed)
    except Over:
        return record, True
    return record, False


# Their first descents, from the middle, take all of this budget or end at the best; NGOpt's is Cobyla's.
DRAW_NOTHING = {("vector", name) for name in ("auto", "quasi_newton", "nevergrad_ngopt", "scipy_slsqp")}
DRAW_NOTHING |= {("constrained", name) for name in ("auto", "quasi_newton", "scipy_slsqp")}


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.name)
@pytest.mark.filterwarnings("ignore")  # peers speak of what their own dependencies do
def test_a_contender_spends_its_budget_and_one_seed_is_one_run(contender):
    if not contender.installed:
        pytest.skip(BENCH)
    record, over = called(contender, 1)
    assert record.evaluations == 60 or record.solved or not over
    assert record.evaluations > 30 or record.solved
    assert called(contender, 1)[0].improvements == record.improvements
    if (contender.kind, contender.name) not in DRAW_NOTHING:
        assert called(contender, 2)[0].improvements != record.improvements


@pytest.mark.parametrize("contender", contenders.of_kind("fronts").values(), ids=lambda one: one.name)
@pytest.mark.parametrize("problem", [FLIPPED, HELD], ids=["bits", "constraints"])
@pytest.mark.filterwarnings("ignore")
def test_a_contender_with_several_objectives_takes_bits_and_constraints(contender, problem):
    if not contender.installed:
        pytest.skip(BENCH)
    record, _ = called(contender, 1, 300, problem)
    assert record.evaluations > 290
    n = problem.n_objectives
    last = np.array(list(record._known.values())[200:])
    assert problem is FLIPPED or contender.name == "random_search" or (last[:, n:] <= 0).mean() > 0.6, "half are, drawn"
    assert record.improvements[-1][1] < record.improvements[0][1] <= 1


def test_only_feasible_points_count_on_a_front():
    record = HELD.record(100)
    record.many(np.array([[0.1, 0.2, 0.0]]))
    assert record.improvements == [(1, 1.0)]
    assert record.figures["igd_plus"] == [FAR]
    record.kept(np.array([[0.1, 0.2, 0.7]]))
    record.many(np.array([[0.5, 0.6, 0.0]]))
    record.kept(np.array([[0.1, 0.2, 0.7], [0.5, 0.6, -0.1]]))
    assert record.improvements[-1] == (2, pytest.approx(1 - 0.6 * 0.5))
    assert record.figures["population"] == [0, 0.3]


def test_a_record_under_constraints_goes_by_violation_and_then_by_error():
    record = BOUNDED.record(9)
    points = np.array([[0.2, 0, 0], [0.6, 0.6, 0.6], [0.9, 0.9, 0.9], [0, 0, 0], [0.7, 0.7, 0.7]])
    record.many(points)
    at, values = zip(*record.improvements, strict=True)
    assert at == (1, 2, 3, 5)
    # Errors are shares of the optimum, 4 / 3.
    assert values == pytest.approx([1e6 * 2.8, 1e6 * 1.2, 2.43 * 0.75 - 1, 1.47 * 0.75 - 1])
    assert record.figures == {"feasible": [0, 0, 1, 1]}


@pytest.mark.parametrize(
    ("function", "point"),  # as the report of the competition has them
    [
        ("g1", [1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 1]),
        ("g6", [14.09500000000000064, 0.8429607892154795668]),
        ("g8", [1.22797135260752599, 4.24537336612274885]),
        ("g9", [2.33049935147405174, 1.95137236847114592, -0.477541399510615805, 4.36572624923625874,
                -0.624486959100388983, 1.03813099410962173, 1.5942266780671519]),
    ],
)  # fmt: skip
def test_optima_under_constraints_are_those_of_the_competition(function, point):
    get_problem = pytest.importorskip("pymoo.problems", reason=BENCH).get_problem
    one, problem = get_problem(function), SUITES["constrained"].problem(function, 20, 1)
    row = problem.values((np.array([point]) - one.xl) / (one.xu - one.xl))[0]
    assert row[0] == pytest.approx(problem.optimum, rel=1e-6)
    assert row[1:].max() < 1e-6


def test_a_record_of_fronts_looks_at_them_now_and_then_whatever_the_batches():
    points = np.random.default_rng(0).random((200, 3))
    rows = []
    for batch in (1, 7, 200):
        record = TRADED.record(200)
        for some in np.split(points, range(batch, 200, batch)):
            record.many(some)
            record.kept(TRADED.values(points[:1]))
        rows.append((record.improvements, record.figures))
    assert rows[0] == rows[1] == rows[2]
    at = [n for n, _ in rows[0][0]]
    assert at[0] == 2
    assert {20, 200} <= set(at), "the smaller of two budgets is a tenth of the larger"
    values = TRADED.values(points)
    front = [one for one in values if not ((values <= one).all(axis=1) & (values < one).any(axis=1)).any()]
    corners = sorted(map(tuple, np.minimum(front, 1.1)))
    area = sum(
        (right - x) * (1.1 - y) for (x, y), right in zip(corners, [x for x, _ in corners[1:]] + [1.1], strict=True)
    )
    assert rows[0][0][-1] == (200, pytest.approx(1 - area))
    assert rows[0][1]["population"] == [rows[0][1]["population"][0]] * len(at)


def test_the_true_fronts_are_those_of_the_formulas():
    pytest.importorskip("pymoo", reason=BENCH)
    problem = SUITES["fronts"].problem("zdt1", 20, 1)
    assert problem.most == pytest.approx(1.1 * 1.1 - 1 / 3, abs=1e-4)  # a third lies below 1 - sqrt(x)
    on_it = np.zeros((3, 30))
    on_it[:, 0] = 0, 0.25, 1
    assert problem.values(on_it).tolist() == [[0, 1], [0.25, 0.5], [1, 0]]
    sphere = SUITES["fronts"].problem("dtlz2", 20, 1)
    assert np.linalg.norm(sphere.front, axis=1) == pytest.approx(1)
    assert sphere.most == pytest.approx(1.1**3 - math.pi / 6)


@pytest.mark.parametrize(
    ("function", "ends"),
    [
        ("bnh", [[0, 50], [136, 4]]),
        ("srn", [[10.1, 2.61], [222.969, -217.739]]),
        ("tnk", [[0.041667, 1.038449], [1.038449, 0.041667]]),
        ("osy", [[-274, 76], [-42, 4]]),
        ("ctp1", [[0, 1], [1, 0.542172]]),
    ],
)
def test_nothing_feasible_dominates_a_true_front_and_a_grid_comes_near_it(function, ends):
    get_problem = pytest.importorskip("pymoo.problems", reason=BENCH).get_problem
    one = get_problem(function)
    front = true_front(function, one)
    assert front[np.argsort(front[:, 0])[[0, -1]]] == pytest.approx(np.array(ends), rel=1e-4, abs=1e-6)
    grid = _osy_grid() if function == "osy" else _grid(one)
    scaled, near = ((some - front.min(axis=0)) / np.ptp(front, axis=0) for some in (front, grid))
    assert volume(np.concatenate([scaled, near])) - volume(scaled) < 2e-6
    assert volume(scaled) - volume(near) < 0.005
    assert set(CURVES) <= set(SUITES["fronts"].functions)


def _grid(one, n=1001):
    """The front of a grid over two numbers."""
    axes = np.linspace(one.xl, one.xu, n).T
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    found = one.evaluate(points, return_values_of=["F", "G"], return_as_dictionary=True)
    return nondominated(found["F"][(found["G"] <= 0).all(axis=1)])


def _osy_grid():
    """Its constraints tie the numbers by twos, and its values are sums: a front of sums is one of sums of fronts."""
    a, b = (axis.ravel() for axis in np.meshgrid(*[np.linspace(0, 10, 301)] * 2))
    held = np.array([a + b - 2, 6 - a - b, 2 - b + a, 2 - a + 3 * b])
    a, b = np.stack([a, b])[:, (held >= -1e-12).all(axis=0)]
    first = nondominated(np.stack([-25 * (a - 2) ** 2 - (b - 2) ** 2, a * a + b * b], axis=1))
    one = np.linspace(1, 5, 201)
    third = np.stack([-((one - 1) ** 2) - 16, one**2], axis=1)  # with a fourth of 0, the least and the best
    fifth = np.stack([-((one - 1) ** 2), one**2 + (4 - (one - 3) ** 2) ** 2], axis=1)  # with the least sixth
    some = nondominated((third[:, None] + fifth).reshape(-1, 2))
    return nondominated((first[:, None] + some).reshape(-1, 2))


def test_a_search_of_evokit_is_built_from_its_recipe():
    record = Record(SPHERE, 50)
    with pytest.raises(Over):
        own.searched({"search": {"name": "random_search", "batch": 7}}, record, 3)
    assert record.evaluations == 50


def test_a_search_of_trees_is_told_cases_and_scales_its_formulas():
    record = Record(FORMULA, 500)
    lexicase = contenders.TREE["generational"] | {
        "selection": {"name": "lexicase"}, "fitness": {"name": "symbolic_regression", "cases": "each"}
    }  # fmt: skip
    with pytest.raises(Over):
        own.searched(lexicase, record, 3)
    assert (record.evaluations, record.improvements[0][1] <= 1.0) == (500, True), "the mean of the targets is 1"
    assert record.best < 0.1


def test_what_is_asked_for_again_counts_once():
    record = Record(Problem("bits", 2, lambda points: 1.0 + points.sum(axis=1)), 50)
    own.searched({"search": {"name": "random_search"}}, record, 0)  # ends by itself: there are four
    assert record.evaluations == 4


# --- the store and the table


def row(contender, values, function="a", each=50, dimension=2, failed=False):
    runs = [
        {"at": [1, 10], "value": list(value), "budget": 100, "seconds": 0.5, "evaluations": 100, "ending": "spent"}
        for value in values
    ]
    runs[0]["ending"] = "failed: ValueError" if failed else "spent"
    head = {"suite": "toy", "contender": contender, "dimension": dimension, "each": each, "function": function}
    return {**head, "date": "2026-11-28", "processor": "abacus", "package": "evokit 1", "runs": runs}


class Toy:
    name, kind, targets, budgets = "toy", "toy", np.array([100.0, 1.0]), (50, 500)
    score = Suite.score
    functions = {"a": "first", "b": "second"}  # noqa: RUF012 - as suites have them


@pytest.fixture
def toy(monkeypatch):
    def nothing(record, seed):
        raise AssertionError("nothing is measured here")

    made = (Contender("ours", "toy", nothing, own=True), Contender("theirs", "toy", nothing))
    monkeypatch.setattr(contenders, "CONTENDERS", made)
    return Toy()


def test_a_table_tells_the_difference_to_the_best_peer(toy, tmp_path):
    store = Store(tmp_path)
    for function in toy.functions:
        store.put(row("ours", [(50.0, 0.5), (50.0, 0.5)], function))  # both targets: at 1 and at 10
        store.put(row("theirs", [(50.0, 2.0), (200.0, 50.0)], function, failed=True))  # one: at 1, and at 10
    (cell,) = summed_up(store, toy)["cells"][-1:]
    ours, theirs = cell["contenders"]
    assert (ours["name"], ours["area"]) == ("ours", 0.75)
    assert (theirs["name"], theirs["area"], theirs["failed"]) == ("theirs", 0.375, 2)
    assert ours["to_best_peer"] == 0.375
    assert ours["groups"] == {"first": 0.75, "second": 0.75}
    assert "| **ours** | 0.750 [0.750, 0.750] | +0.375" in markdown(cell)


def test_the_page_holds_a_search_against_the_peer_that_does_the_same(toy, tmp_path, monkeypatch):
    monkeypatch.setitem(contenders.SAME, "ours", "theirs")
    store = Store(tmp_path)
    for function, theirs in zip(toy.functions, (2.0, 0.5), strict=True):
        store.put(row("ours", [(50.0, 0.5)] * 2, function))
        store.put(row("theirs", [(50.0, theirs)] * 2, function))
    suite = summed_up(store, toy) | {"suite": "tsp", "command": "do", "date": "today", "processors": [], "packages": []}
    (ours,) = (one for one in suite["cells"][-1]["contenders"] if one["name"] == "ours")
    # On the first function theirs reaches one target of two, on the second both, as ours does.
    assert ours["same"] == {"peer": "theirs", "groups": {"first": [0.25, [0.25, 0.25]], "second": [0.0, [0.0, 0.0]]}}
    assert "| **ours** | theirs | +0.250 [+0.250, +0.250] | +0.000 [+0.000, +0.000] |" in search_tables.tables(suite)


def test_what_runs_tell_beside_their_values_is_that_of_the_budget(toy, tmp_path):
    store = Store(tmp_path)
    for function in toy.functions:
        ours = row("ours", [(50.0, 0.5), (50.0, 0.5)], function, each=500)
        for run, further in zip(ours["runs"], (0.25, 0.75), strict=True):
            run.update(budget=50, igd_plus=[4.0, further])
        store.put(ours)
        store.put(row("theirs", [(50.0, 0.5)], function, each=500))
    small, large = summed_up(store, toy)["cells"]
    told = [one for cell in (small, large) for one in cell["contenders"] if one["name"] == "ours"]
    assert [one["igd_plus"] for one in told] == [4.0, 0.5]
    assert "population" not in told[0]
    lines = markdown(large).splitlines()
    assert lines[0].endswith("| CPU s a run | IGD+ |")
    assert {line.rsplit("|", 2)[1].strip() for line in lines[2:]} == {"0.5", ""}


def test_a_run_of_a_large_budget_holds_that_of_a_smaller_one_unless_it_was_told(toy, tmp_path, monkeypatch):
    store = Store(tmp_path)
    for function in toy.functions:
        one = {"at": [1, 10, 60], "value": [50, 1, 0.1], "budget": 500, "seconds": 1, "ending": "spent"}
        store.put(row("ours", [(50.0, 0.5)], function, each=500) | {"runs": [one]})
    small, large = summed_up(store, toy)["cells"]
    assert (small["each"], large["each"]) == (50, 500)
    assert small["contenders"][0]["median"] == 1, "what was found after the 50th evaluation is left out"
    assert large["contenders"][0]["median"] == 0.1
    told = Contender("ours", "toy", contenders.CONTENDERS[0].run, own=True, told=True)
    monkeypatch.setattr(contenders, "CONTENDERS", (told,))
    assert [cell["each"] for cell in summed_up(store, toy)["cells"]] == [500]


def test_who_has_not_all_functions_is_named_and_not_compared(toy, tmp_path):
    store = Store(tmp_path)
    for function in toy.functions:
        store.put(row("ours", [(50.0, 0.5)], function))
    store.put(row("theirs", [(50.0, 0.5)], "a"))
    cell = summed_up(store, toy)["cells"][-1]
    assert [one["name"] for one in cell["contenders"]] == ["ours"]
    assert cell["unfinished"] == {"theirs": 1}
    assert heading("toy", cell).endswith("2 functions; theirs has 1 of them")
    assert heading("toy", cell | {"unfinished": {"theirs": 0}}).endswith("2 functions; not measured: theirs")


def test_what_a_kill_left_of_a_line_is_measured_again(tmp_path):
    store = Store(tmp_path)
    store.put(row("ours", [(50.0, 0.5)], "a"))
    path = tmp_path / "toy" / "ours.jsonl"
    with path.open("a") as file:
        file.write('{"suite": "toy", "contender": "ou')
    store = Store(tmp_path)
    assert list(store.rows) == [("toy", "ours", 2, 50, "a")]
    store.put(row("ours", [(50.0, 0.5)], "b"))
    assert len(Store(tmp_path).rows) == 2


# --- the command


def test_a_whole_call_measures_what_is_missing_and_a_page_shows_it(tmp_path, capsys):
    words = ["--suite", "knapsack", "--dimensions", "8", "--budgets", "50", "--runs", "2", "--out", str(tmp_path)]
    only = ["--only", "generational", "random_search", "deap_bits"]
    functions = ["--functions", "strongly", "subset_sum"]
    assert main([*words, *only, *functions]) == 0
    assert "6 of 6 pieces are to be measured" in capsys.readouterr().out
    assert main([*words, *only, *functions]) == 0
    assert "0 of 6 pieces are to be measured" in capsys.readouterr().out
    assert (tmp_path / "knapsack_8_50.png").stat().st_size > 10_000
    kept = tmp_path / "kept.json"
    assert main(["--suite", "knapsack", "--out", str(tmp_path), "--table", "--json", str(kept)]) == 0
    result = json.loads(kept.read_text())
    names = [one["name"] for one in result["cells"][0]["contenders"]]
    assert sorted(names) == ["deap_bits", "generational", "random_search"]
    page = search_tables.tables(result)
    assert "to deap_bits" in page
    assert "**generational**" in page


def test_a_name_that_is_not_there_is_told_with_those_that_are(tmp_path, capsys):
    assert main(["--only", "cam", "--out", str(tmp_path)]) == 2
    assert "bbob has no contender cam; it has cma, de" in capsys.readouterr().err


@pytest.mark.parametrize(("suite", "function", "dimension"), [("bbob", "8", 5), ("pbo", "18", 16), ("pbo", "21", 16)])
def test_problems_of_ioh_have_their_optimum_at_zero(suite, function, dimension):
    pytest.importorskip("ioh", reason=BENCH)
    problem = SUITES[suite].problem(function, dimension, 2)
    rng = np.random.default_rng(0)
    random = rng.random((500, dimension))
    points = random * 10 - 5 if suite == "bbob" else random < 0.5
    values = problem.values(points)
    assert values.shape == (500,)
    assert values.min() > 0
    if suite == "pbo":
        assert values.mean() == pytest.approx(1, abs=0.1)
        every = np.array(list(itertools.product((False, True), repeat=dimension)))
        assert problem.values(every).min() == pytest.approx(0, abs=1e-9)


def test_the_page_says_what_the_median_of_every_suite_is():
    assert set(search_tables.MEDIAN) == set(SUITES)
