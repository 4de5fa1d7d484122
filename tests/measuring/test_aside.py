"""What runs aside, on crews that exist on paper only."""

import pytest

from evokit.errors import RunFailed
from evokit.interfaces import Evaluation
from evokit.measuring.execution import Task
from evokit.measuring.executors import InOrder
from tests.measuring.paper_crew import PaperCrew, outcomes


def aside(*genes, n=2, places=1, retries=1, **how):
    """An executor with tasks aside; who was told what, in that order."""
    crew, told = PaperCrew(n, **how), []
    executor = InOrder(crew, None, retries, places)
    for one in genes:
        executor.aside.add(f"{one}", Task([one], 7), lambda answer, one=one: told.append((one, answer)))
    return executor, crew, told


def mapped(executor, *genes):
    return [outcomes(answer) for answer in executor.map(Task([one], 1) for one in genes)]


def last(n):
    """Whoever began last ends first, so that what runs aside from the beginning goes on for long."""
    return n - 1


def test_without_places_nothing_runs_aside():
    assert InOrder(PaperCrew(2), None, 1).aside is None


def test_what_runs_aside_begins_first_and_leaves_the_others_their_workers():
    executor, crew, told = aside(10, 20, 30, n=3, places=2, choose=last)
    assert mapped(executor, 1, 2, 3) == [[1.0], [2.0], [3.0]]
    assert [genes for genes, _ in crew.begun] == [[10], [20], [1], [2], [3]]
    assert told == []
    assert [task.genes for task in crew.busy.values()] == [[10], [20]]  # which go on


def test_what_is_waited_for_has_all_workers():
    executor, crew, told = aside(10, 20, 30)
    executor.aside.wait()
    assert len(crew.begun) == 2
    executor.aside.wait()
    executor.aside.wait()
    assert [(one, outcomes(answer)) for one, answer in told] == [(10, [10.0]), (20, [20.0]), (30, [30.0])]


def test_a_map_waits_for_a_worker_where_all_are_taken():
    executor, crew, told = aside(10, 20, 30)
    executor.aside.wait()
    crew.n = 1  # taken by the one that goes on
    assert mapped(executor, 1, 2) == [[1.0], [2.0]]
    assert [one for one, _ in told] == [10, 20, 30]


def test_a_map_that_is_given_up_ends_its_own_tasks_alone():
    executor, crew, _ = aside(10, n=3)
    answers = executor.map([Task([1], 1), Task([2], 1), Task([3], 1)])
    crew.choose = lambda n: 1
    next(answers)
    answers.close()
    assert [task.genes for task in crew.busy.values()] == [[10]]


@pytest.mark.parametrize("retries", [0, 2])
def test_one_aside_that_loses_its_worker_is_tried_again(retries):
    executor, crew, told = aside("timed_out", retries=retries)
    while not told:
        executor.aside.wait()
    assert len(crew.begun) == 1 + retries
    ((_, (one,)),) = told
    assert one.message == ("gone" if retries == 0 else "gone, 3 times")


def test_an_error_aside_is_told_to_its_owner_alone(monkeypatch):
    executor, crew, told = aside(10, choose=lambda n: 0)
    wrong = RunFailed("a worker cannot go on")
    monkeypatch.setattr(crew, "measure", lambda task: wrong if task.genes == [10] else [Evaluation((1.0,))])
    assert mapped(executor, 1, 2) == [[1.0], [1.0]]
    assert told == [(10, wrong)]
    with pytest.raises(RunFailed, match="cannot go on"):
        mapped(executor, 10)


def test_cpu_seconds_aside_are_counted_once_by_label(monkeypatch):
    executor, crew, _ = aside(10, 20, places=2, used={10: 3.0, 20: 1.0})
    took = executor.aside.took
    assert took() == {}
    executor.aside.begin()
    assert {label: one.cpu_s for label, one in took().items()} == {"10": 3.0, "20": 1.0}
    assert {label: one.cpu_s for label, one in took().items()} == {"10": 0.0, "20": 0.0}
    crew.used[10] = 4.0
    monkeypatch.setattr(crew, "measure", lambda task: [Evaluation((1.0,), cpu_s=4.5)])
    executor.aside.wait()
    assert {label: one.cpu_s for label, one in took().items()} == {"10": 1.5, "20": 0.0}
    assert list(took()) == ["20"]


def test_of_a_lost_worker_nobody_knows_more_than_at_the_last_look():
    executor, _, told = aside("worker_died", retries=0, used={"worker_died": 2.0})
    executor.aside.begin()
    first = executor.aside.took()["worker_died"].cpu_s
    executor.aside.wait()
    assert len(told) == 1
    assert (first, executor.aside.took()["worker_died"].cpu_s) == (2.0, 0.0)
