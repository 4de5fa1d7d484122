"""Individuals that are made while others are measured."""

import pytest

from evokit.measuring.ledger import Ledger
from tests.door import Progress, SumFitness, door, people, story

A, B, C = [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]


def test_each_comes_back_measured_in_order_with_a_row_of_its_own():
    measure = door()
    asked = people(B, A, C)
    back = list(measure.each(iter(asked), 3))
    assert back == asked
    assert [one.fitness.values for one in back] == [(3.0,), (4.0,), (2.0,)]
    assert [row[2] for row in story(measure._ledger)] == [one.key for one in asked]
    assert measure.work == 3


def test_the_next_is_asked_for_again_until_another_came_back():
    measure, seen = door(), []
    first, second = people(A, B)

    def made():
        yield first
        while not first.fitness.valid:
            seen.append("waits")
            yield None
        yield second

    assert list(measure.each(made(), 2)) == [first, second]
    assert seen == ["waits"]  # inline, the next is asked for at once, as it may be quick too


def test_who_is_known_needs_no_worker_also_when_it_is_waited_for():
    fitness = SumFitness()
    measure = door(fitness)
    measure(people(A))
    (again,), (new,) = people(A), people(B)

    def made():
        yield again
        while not again.fitness.valid:
            yield None
        yield new

    assert list(measure.each(made(), 2)) == [again, new]
    assert [len(batch) for batch, _ in fitness.batches] == [1, 1]
    assert [row[4] for row in story(measure._ledger)] == ["measured", "cached", "measured"]


def test_a_resumed_stream_is_answered_from_its_rows():
    ledger = Ledger(":memory:")
    with pytest.raises(KeyboardInterrupt):
        list(door(SumFitness(die_at=2), ledger).each(iter(people(A, B, C)), 3))
    assert len(story(ledger)) == 2
    fitness = SumFitness()
    back = list(door(fitness, ledger).each(iter(people(A, B, C)), 3))
    assert all(one.fitness.valid for one in back)
    assert len(fitness.evaluated) == 1
    assert [row[4] for row in story(ledger)] == ["measured"] * 3


def test_who_fails_comes_back_without_a_fitness():
    measure = door(SumFitness(fails=lambda genes: "diverged" if genes[3] else None))
    assert [one.fitness.valid for one in measure.each(iter(people(A, B)), 2)] == [False, True]


def test_a_display_is_told_of_each():
    progress = Progress()
    measure = door(progress=progress)
    measure(people(A))
    list(measure.each(iter(people(B, A, C)), 3))
    assert progress.told[1:] == [(1, 3, 1, 0), (2, 3, 1, 1), (3, 3, 2, 1)]


def test_a_stream_that_is_left_leaves_nothing_running():
    measure = door()
    stream = measure.each(iter(people(A, B)), 2)
    next(stream)
    stream.close()
    assert len(story(measure._ledger)) == 1
