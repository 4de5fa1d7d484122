import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.components.adaptive import Adaptive, Rule


def named(*labels):
    return {label: lambda genes, rng, label=label: label for label in labels}


def learnt(rule, *generations, labels="ab"):
    one = Adaptive(named(*labels), rule)
    for lessons in generations:
        one.learn(lessons)
    return one


HALF = [("a", True), ("a", False), ("b", False)]  # a half of what a made beat its parents, nothing of b's did


def test_pursuit_equals_the_example_worked_by_hand():
    one = learnt(Rule(alpha=0.8, beta=0.5, least=0.1), HALF)
    # Qualities 1 + 0.8 (0.5 - 1) and 1 + 0.8 (0 - 1); chances half way from 0.5 to 0.9 and 0.1.
    assert one.state_dict()["quality"] == pytest.approx({"a": 0.6, "b": 0.2})
    assert one.figures() == pytest.approx({"a": 0.7, "b": 0.3})
    one.learn([("a", False), ("b", True)])
    # 0.6 + 0.8 (0 - 0.6) and 0.2 + 0.8 (1 - 0.2): now b is pursued.
    assert one.state_dict()["quality"] == pytest.approx({"a": 0.12, "b": 0.84})
    assert one.figures() == pytest.approx({"a": 0.4, "b": 0.6})


def test_matching_equals_the_example_worked_by_hand():
    one = learnt(Rule(allocation="matching", alpha=0.8, least=0.1), HALF)
    assert one.figures() == pytest.approx({"a": 0.1 + 0.8 * 0.75, "b": 0.1 + 0.8 * 0.25})


@pytest.mark.parametrize("allocation", ["pursuit", "matching"])
def test_where_none_is_better_chances_stay(allocation):
    nothing = [("a", False), ("b", False)]
    assert learnt(Rule(allocation=allocation, alpha=1.0), nothing, nothing).figures() == {"a": 0.5, "b": 0.5}


def test_an_operator_that_nobody_tried_keeps_its_quality_and_nothing_told_changes_nothing():
    one = learnt(Rule(alpha=0.8), [("b", False)])
    assert one.state_dict()["quality"] == pytest.approx({"a": 1.0, "b": 0.2})
    before = one.state_dict()
    one.learn([])
    assert one.state_dict() == before


LESSONS = st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=9), max_size=6)


@given(lessons=LESSONS, allocation=st.sampled_from(["pursuit", "matching"]), least=st.floats(0, 0.33))
def test_chances_sum_to_one_and_none_is_below_the_least(lessons, allocation, least):
    chances = learnt(Rule(allocation=allocation, least=least), *lessons, labels="abc").figures()
    assert sum(chances.values()) == pytest.approx(1)
    assert min(chances.values()) >= least - 1e-9


def test_operators_are_drawn_by_their_chances():
    one = learnt(Rule(beta=1.0, least=0.1), HALF)
    rng = np.random.default_rng(0)
    drawn = [one.draw(rng) for _ in range(4000)]
    assert np.mean([label == "a" for label, _ in drawn]) == pytest.approx(0.9, abs=0.02)
    assert all(operator(None, rng) == label for label, operator in drawn)
    assert np.mean([one(None, rng) == "a" for _ in range(4000)]) == pytest.approx(0.9, abs=0.02)


def test_a_state_goes_on_and_a_beginning_knows_nothing():
    rule = Rule()
    one, other = learnt(rule, HALF), learnt(rule)
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict()
    assert one.begun().state_dict() == learnt(rule).state_dict()
    assert one.state_dict() != learnt(rule).state_dict()
    for each in (one, other):
        each.learn([("b", True)])
    assert other.state_dict() == one.state_dict()


def test_the_least_is_half_of_equal_chances_and_leaves_something():
    assert Rule().least_of(4) == 0.125
    with pytest.raises(ValueError, match=r"least \(0.5\): must be less than 0.5, one over the number of operators"):
        Rule(least=0.5).least_of(2)
