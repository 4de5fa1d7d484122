import math

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


def test_tasks_are_evaluated_only_as_answers_are_taken():
    fitness = SumFitness()
    answers = inline(fitness).map(Task(genes(value), 1) for value in (1, 2))
    next(answers)
    assert len(fitness.batches) == 1
