import json
import math
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import evokit
from evokit import Bits, Evaluation, UserError
from evokit.errors import RunFailed
from evokit.fitnesses.sphere import Sphere
from evokit.runs import controls
from evokit.runs import run as running

from . import user_module

BOX = {"low": -1, "high": 1, "dimensions": 2}


def square(x):
    return float((x**2).sum())


def test_a_lambda_over_a_box_is_solved():
    run = evokit.minimize(lambda x: ((x - 0.25) ** 2).sum(), **BOX, work=80)
    assert run.best == pytest.approx([0.25, 0.25], abs=1e-4)
    assert run.best_value == pytest.approx(0, abs=1e-6)


def test_the_function_itself_is_called_and_may_change_what_it_gets():
    seen = []

    def note(x):
        seen.append(x.copy())
        x *= 0
        return seen[-1].sum()

    run = evokit.minimize(note, low=[0, 1], high=[1, 3], search={"name": "random_search", "batch": 4}, work=20)
    assert run.summary["evaluations"]["measured"] == 20
    assert all(0 <= a <= 1 <= b <= 3 for a, b in seen)
    assert run.best_value == pytest.approx(run.best.sum())


@pytest.mark.parametrize(
    "space", [{"x": evokit.Float(-1, 1), "o": evokit.Choice(["a", "b"])}, {"o": evokit.Int(0, 99)}]
)
def test_a_function_that_is_never_a_number_is_told_in_one_sentence(space):
    with pytest.raises(RunFailed, match=r"nothing valid is left after generation .*: the fitness is not a number"):
        evokit.minimize(lambda params: math.nan, space, work=10)


def test_two_seeds_differ_and_one_is_itself():
    values = [
        evokit.minimize(square, **BOX, search="random_search", work=10, seed=seed).best_value for seed in (0, 0, 1)
    ]
    assert values[0] == values[1] != values[2]


def test_what_is_large_is_found():
    run = evokit.maximize(lambda bits: bits.sum(), Bits(12), work=150)
    assert (run.best_value, run.best.all()) == (12, True)


def test_a_space_gives_a_mapping_of_one_s_own_and_parameters_by_name():
    def cost(lr, layers, kind="a"):
        return abs(math.log10(lr) + 2) + abs(layers - 3) + (kind == "a")

    space = {"lr": evokit.Float(1e-5, 1, log=True), "layers": evokit.Int(1, 8), "kind": evokit.Choice(["a", "b"])}
    run = evokit.minimize(cost, space, work=60)
    assert run.best_value == cost(**run.best)
    assert (run.best["layers"], run.best["kind"]) == (3, "b")
    assert evokit.minimize(lambda p: cost(p.pop("lr"), **p), space, work=60).best == run.best


def test_a_decorated_function_says_it_all(tmp_path):
    run = evokit.minimize(user_module.train, work=40, directory=tmp_path / "run")
    assert run.best["layers"] == 3
    assert user_module.train({"layers": 3, "lr": 0.5}, 1) == 0.5
    recipe = run.recipe.to_yaml()
    assert "function: tests.calls.user_module:train" in recipe
    (tmp_path / "handed_on.yaml").write_text(recipe)
    assert evokit.run(tmp_path / "handed_on.yaml").best == run.best
    with pytest.raises(UserError, match=r"train says it is to be evokit\.minimize"):
        evokit.maximize(user_module.train, work=40)


def test_several_objectives_give_a_front():
    run = evokit.minimize(
        lambda x: (x[0] ** 2, (x[0] - 1) ** 2),
        low=-2,
        high=2,
        objectives=("near_0", "near_1"),
        search="nsga2",
        generations=3,
    )
    assert len(run.front) > 1
    assert all(values == (x[0] ** 2, (x[0] - 1) ** 2) for x, values in run.front)
    assert run.summary["objectives"] == {"near_0": "min", "near_1": "min"}


@pytest.mark.parametrize(
    ("function", "constraints"),
    [
        (lambda x: (x.sum(), [0.5 - x[0]]), 1),
        (lambda x: (x.sum(), [0.5 - x[0]]), ["share"]),
        (lambda x: x.sum(), [lambda x: 0.5 - x[0]]),
        (lambda x: Evaluation((x.sum(),), work=1, constraints=(0.5 - x[0],)), 1),
    ],
)
def test_constraints_are_kept_to(function, constraints):
    run = evokit.minimize(function, low=0, high=2, dimensions=2, constraints=constraints, work=40)
    assert run.best == pytest.approx([0.5, 0], abs=1e-3)
    assert run.best[0] >= 0.5


def test_budgets_are_the_second_argument():
    asked = set()

    def noisy(x, budget):
        asked.add(budget)
        return square(x) + 1 / budget

    race = {"name": "race", "rungs": [1], "keep": 0.5}
    run = evokit.minimize(
        noisy, **BOX, budgets=(1, 8), screens=[race], search={"name": "generational", "population": 4}, generations=2
    )
    assert asked == {1, 8}
    assert run.best_value == pytest.approx(square(run.best) + 1 / 8)


def test_what_its_budgets_count_is_told():
    def trained(x, epochs):
        return square(x) + 1 / epochs

    told = {"budgets": (1, 8), "work_unit": "epochs"}
    run = evokit.minimize(trained, **BOX, **told, work=80)
    declared = evokit.minimize(evokit.fitness(minimize="loss", **told)(trained), **BOX, work=80)
    assert run.summary["work_unit"] == declared.summary["work_unit"] == "epochs"
    assert "work (epochs)" in " ".join(run.report().split())


def test_what_is_no_path_opens_no_run():
    with pytest.raises(UserError, match="directory: must be a path, got 5"):
        evokit.open(5)


def test_a_decorator_without_its_names_is_told_how_it_is_written():
    with pytest.raises(UserError, match=r'takes names, and then the function: @evokit\.fitness\(minimize="loss"\)'):
        evokit.fitness(square)


def test_rows_of_repeats_are_those_of_one(tmp_path):
    run = evokit.minimize(square, **BOX, search="cma", generations=1, repeats=2, directory=tmp_path / "run")
    with pytest.raises(UserError, match=r"has repeats; evokit\.open\(.*repeat-\d'\) is that of the best champion"):
        list(run.rows())


def test_many_at_once():
    sizes = []

    def squares(points):
        sizes.append(points.shape)
        return (points**2).sum(axis=1)

    run = evokit.minimize(squares, **BOX, vectorized=True, search={"name": "de", "population": 10}, generations=3)
    assert (10, 2) in sizes
    assert run.best_value == square(run.best)


def test_a_failing_point_is_a_row_and_no_parent():
    def half(x):
        if x[0] > 0:
            raise ArithmeticError("not here")
        return x[0]

    run = evokit.minimize(half, low=-1, high=1, dimensions=1, search={"name": "random_search", "batch": 8}, work=16)
    outcomes = [row["outcome"] for row in run.rows()]
    assert {"ok", "raised"} == set(outcomes)
    assert run.best[0] <= 0


def test_workers_change_no_number_and_a_script_needs_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import evokit, sys\n"
        "def cost(x): return ((x - 0.25) ** 2).sum()\n"
        "for workers in (1, 2):\n"
        "    run = evokit.minimize(cost, low=-1, high=1, dimensions=2, search='cma', generations=2, workers=workers)\n"
        "    print(run.best_value)\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    one, two = ended.stdout.split()
    assert one == two


def test_a_script_whose_worker_dies_is_not_run_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import evokit, os\n"
        "print('begun', flush=True)\n"
        "def cost(x):\n"
        "    if x[0] > 0.5: os._exit(1)\n"
        "    return x[0]\n"
        "search = {'name': 'random_search', 'batch': 8}\n"
        "run = evokit.minimize(cost, low=0, high=1, dimensions=1, search=search, work=16, workers=2)\n"
        "print(sum(row['outcome'] == 'worker_died' for row in run.rows()) > 2)\n"
    )
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["begun", "True"], ended.stderr


def test_a_named_directory_goes_on_and_is_done(tmp_path):
    calls = []

    def noted(x):
        calls.append(x)
        return square(x)

    whole = evokit.minimize(square, **BOX, search="cma", generations=4)
    evokit.minimize(square, **BOX, search="cma", generations=2, directory=tmp_path / "run")
    longer = evokit.minimize(square, **BOX, search="cma", generations=4, directory=tmp_path / "run")
    assert (longer.best_value, list(longer.best)) == (whole.best_value, list(whole.best))
    with pytest.raises(UserError, match=r"recipe changed .*fitness\.digest"):
        evokit.minimize(noted, **BOX, search="cma", generations=6, directory=tmp_path / "run")


def test_a_function_that_can_only_be_here_runs_here(tmp_path):
    import threading

    lock = threading.Lock()

    def locked(x):
        with lock:
            return square(x)

    assert evokit.minimize(locked, **BOX, search="cma", generations=1, directory=tmp_path / "run").best is not None
    assert evokit.open(tmp_path / "run").best is not None
    with pytest.raises(UserError, match=r"cannot be sent to workers .*put it into a module of its own"):
        evokit.minimize(locked, **BOX, search="cma", generations=1, workers=2)


@dataclass(frozen=True)
class Distance:
    """A fitness that says no more than it must."""

    to: float = 0.5
    objectives: ClassVar = {"distance": "min"}

    def evaluate_one(self, vector, budget):
        return float(np.abs(vector - self.to).sum())


def test_a_fitness_is_as_good_as_a_function():
    run = evokit.minimize(Distance(0.25), **BOX, search="cma", generations=10)
    assert run.best == pytest.approx([0.25, 0.25], abs=0.1)
    assert run.summary["objective"] == {"name": "distance", "goal": "min"}
    assert evokit.minimize(Sphere(), **BOX, search="cma", generations=1).summary["objective"]["name"] == "distance"
    assert evokit.minimize("sphere", **BOX, search="cma", generations=1).recipe.fitness.name == "sphere"


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"low": 0, "high": 1}, "say how long to search: work=200"),
        ({"low": 0, "high": 1, "works": 20}, "works: there is no such keyword; did you mean 'work'?"),
        ({"work": 9}, "say where to search"),
        ({"space": {"a": evokit.Int(1, 2)}, "low": 0, "work": 9}, "low, high and dimensions belong to a vector"),
        ({"space": 7, "work": 9}, "7 is no space and no genome"),
        ({"space": {"a": 1j}, "work": 9}, "the space: parameters.a: must be a parameter"),
        ({**BOX, "search": "cmma", "work": 9}, "unknown search 'cmma'; did you mean 'cma'"),
        ({**BOX, "wrkers": 2, "work": 9}, "wrkers: there is no such keyword; did you mean 'workers'"),
        ({**BOX, "work": math.nan}, "stop.work: nan has no place in a recipe"),
        ({**BOX, "work": 9, "stop": {"work": 7}}, "work: 9, but stop says work: 7; say one of them"),
        ({**BOX, "work": 9, "stop": 7}, 'stop: must say what ends the search, such as {"seconds": 60}, got 7'),
        ({**BOX, "work": 9, "budgets": 5}, "budgets: must be ascending units of work, .* got 5"),
        ({"low": 0, "high": 1, "dimensions": 0, "work": 9}, "dimensions: must be a whole number, at least 1, got 0"),
        ({**BOX, "work": 9, "objectives": ("a", "a")}, r"objectives: each needs a name of its own, got \['a', 'a'\]"),
        ({**BOX, "work": 9, "directory": 5}, "directory: must be a path, got 5"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(keywords, said):
    with pytest.raises(UserError, match=said):
        evokit.minimize(square, **keywords)


@pytest.mark.parametrize("answer", ["abc", None, {"loss": 3.0}, (1.0, 2.0), [], np.zeros(3)])
def test_an_answer_that_is_no_number_is_told_of_the_function(answer):
    def cost(x):
        return answer

    with pytest.raises(UserError, match=r"cost \(.*the function returned .*; it returns a number; of several values"):
        evokit.minimize(cost, **BOX, work=9)
    with pytest.raises(UserError, match="it returns 4 numbers, one for each of a, b, c, d"):
        evokit.minimize(cost, **BOX, work=9, objectives=dict.fromkeys("abcd", "min"))


def test_what_is_no_function_is_refused():
    with pytest.raises(UserError, match="neither a function nor a fitness"):
        evokit.minimize(3, **BOX, work=9)


def test_lists_and_groups_are_the_functions_own_to_change():
    def emptied(p):
        total = sum(p["x"]) + p["group"]["y"]
        p["x"].clear()
        p["group"].clear()
        return total

    space = {"x": evokit.Float(0, 1, length=3), "group": {"y": evokit.Float(0, 1)}}
    run = evokit.minimize(emptied, space, work=20)
    assert run.best_value == pytest.approx(sum(run.best["x"]) + run.best["group"]["y"])


@pytest.mark.parametrize("search", ["auto", "steady_state"])
def test_a_space_that_is_known_altogether_ends_the_run(search, monkeypatch):
    monkeypatch.setattr(running, "IDLE", 30)
    monkeypatch.setattr(controls, "IDLE", 30)
    run = evokit.minimize(
        lambda x, c: x,
        {"x": evokit.Int(1, 3), "c": evokit.Choice(["a", "b"])},
        work=60,
        search=search,
        baselines=["random_search"],
    )
    assert run.best_value == 1
    assert run.summary["stopped"] == "nothing that 30 generations asked for was new"
    assert run.summary["evaluations"]["measured"] == 6
    assert run.summary["baselines"][0]["validation"] == 1


def test_a_first_point_that_fails_is_not_the_end():
    def half(x):
        if x > 0.3:
            raise ValueError("no")
        return x

    assert evokit.minimize(half, {"x": evokit.Float(0, 1)}, work=40, seed=3).best_value < 0.3


class First:
    """A fitness that tells where a vector begins."""

    objectives: ClassVar = {"value": "min"}

    def evaluate_one(self, vector, budget):
        return Evaluation((square(vector),), metrics={"first": float(vector[0])}, work=budget)


@pytest.mark.parametrize(
    "search",
    [
        "steady_state",
        "generational",
        "de",
        "cma",
        "snes",
        "pgpe",
        "regularised",
        "mu_plus_lambda",
        "nsga2",
        "map_elites",
    ],
)
def test_no_generation_begins_once_the_work_is_spent_and_the_last_is_whole(search):
    """So a run is beyond its work by less than a generation, which for the first is all of it."""

    def pair(x):
        return square(x), -square(x)

    descriptors = [{"metric": "first", "low": -1, "high": 1}]
    told = {"name": search} | ({"descriptors": descriptors, "offset": 9} if search == "map_elites" else {})
    function = {"map_elites": First(), "nsga2": pair}.get(search, square)
    run = evokit.minimize(function, **BOX, search=told, work=100, objectives=2 if search == "nsga2" else None)
    lines = (run.directory / "metrics.jsonl").read_text().splitlines()
    measured = [0, *(json.loads(line)["evaluations"]["measured"] for line in lines)]
    assert measured[-2] < 100 <= measured[-1]
    assert run.summary["stopped"] == f"{measured[-1]} units of work spent (stop.work 100)"
    if search == "steady_state":
        assert measured == [0, 128]  # as its docstring says
