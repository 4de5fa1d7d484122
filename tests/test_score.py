"""Scores under constraints against Deb's rules, written out."""

from copy import deepcopy

import pytest
from deap import tools
from hypothesis import given
from hypothesis import strategies as st

from evokit.score import BEYOND, LEAST, Score

value = st.floats(-1e99, 1e99)
constraint = st.one_of(st.floats(-10, 0), st.floats(1e-80, 1e80))
WEIGHTS = (-1.0, 1.0)
told = st.tuples(st.tuples(value, value), st.lists(constraint, min_size=2, max_size=2).map(tuple))


def violation(constraints):
    return sum(max(one, 0.0) for one in constraints)


def weighted(values):
    return tuple(value * weight for value, weight in zip(values, WEIGHTS, strict=True))


def deb(a, b):
    """Whether a is better than b: by feasibility, then violation, then values in their order."""
    over = violation(a[1]), violation(b[1])
    return over[0] < over[1] if any(over) else weighted(a[0]) > weighted(b[0])


def dominates(a, b):
    over = violation(a[1]), violation(b[1])
    if any(over):
        return over[0] < over[1]
    pairs = list(zip(weighted(a[0]), weighted(b[0]), strict=True))
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


@given(told, told)
def test_scores_compare_by_debs_rules(a, b):
    one, other = Score(WEIGHTS, *a), Score(WEIGHTS, *b)
    assert (one > other) is deb(a, b)
    assert (one < other) is deb(b, a)
    assert one.dominates(other) is dominates(a, b)


@given(told)
def test_what_was_measured_stays(a):
    one = Score(WEIGHTS, *a)
    assert one.values == a[0]
    assert one.constraints == a[1]
    copy = deepcopy(one)
    assert (copy.values, copy.constraints, copy.wvalues) == (one.values, one.constraints, one.wvalues)
    del one.values
    assert (one.valid, one.values, one.constraints, one.violation) == (False, (), (), 0.0)
    one.values = a[0]
    assert one.wvalues == weighted(a[0])


def test_violations_that_overflow_are_finite():
    one, other = Score((-1.0,), (1.0,), (1e308, 1e308)), Score((-1.0,), (1.0,), (1e30,))
    assert one < other
    assert one.violation == 1 / LEAST


@pytest.mark.parametrize("over", [1e-300, LEAST, 1.0, 1 / LEAST, 1e300])
def test_any_violation_counts_as_worse_than_any_value_and_stays_finite(over):
    infeasible, feasible = Score((-1.0,), (-1e99,), (over,)), Score((-1.0,), (BEYOND**0.5,), (0.0,))
    assert infeasible < feasible
    assert infeasible.wvalues[0] > -float("inf")


def test_deaps_sorting_follows_the_rules():
    class One:
        def __init__(self, name, values, constraints):
            self.name, self.fitness = name, Score((-1.0, -1.0), values, constraints)

    people = [
        One("far", (0.0, 0.0), (2.0,)),
        One("left", (0.0, 2.0), (-1.0,)),
        One("near", (9.0, 9.0), (0.5,)),
        One("right", (2.0, 0.0), (0.0,)),
        One("behind", (3.0, 3.0), (0.0,)),
    ]
    fronts = tools.sortNondominated(people, len(people))
    assert [sorted(one.name for one in front) for front in fronts] == [["left", "right"], ["behind"], ["near"], ["far"]]
