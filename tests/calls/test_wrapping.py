import random

import numpy as np
import pytest
from deap import base, creator

import evokit
from evokit import UserError
from evokit.contracts.global_generators import global_states
from evokit.genomes.toolbox import Script, loaded
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of
from tests.small import killed_after

from .deap_scripts import SCRIPTS, as_deap_runs_it, onemax, strategy, symbolic_regression

pytestmark = pytest.mark.filterwarnings("ignore:A class named:RuntimeWarning")  # scripts are many in one process
SMALL = {"population": 8, "generations": 3, "cxpb": 0.7, "mutpb": 0.4}


@pytest.fixture(params=SCRIPTS)
def toolbox(request):
    return SCRIPTS[request.param]()


def rows(run):
    with ledger_of(run.directory / "ledger.sqlite") as ledger:
        return [(row.key, row.evaluation.values, row.generation) for row in ledger.rows("search")]


def test_a_killed_run_goes_on_as_a_whole_one(toolbox, tmp_path):
    whole = evokit.wrap(toolbox, **SMALL, directory=tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "add", killed_after(12))
        with pytest.raises(KeyboardInterrupt):
            evokit.wrap(toolbox, **SMALL, directory=tmp_path / "killed")
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002 - which a script's functions would read
    again = evokit.wrap(toolbox, **SMALL, directory=tmp_path / "killed")
    assert rows(again) == rows(whole)
    assert again.best_value == whole.best_value
    assert type(again.best) is type(toolbox.population(n=1)[0])


@pytest.mark.parametrize("script", [symbolic_regression, strategy])
def test_workers_change_nothing(script, tmp_path):
    run = evokit.wrap(script(), **SMALL)
    assert rows(evokit.wrap(script(), **SMALL, workers=2, directory=tmp_path / "two")) == rows(run)


def test_an_individual_is_itself_again_in_every_process(toolbox):
    script = Script(toolbox)
    there = loaded(script.dumped())
    rng = np.random.default_rng(0)
    a, b = script.random(rng), script.random(rng)
    for genes in (a, b, *script.vary("mate", rng, a, b), *script.vary("mutate", rng, a)):
        copy = there.codec.read(genes)
        assert there.codec.write(copy) == genes
        assert toolbox.evaluate(script.codec.read(genes)) == there.functions["evaluate"](copy)
        assert not copy.fitness.valid
        assert copy.fitness.weights == script.codec.read(genes).fitness.weights
    assert script.random(np.random.default_rng(0)) == there.random(np.random.default_rng(0))


def test_parents_stay_and_nobody_shares_what_they_hold():
    script = Script(strategy())
    rng = np.random.default_rng(0)
    a, b = script.random(rng), script.random(rng)
    before = (repr(a), repr(b))
    first, _ = script.vary("mate", rng, a, b)
    assert (repr(a), repr(b)) == before
    assert first != a
    assert first["with"]["strategy"] != a["with"]["strategy"]


@pytest.mark.parametrize("name", ["onemax", "strategy"])
def test_it_finds_what_deaps_own_loop_finds(name):
    """Elites stay and nobody is measured twice, so that it is ahead of ``eaSimple`` at the same settings."""
    toolbox, sign = SCRIPTS[name](), -1 if name == "onemax" else 1
    ours = sign * evokit.wrap(toolbox, population=24, generations=12).best_value
    theirs = [sign * as_deap_runs_it(toolbox, 24, 12, 0.5, 0.2, seed) for seed in range(5)]
    assert ours <= np.median(theirs)


def test_the_global_generators_are_left_alone():
    toolbox = onemax()
    before = global_states()
    evokit.wrap(toolbox, population=4, generations=1)
    assert global_states() == before


def test_a_noisy_evaluate_draws_from_the_run_s_seed():
    toolbox = onemax()
    toolbox.register("evaluate", lambda one: (sum(one) + random.random() + np.random.rand(),))  # noqa: NPY002
    runs = [evokit.wrap(toolbox, population=6, generations=2, seed=seed) for seed in (0, 0, 1)]
    values = [[value for _, value, _ in rows(run)] for run in runs]
    assert values[0] == values[1] != values[2]
    assert {value % 1 for (value,) in values[0]} != {0}


def test_controls_ask_the_same_toolbox():
    run = evokit.wrap(onemax(), population=8, generations=4, baselines=["random_search"], objectives="ones")
    assert run.summary["objective"] == {"name": "ones", "goal": "max"}
    assert run.summary["baselines"][0]["work"] >= 24
    assert "random_search" in run.report()


def test_several_objectives_have_a_front_of_the_script_s_individuals():
    run = evokit.wrap(SCRIPTS["knapsack"](), population=12, generations=5, objectives=("weight", "value"))
    assert run.summary["objectives"] == {"weight": "min", "value": "max"}
    assert all(type(one.solution).__name__ == "Individual" for one in run.front)
    assert run.plot().axes[0].get_xlabel() == "weight (min)"


def test_a_strategy_runs_under_an_evolution_strategy():
    run = evokit.wrap(strategy(), search={"name": "mu_comma_lambda", "population": 5, "offspring": 20}, generations=5)
    assert len(run.best.strategy) == 5


def test_it_is_opened_again_without_its_script(tmp_path):
    run = evokit.wrap(onemax(), population=6, generations=2, directory=tmp_path / "run")
    again = evokit.open(tmp_path / "run")
    assert list(again.best) == list(run.best)
    assert sum(again.best) == again.best_value


def test_an_evaluate_that_raises_has_failed_and_ends_nothing():
    toolbox = onemax()

    def picky(individual):
        if individual[0]:
            raise ZeroDivisionError("too picky")
        return (sum(individual),)

    toolbox.register("evaluate", picky)
    run = evokit.wrap(toolbox, population=12, generations=3)
    assert run.best[0] == 0
    assert run.summary["evaluations"]["failed"] > 0


def register(name, function):
    toolbox = onemax()
    toolbox.register(name, function)
    return toolbox


def without(name):
    toolbox = onemax()
    toolbox.unregister(name)
    return toolbox


def bare():
    toolbox = onemax()
    toolbox.register("individual", list, [0, 1])
    return toolbox


def neutral():
    creator.create("Nothing", base.Fitness, weights=(0.0,))
    creator.create("Neutral", list, fitness=creator.Nothing)
    return register("individual", lambda: creator.Neutral([1, 0]))


def in_hand(individual):
    return individual


def misses(individual):
    raise IndexError("list index out of range")


@pytest.mark.parametrize(
    ("toolbox", "message"),
    [
        (lambda: without("evaluate"), "has no evaluate: register it"),
        (lambda: without("mate"), "has no mate"),
        (lambda: without("select"), "has no select: register it, or name another selection"),
        (lambda: register("mutate", in_hand), r"toolbox\.mutate returned .* one individual: return individual,"),
        (lambda: register("mutate", misses), r"IndexError: list index out of range .*test_wrapping\.py"),
        (lambda: register("select", lambda some, k: [1] * k), "returned somebody"),
        (bare, "is a list without a fitness"),
        (neutral, "one is 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(toolbox, message):
    with pytest.raises(UserError, match=message):
        evokit.wrap(toolbox(), population=6, generations=3, cxpb=1, mutpb=1)


def test_a_pool_s_map_is_no_hindrance():
    toolbox = onemax()

    class Pool:
        def map(self, function, *some):
            raise AssertionError("not used")

        def __reduce__(self):
            raise NotImplementedError("pool objects cannot be passed between processes")

    pool = Pool()
    toolbox.register("map", pool.map)
    mine = toolbox.map
    assert evokit.wrap(toolbox, population=4, generations=1).status == "done"
    assert toolbox.map is mine
