"""The benchmark of surrogates: what it counts, and what a page shows of it."""

import numpy as np
import pytest
import surrogate_tables

from benchmarks.surrogates import CASES, Counted, best_front, compared, measured, reached, share
from evokit.fitnesses.zdt1 import ZDT1
from evokit.genomes.individuals import make_individual
from evokit.genomes.real_vector import RealVector


def row(model, run, at, problem="ZDT1"):
    return {"problem": problem, "model": model, "run": run, "at": at, "cpu_s": 1.0, "fit_s": 0.5}


def test_zdt1_is_that_of_the_core(rng):
    points = rng.random((20, 10))
    assert CASES["ZDT1"].make(1)(points) == pytest.approx(ZDT1().evaluate(list(points), 1))


@pytest.mark.parametrize(("name", "expected"), [("ZDT1", 1.1**2 - 1 / 3 - 0.01), ("ZDT2", 1.1**2 - 2 / 3 - 0.01)])
def test_the_hypervolume_of_the_true_front_is_the_integral(name, expected):
    # Above the front of ZDT1, 1 - sqrt(x), lies 2/3 of the unit square, above that of ZDT2, 1 - x², one third.
    assert best_front(CASES[name].make(1), 10) == pytest.approx(expected + 0.01, abs=1e-3)


def test_a_share_of_hypervolume():
    assert share(np.array([[0.0, 0.0], [2.0, 2.0]]), 1.1**2) == pytest.approx(1)
    assert share(np.array([[2.0, 0.0]]), 1.0) == 0


def test_the_evaluation_that_reached_the_target_is_found():
    values = np.array([[9.0], [5.0], [7.0], [3.0], [3.0], [1.0]])
    case = CASES["sphere"]

    def worth(some):
        return -float(some.min())

    for target, at in ((9.0, 1), (5.0, 2), (4.0, 4), (1.0, 6), (0.5, None)):
        assert reached(type(case)("vector", 5, case.make, -target, 10), values, worth) == at


def test_what_is_asked_for_twice_counts_once():
    genome = RealVector(0, 1, 3)
    measure = Counted(lambda points: points.sum(axis=1, keepdims=True), genome.express, np.array([1.0]))
    ones = [make_individual(genome, np.full(3, value), (-1.0,)) for value in (0.1, 0.2, 0.1)]
    measure(ones)
    measure(ones)
    assert measure.work == 2
    assert ones[2].fitness.values == pytest.approx((0.3,))


def test_runs_are_paired_and_who_did_not_reach_counts_as_the_budget():
    budget = CASES["ZDT1"].budget
    rows = [row("none", 1, 400), row("none", 2, None), row("ridge", 1, 200), row("ridge", 2, budget // 2)]
    found = compared([*rows, row("ridge", 3, 7)], "ZDT1", "ridge")
    assert (found["ratio"], found["interval"], found["runs"], found["reached"]) == (0.5, [0.5, 0.5], 2, 2)


def test_a_run_and_the_table_of_it():
    rows = [measured("ZDT1", model, 1) for model in ("none", "ridge")]
    assert all(one["at"] and one["best"] >= CASES["ZDT1"].target for one in rows)
    assert rows[1]["fit_s"] > 0
    case = {"kind": "front", "target": 0.5, "budget": 1500}
    found = [compared(rows, "ZDT1", model) for model in ("none", "ridge")]
    result = {"command": "do", "date": "today", "processor": "a", "cases": {"ZDT1": case, "ZDT2": case}, "found": found}
    page = surrogate_tables.tables(result)
    assert "`do`, today, a." in page
    assert "**ZDT1** (front), share of the hypervolume 0.5 within 1,500 evaluations:" in page
    assert "ZDT2" not in page
    assert "| ridge | 1 of 1 | " in page
