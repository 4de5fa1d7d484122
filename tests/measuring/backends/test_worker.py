import logging
import pickle
import resource

import pytest

from evokit.errors import RunFailed
from evokit.measuring.backends import worker
from evokit.measuring.execution import Task
from evokit.recipe import load_recipe

ONEMAX = """\
fitness: {name: onemax}
genome: {name: bits, length: 4}
search: {name: random_search, generations: 1}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "recipe.yaml").write_text(ONEMAX)
    return tmp_path


@pytest.fixture
def limits(monkeypatch):
    """Limits that are set, none of which takes hold."""
    set_to = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: set_to.append((which, limits)))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (5, 2**40))
    return set_to


def digest(folder):
    return load_recipe(folder / "recipe.yaml").digest


def test_a_workplace_is_that_of_the_run_on_disk_and_built_once(folder):
    place = worker.workplace(folder, digest(folder))
    assert place.directory.path == folder
    assert worker.workplace(folder, digest(folder)) is place


def test_a_recipe_that_changed_while_the_run_was_at_work_is_refused(folder):
    then = digest(folder)
    (folder / "recipe.yaml").write_text(ONEMAX.replace("4", "5"))
    with pytest.raises(RunFailed, match=r"recipe.yaml or a local plugin was changed while the run was at work"):
        worker.workplace(folder, then)


def test_an_answer_is_evaluations_and_what_was_logged(folder):
    place = worker.workplace(folder, digest(folder))
    genes = [place.parts.genome.from_json(bits) for bits in ([1, 1, 0, 1], [0, 0, 0, 0])]
    worker.records().put(logging.makeLogRecord({"msg": "said before"}))
    message = worker.answer(folder, digest(folder), pickle.dumps(Task(genes, 1)))
    evaluations, records = pickle.loads(message)
    assert [one.values for one in evaluations] == [(3.0,), (0.0,)]
    assert [record.msg for record in records] == ["said before"]
    assert worker.records().empty()


def test_the_limit_of_memory_is_in_mebibytes(limits):
    worker.limit_memory(10**6)
    assert limits == [(resource.RLIMIT_DATA, (10**6 * 2**20, 2**40))]


def test_a_limit_below_what_is_held_is_refused(limits):
    with pytest.raises(RunFailed, match=r"before its first individual; execution.memory_mb is 1: raise it"):
        worker.limit_memory(1)
    assert limits == []


def test_data_is_what_the_kernel_says(tmp_path):
    (tmp_path / "status").write_text("VmPeak:\t 9 kB\nVmData:\t   12 kB\n")
    assert worker.data_bytes(tmp_path / "status") == 12 * 1024
    assert worker.data_bytes(tmp_path / "missing") == 0
