"""A program that is repeated until it lacks no answer, aside on paper only."""

import pytest

from evokit.errors import RunFailed
from evokit.interfaces import Evaluation
from evokit.measuring.execution import Task
from evokit.measuring.repeated import Repeated


class PaperAside:
    def __init__(self):
        self.asked = {}

    def add(self, label, task, done):
        assert label == "it"
        key = (*task.genes, task.budget)
        assert key not in self.asked, "asked for twice"
        self.asked[key] = done

    def answer(self, genes, budget=1):
        self.asked[genes, budget]([Evaluation((float(genes),))])


@pytest.fixture
def aside():
    return PaperAside()


@pytest.fixture
def told():
    return []


@pytest.fixture
def repeated(aside, told):
    def repeated(program):
        one = Repeated("it", program, aside, lambda: told.append(one.ended))
        one.go_on()
        return one

    return repeated


def two_steps(found):
    """Measures three, then the best of them further; what it found each time it came to its end."""

    def program(executor):
        first = [one.values[0] for (one,) in executor.map(Task([genes], 1) for genes in (3, 1, 2))]
        ((best,),) = executor.map([Task([min(first)], 9)])
        found.append(best.values)

    return program


def test_a_program_goes_on_as_if_it_had_waited(repeated, aside, told):
    found = []
    one = repeated(two_steps(found))
    assert list(aside.asked) == [(3, 1), (1, 1), (2, 1)]
    for genes in (2, 3, 1):
        assert not one.ended
        aside.answer(genes)
    assert list(aside.asked)[3:] == [(1.0, 9)]
    assert told == []
    aside.answer(1.0, 9)
    assert (one.ended, one.error, found, told) == (True, None, [(1.0,)], [True])


def test_answers_are_taken_in_the_order_of_submission_as_far_as_they_are_there(repeated, aside):
    taken = []

    def program(executor):
        taken.clear()
        for (one,) in executor.map(Task([genes], 1) for genes in (1, 2, 3)):
            taken.append(one.values[0])

    repeated(program)
    aside.answer(3)
    assert taken == []
    aside.answer(1)
    assert taken == [1.0]
    aside.answer(2)
    assert taken == [1.0, 2.0, 3.0]


def test_a_program_that_lacks_nothing_ends_at_once(repeated, aside, told):
    assert repeated(lambda executor: list(executor.map([]))).ended
    assert (aside.asked, told) == ({}, [True])


def test_an_error_of_the_program_ends_it_alone(repeated, told):
    def program(executor):
        raise ValueError("no settings")

    one = repeated(program)
    assert (one.ended, str(one.error), told) == (True, "no settings", [True])


def test_a_worker_that_cannot_go_on_ends_the_program_once(repeated, aside, told):
    one = repeated(two_steps([]))
    aside.asked[3, 1](RunFailed("first"))
    aside.asked[1, 1](RunFailed("second"))
    aside.answer(2)
    assert (one.ended, str(one.error), told) == (True, "first", [True])


def test_an_interrupt_is_no_error_of_the_program(repeated):
    def program(executor):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repeated(program)
