from itertools import permutations
from types import SimpleNamespace

import deap.tools.selection
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evokit.interfaces import Context, Individual, Score
from evokit.selection.lexicase import Lexicase, lexicase
from evokit.streams import Streams

SCORES = arrays(np.float64, st.tuples(st.integers(1, 6), st.just(3)), elements=st.integers(-4, 4).map(float))


def theirs(scores, epsilon, order, monkeypatch):
    """Whom DEAP's own leaves of one pick, if it draws this order of objectives."""
    population = [Individual(i, str(i), Score((1.0,) * 3, tuple(row))) for i, row in enumerate(scores.tolist())]
    left = []

    def shuffle(cases):
        cases[:] = order

    fake = SimpleNamespace(shuffle=shuffle, choice=lambda candidates: left.extend(candidates) or candidates[0])
    monkeypatch.setattr(deap.tools.selection, "random", fake)
    deap.tools.selEpsilonLexicase(population, 1, epsilon)
    return {one.genes for one in left}


@given(scores=SCORES, epsilon=st.sampled_from([0.0, 1.0, 2.5]), order=st.permutations(range(3)))
def test_equals_deap_for_the_same_order_of_objectives(scores, epsilon, order):
    with pytest.MonkeyPatch.context() as patch:
        expected = theirs(scores, epsilon, order, patch)
    n = 40
    rng = SimpleNamespace(
        permuted=lambda cases, axis: np.tile(order, (n, 1)), random=lambda n: (np.arange(n) + 0.5) / n
    )
    assert set(lexicase(scores, n, epsilon=epsilon, rng=rng).tolist()) == expected


def test_orders_and_those_that_are_left_are_as_likely():
    scores = np.array([[3.0, 0, 0], [0, 3, 1], [0, 3, 0], [2, 2, 3], [2, 2, 3]])
    expected = np.zeros(5)
    for order in permutations(range(3)):
        with pytest.MonkeyPatch.context() as patch:
            left = theirs(scores, 0.0, list(order), patch)
        expected[list(left)] += 1 / 6 / len(left)
    places = lexicase(scores, 12_000, epsilon=0.0, rng=np.random.default_rng(0))
    assert np.bincount(places, minlength=5) / 12_000 == pytest.approx(expected, abs=0.015)


def test_epsilon_is_the_median_absolute_deviation_of_the_population():
    # Of both objectives the median is 2 and the deviations are 2, 1, 0, 1, 2: who is within 1 of the best stays.
    scores = np.array([[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [4.0, 0.0]])
    places = lexicase(scores, 4000, rng=np.random.default_rng(0))
    # By the first objective 3 and 4 stay, of them by the second both, since 1 is no farther than 1 from it.
    assert np.bincount(places, minlength=5) / 4000 == pytest.approx([0.25, 0.25, 0, 0.25, 0.25], abs=0.03)


def test_a_recipe_picks_specialists_and_needs_two_objectives():
    fitness = SimpleNamespace(objectives={"a": "min", "b": "min"})
    select = Lexicase(epsilon=0.0).build(Context(Streams(0), fitness=fitness))
    population = [Individual(i, str(i), Score((-1.0, -1.0), row)) for i, row in enumerate([(0, 9), (5, 5), (9, 0)])]
    chosen = {one.genes for one in select(population, 50, np.random.default_rng(0))}
    assert chosen == {0, 2}
    with pytest.raises(ValueError, match="values of cases or two or more objectives, the fitness tells loss alone"):
        Lexicase().build(Context(Streams(0), fitness=SimpleNamespace(objectives={"loss": "min"})))


def population(rows, goal=-1.0):
    """Individuals named by their places, with values of cases."""
    return [
        Individual(place, str(place), Score((goal,), (0.0,)), cases=None if row is None else np.array(row))
        for place, row in enumerate(rows)
    ]


def by_cases(goal, epsilon=0.0):
    fitness = SimpleNamespace(objectives={"error": goal}, cases=3)
    return Lexicase(epsilon).build(Context(Streams(0), fitness=fitness))


def test_cases_go_before_objectives_and_follow_the_goal(rng):
    some = population([[0.0, 9, 9], [9, 0, 9], [9, 9, 0], [3, 3, 3], [1, 8, 8]])
    assert {one.genes for one in by_cases("min")(some, 200, rng)} == {0, 1, 2}
    assert {one.genes for one in by_cases("max")(some, 200, rng)} == {0, 1, 2}
    best = population([[5.0, 5, 5], [1, 2, 3], [5, 5, 5]])
    assert {one.genes for one in by_cases("max")(best, 50, rng)} == {0, 2}
    assert {one.genes for one in by_cases("min")(best, 50, rng)} == {1}


def test_from_one_population_it_draws_the_same():
    rows = np.random.default_rng(1).normal(size=(30, 3))
    some, select = population(rows), by_cases("min", None)
    one, other = np.random.default_rng(0), np.random.default_rng(0)
    at_once = select.on(some)
    for _ in range(5):
        assert [x.key for x in select(some, 2, one)] == [x.key for x in at_once(some, 2, other)]


def test_whoever_has_no_cases_is_never_picked(rng):
    some = population([[1.0, 1, 1], None])
    assert {one.genes for one in by_cases("min")(some, 20, rng)} == {0}
    with pytest.raises(ValueError, match="at least one individual with values of cases"):
        by_cases("min")(population([None]), 1, rng)


def test_the_feasible_alone_are_picked_as_long_as_there_are_any():
    rng = np.random.default_rng(0)
    told = [((1.0, 1.0), 0.0), ((1.01, 0.99), -1.0), *(((9.0, 9.0), float(over)) for over in range(1, 9))]
    people = [Individual(None, str(i), Score((-1.0, -1.0), *one[:1], (one[1],))) for i, one in enumerate(told)]
    for epsilon in (None, 0.5, 20.0):
        fitness = SimpleNamespace(objectives={"a": "min", "b": "min"})
        select = Lexicase(epsilon).build(Context(Streams(0), fitness=fitness))
        assert {one.key for one in select(people, 200, rng)} <= {"0", "1"}
        assert {one.key for one in select(people[2:], 200, rng)} == {"2"}
