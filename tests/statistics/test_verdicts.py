import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.statistics.intervals import mean_interval, p_value
from evokit.statistics.verdicts import Verdict, corrected, verdict

finite = st.floats(-1e6, 1e6, allow_subnormal=False)


@pytest.mark.parametrize(
    ("ours", "goal", "expected"),
    [
        ([1.0, 1.1, 0.9], "min", "better"),
        ([1.0, 1.1, 0.9], "max", "worse"),
        ([3.0, 3.1, 2.9], "min", "worse"),
        ([3.0, 3.1, 2.9], "max", "better"),
        ([1.0, 3.1, 2.0], "min", "no difference shown"),
        ([2.0, 2.0, 2.0], "max", "no difference shown"),
    ],
)
def test_verdict_follows_interval_and_goal(ours, goal, expected):
    assert verdict("adamw", ours, [2.0, 2.0, 2.0], goal, "test documents").verdict == expected


def test_verdict_reports_what_it_rests_on():
    result = verdict("adamw", [1, 2, 3], [0, 0, 0], "min", "3 repeats of the whole search")
    assert result.against == "adamw"
    assert result.difference == 2
    assert result.interval == pytest.approx((-0.484138, 4.484138), abs=1e-6)
    assert result.n == 3
    assert result.method == "3 repeats of the whole search; ours - theirs, paired, 95 %; lower is better"
    assert verdict("adamw", [1], [0], "max", "it").method == "it; ours - theirs, paired, 95 %; higher is better"


def test_verdict_reads_as_a_sentence():
    result = Verdict("adamw", -0.25, (-0.5, -0.125), 40, "test documents; lower is better", "better")
    assert str(result) == ("better against adamw: -0.25 [-0.5, -0.125], n = 40 (test documents; lower is better)")


def test_a_single_unit_shows_no_difference():
    assert verdict("adamw", [1.0], [2.0], "min", "one repeat").verdict == "no difference shown"


def test_verdict_has_the_interval_and_the_p_value_of_the_paired_differences():
    ours, theirs = np.random.default_rng(2).normal(size=(2, 3, 25))
    result = verdict("rival", ours, theirs, "min", "units and trainings")
    assert (result.difference, result.interval) == mean_interval(ours - theirs)
    assert result.p == result.p_holm == p_value(ours - theirs)
    assert result.n == 25


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float32])
def test_scores_of_any_type_are_subtracted_as_numbers(dtype):
    ours, theirs = np.array([[0, 1, 1, 0, 0], [1, 1, 0, 1, 1]], dtype)
    result = verdict("it", ours, theirs, "max", "images")
    assert (result.difference, result.interval) == mean_interval([-1, 0, 1, -1, -1])
    third = np.float32(1 / 3)
    assert verdict("it", [third], np.array([1e-9], np.float32), "max", "").difference == third - float(np.float32(1e-9))


def test_a_single_row_stands_against_each_of_the_other_side():
    ours, theirs = np.random.default_rng(3).normal(size=(4, 9)), np.arange(9.0)
    expected = mean_interval(ours - theirs)
    assert (
        verdict("it", ours, theirs, "min", "").difference,
        verdict("it", ours, [theirs], "min", "").interval,
    ) == expected


@pytest.mark.parametrize("shapes", [((2,), (3,)), ((2, 4), (3, 4)), ((2, 4), (2, 5)), ((1, 4), (2, 3))])
def test_verdict_refuses_what_are_no_pairs(shapes):
    ours, theirs = map(np.zeros, shapes)
    with pytest.raises(ValueError, match=re.escape(f"equal shapes, got {shapes[0]} and {shapes[1]}")):
        verdict("it", ours, theirs, "min", "")


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=30))
def test_verdict_turns_with_the_goal(pairs):
    ours, theirs = map(list, zip(*pairs, strict=True))
    turned = {"better": "worse", "worse": "better", "no difference shown": "no difference shown"}
    lower = verdict("rival", ours, theirs, "min", "units").verdict
    assert verdict("rival", ours, theirs, "max", "units").verdict == turned[lower]


def _with_p(p, name):
    return Verdict(name, -1.0, (-2.0, -0.5), 9, "", "better", p=p, p_holm=p)


def test_holm_of_a_hand_worked_family():
    # 0.01, 0.02, 0.03 of three: 3 x 0.01, 2 x 0.02, then 0.03 is raised to the one before
    family = corrected([_with_p(0.03, "c"), _with_p(0.01, "a"), _with_p(0.02, "b")])
    assert [one.p_holm for one in family] == pytest.approx([0.04, 0.03, 0.04])
    assert {one.verdict for one in family} == {"better"}


def test_at_the_level_nothing_is_shown_and_without_a_p_value_neither():
    """A rival with a single unit has no p-value, and does not count in the family."""
    family = corrected([_with_p(math.nan, "single"), _with_p(0.025, "a"), _with_p(0.024, "b")])
    assert [one.p_holm for one in family] == pytest.approx([math.nan, 0.048, 0.048], nan_ok=True)
    assert [one.verdict for one in family] == ["no difference shown", "better", "better"]
    assert corrected([_with_p(0.05, "a")])[0].verdict == "no difference shown"


def test_what_one_test_shows_many_need_not():
    family = corrected([_with_p(0.03, str(rival)) for rival in range(3)])
    assert {one.verdict for one in family} == {"no difference shown"}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values):
    family = corrected([_with_p(p, str(place)) for place, p in enumerate(values)])
    assert all(one.p <= one.p_holm <= 1 for one in family)
    by_p = sorted(family, key=lambda one: one.p)
    assert [one.p_holm for one in by_p] == sorted(one.p_holm for one in by_p)


def test_a_difference_that_other_seeds_would_turn_is_not_shown():
    rng = np.random.default_rng(4)
    theirs = np.linspace(1.9, 2.1, 50)
    ours = rng.normal(1, 0.1, 50)
    assert verdict("it", ours, theirs, "min", "").verdict == "better"
    luck = np.array([[0.0], [3.0], [-3.0]])  # of three trainings
    assert verdict("it", ours + luck, theirs + 0 * luck, "min", "").verdict == "no difference shown"
    assert verdict("it", ours + luck / 100, theirs + 0 * luck, "min", "").verdict == "better"


def test_values_whose_difference_overflows_have_a_verdict():
    most = sys.float_info.max
    found = verdict("rival", [-most] * 20, [most] * 20, "min", "test")
    assert (found.difference, found.verdict, found.n) == (-most, "better", 20)
