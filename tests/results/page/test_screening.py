"""Whether races dropped the right ones, by hand-worked values."""

from hypothesis import given
from hypothesis import strategies as st

from evokit.results.page.screening import rungs

# Lower is better. At budget 1 the cut is after b; d ran on although c, better there, was dropped.
VALUES = {
    0: {1: {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": None}, 9: {"a": 1.5, "b": 1.0, "d": 0.5}},
    1: {1: {"f": 1.0, "g": 1.0}, 9: {"f": 2.0, "g": None}},
}


def test_a_rung_is_judged_by_those_that_ran_on():
    (rung,) = rungs(VALUES, "min").values()
    assert (rung.measured, rung.failed, rung.dropped) == (7, 1, 1)
    assert rung.pairs == [(1.0, 1.5), (2.0, 1.0), (4.0, 0.5), (1.0, 2.0)]
    assert (rung.compared, rung.alike) == (3, 0)  # the order at full budget is the reverse
    assert (rung.spared, rung.better) == (1, 1)  # d, against the median 1.25 of a and b


def test_where_higher_is_better_it_is_the_mirror_image():
    mirrored = {
        generation: {
            budget: {key: None if value is None else -value for key, value in some.items()}
            for budget, some in of.items()
        }
        for generation, of in VALUES.items()
    }
    (rung,), (other,) = rungs(VALUES, "min").values(), rungs(mirrored, "max").values()
    assert other.pairs == [(-one, -end) for one, end in rung.pairs]
    assert (other.compared, other.alike, other.spared, other.better) == (3, 0, 1, 1)


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=8, unique=True))
def test_who_is_dropped_in_the_order_of_full_values_is_dropped_rightly(values):
    values = sorted(values)
    here = {str(at): value for at, value in enumerate(values)}
    kept = dict(list(here.items())[: len(here) // 2])
    (rung,) = rungs({0: {1: here, 2: kept}}, "min").values()
    assert rung.dropped == len(here) - len(kept)
    assert rung.alike == rung.compared
    assert rung.spared == 0
