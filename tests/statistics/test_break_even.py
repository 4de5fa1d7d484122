import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.statistics.break_even import break_even, work_to_reach


def test_the_work_to_reach_a_value_is_interpolated_in_its_logarithm():
    curve = [(100, 1.0), (1000, 3.0)]
    assert work_to_reach(2.0, curve, "max") == pytest.approx(math.sqrt(100 * 1000))
    assert work_to_reach(1.0, curve, "max") == 100
    assert work_to_reach(0.5, curve, "max") == 100  # shorter trainings were not measured
    assert math.isinf(work_to_reach(3.1, curve, "max"))


def test_lower_may_be_better():
    assert work_to_reach(2.0, [(100, 3.0), (400, 1.0)], "min") == pytest.approx(200)


def test_a_hand_worked_break_even():
    # Adam needs 1,000 steps for what ours does in 500; the search cost 10,000 more than tuning Adam: 20 trainings
    assert break_even((500, 0.9), [(500, 0.8), (1000, 0.9)], "max", 10_000) == {
        "saved": 500, "trainings": 20, "bound": False
    }  # fmt: skip


def test_a_rival_that_never_gets_there_gives_an_upper_bound():
    found = break_even((500, 0.95), [(500, 0.8), (1000, 0.9)], "max", 10_000)
    assert found == {"saved": 500, "trainings": 20, "bound": True}


def test_a_model_of_several_trainings_saves_a_part_in_each():
    found = break_even((1000, 0.9), [(1000, 0.8), (2000, 0.9)], "max", 10_000, trainings=2)
    assert found == {"saved": 500, "trainings": 20, "bound": False}


@pytest.mark.parametrize(("spent", "trainings"), [(-7.0, 0), (0.0, 0), (0.5, 1), (7.0, 7)])
def test_what_cost_no_more_than_the_tuning_is_repaid_at_once(spent, trainings):
    found = break_even((9, 0.9), [(10, 0.9)], "max", spent)
    assert found == {"saved": 1, "trainings": trainings, "bound": False}


def test_nothing_is_repaid_where_nothing_is_gained():
    assert break_even((500, 0.8), [(500, 0.8), (1000, 0.9)], "max", 10_000) is None
    assert break_even((500, 0.9), [(500, 0.8)], "max", 10_000) is None  # no longer training was measured


@given(st.floats(0.01, 0.99), st.floats(1, 1e6))
def test_a_better_champion_is_repaid_no_later(value, spent):
    curve = [(100, 0.0), (1000, 1.0)]
    one, better = (break_even((50, v), curve, "max", spent) for v in (value, min(1.0, value + 0.005)))
    assert better["trainings"] <= one["trainings"]
