import math
import time

import pytest

from evokit.energy import Meter
from evokit.measuring.backends.inline import Inline
from evokit.measuring.execution import Task
from tests.door import GENOME, OneJob, SumFitness


class Clock:
    """Six seconds between looks."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 6.0
        return self.now


class Card:
    """60 J between looks."""

    name, step_s, poll_s = "card", 1.0, math.inf
    counted = 0.0

    def joules(self):
        self.counted += 60.0
        return self.counted


def genes(*values):
    return [GENOME.from_json([value] * 4) for value in values]


def inline(fitness, clock=None):
    return Inline(OneJob(fitness, GENOME), Meter([], [], 10.0, **({"clock": clock} if clock else {})))


def test_answers_come_in_the_order_of_submission():
    answers = inline(SumFitness()).map([Task(genes(3, 0), 1), Task(genes(2), 1)])
    assert [[one.values for one in answer] for answer in answers] == [[(30.0,), (0.0,)], [(20.0,)]]


def test_a_task_is_one_batch_at_its_budget():
    fitness = SumFitness(budgets=(1, 2))
    list(inline(fitness).map([Task(genes(1, 2), 1), Task(genes(3), 2)]))
    assert [(len(batch), budget) for batch, budget in fitness.batches] == [(2, 1), (1, 2)]


def test_members_share_the_seconds_of_their_batch():
    (answer,) = inline(SumFitness(), Clock()).map([Task(genes(1, 2, 3), 1)])
    assert [one.wall_s for one in answer] == [2.0, 2.0, 2.0]
    assert len({(one.cpu_s, one.energy_j) for one in answer}) == 1


def test_joules_are_measured():
    (answer,) = inline(SumFitness()).map([Task(genes(1), 1)])
    assert answer[0].energy_j == 10.0 * answer[0].cpu_s > 0
    assert answer[0].estimated_j == answer[0].energy_j


def test_members_share_what_was_read_and_what_was_not():
    executor = Inline(OneJob(SumFitness(), GENOME), Meter([Card()], [], 10.0, clock=Clock()))
    (answer,) = executor.map([Task(genes(1, 2, 3), 1)])
    for one in answer:
        assert one.estimated_j == pytest.approx(10.0 * one.cpu_s)
        assert one.energy_j - one.estimated_j == pytest.approx(20.0)


def test_failures_cost_time_too():
    (answer,) = inline(SumFitness(fails=lambda one: "diverged"), Clock()).map([Task(genes(1), 1)])
    assert (answer[0].outcome, answer[0].wall_s) == ("diverged", 6.0)


def test_slow_tasks_are_evaluated_only_as_answers_are_taken(monkeypatch):
    monkeypatch.setattr("evokit.measuring.backends.inline.TOGETHER_S", 0.0)
    fitness = SumFitness()
    answers = inline(fitness).map(Task(genes(value), 1) for value in (1, 2))
    next(answers)
    assert len(fitness.batches) == 1


def test_what_somebody_answers_is_told_before_more_is_asked():
    fitness = SumFitness()
    fitness.by_hand = True
    answers = inline(fitness).map(Task(genes(value), 1) for value in (1, 2))
    next(answers)
    assert len(fitness.batches) == 1


@pytest.fixture
def patient(monkeypatch):
    """However slow the machine, all tasks are quick."""
    monkeypatch.setattr("evokit.measuring.backends.inline.TOGETHER_S", 60.0)


def test_quick_tasks_share_one_reading_of_the_meter_by_what_they_took(patient):
    clock = Clock()

    class Unequal(SumFitness):
        def evaluate(self, batch, budget):
            time.sleep(0.05 * sum(batch[0]))
            return super().evaluate(batch, budget)

    answers = list(inline(Unequal(), clock).map([Task(genes(0), 1), Task(genes(1, 1), 1)]))
    assert clock.now == 12.0  # one look before and one after
    short, long = (answer[0] for answer in answers)
    assert short.wall_s + 2 * long.wall_s == pytest.approx(6.0)
    assert long.wall_s > 2.5 > short.wall_s > 0
    assert all(one.energy_j == pytest.approx(10.0 * one.cpu_s) for one in (short, long))


def test_what_was_measured_before_a_task_that_ends_all_is_told(patient):
    answers = inline(SumFitness(die_at=1)).map([Task(genes(1), 1), Task(genes(2), 1)])
    assert next(answers)[0].values == (10.0,)
    with pytest.raises(KeyboardInterrupt):
        next(answers)


def test_nothing_waits_for_tasks_that_need_an_answer_first(patient):
    answers = inline(SumFitness()).map(iter([Task(genes(1), 1), None, None, Task(genes(2), 1)]))
    assert [len(answer) for answer in answers] == [1, 0, 1]
