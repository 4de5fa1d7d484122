"""In each generation individuals that fail, one in each way: they harm nobody."""

import sqlite3
from contextlib import closing

import pytest

from tests.faults.harness import each_backend, finish, on, summary_of, write_recipe
from tests.toy_plugin import FAULTS

GENERATIONS = 2
RECIPE = """\
seed: 2
plugins: [./toy_plugin.py]
data: {name: points}
fitness: {name: squares}
genome: {name: real_vector, length: 2, low: -3, high: 9}
search: {name: sabotaged, population: 20, generations: 2, elites: 1}
crossover: {name: uniform}
mutation: {name: gaussian}
execution: {batch: 5}
"""
CATCHABLE = list(FAULTS)[:3]  # by the process in which they happen
LIMITS = ("execution.timeout_s=0.5", "execution.memory_mb=2000")


@pytest.fixture
def recipe(tmp_path):
    return write_recipe(tmp_path, RECIPE)


def faults_on(backend):
    return CATCHABLE if backend == "inline" else list(FAULTS)


def rows(out):
    """(generation, born by, outcome, values, message) of each measured individual, in their order."""
    query = """SELECT e.generation, operator, outcome, value_list, message FROM evaluations AS e
        JOIN individuals AS i ON (i.phase, i.generation, i.key) = (e.phase, e.generation, e.key)
        WHERE e.phase = 'search' ORDER BY seq"""
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        return db.execute(query).fetchall()


@each_backend()
def test_each_failure_is_recorded_with_its_type_and_changes_nothing_else(recipe, tmp_path, backend):
    faults = faults_on(backend)
    overrides = [*on(backend, 2), f"search.faults={faults}", *(LIMITS if backend != "inline" else ())]
    finish(recipe, tmp_path / "failing", *overrides)
    finish(recipe, tmp_path / "saying", *on("inline", 1), f"search.faults={faults}", "fitness.says=true")

    failing, saying = rows(tmp_path / "failing"), rows(tmp_path / "saying")
    planned = [(generation, fault, FAULTS[fault][0]) for generation in range(GENERATIONS) for fault in faults]
    assert [row[:3] for row in failing if row[1] in FAULTS] == planned
    assert all(row[4] for row in failing if row[1] in FAULTS)
    assert [row[:4] for row in failing] == [row[:4] for row in saying]
    assert summary_of(tmp_path / "failing")["best"] == summary_of(tmp_path / "saying")["best"]
