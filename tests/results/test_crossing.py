"""Where trainings cross a champion, against numbers worked out by hand."""

from pathlib import Path

import pytest

from evokit.results.crossing import crossings
from evokit.results.curves import Curve, Curves, Point


def training(work, value, test=None, *, tried=4, steps=True, builds_on=()):
    point = Point("finished", work, cpu_s=work / 10, tuned_cpu_s=work, value=value)
    return Curve("adam", True, [point], test, None, "adam", builds_on, tried, work // 100 if steps else None)


def against(level, *trainings, test=None, goal="min"):
    champion = Curve("champion", False, [Point("finished", 7, cpu_s=50.0, tuned_cpu_s=50.0, value=level)], test)
    return crossings(Curves("run", Path("run"), "loss", goal, [champion, *trainings]))


def test_it_lies_between_horizons_in_the_logarithm():
    (found,) = against(4.5, training(10_000, 5.0), training(40_000, 4.0), training(160_000, 3.0))
    assert (found.bound, found.split) == ("at", "validation")
    assert found.work == pytest.approx(20_000)
    assert found.steps == pytest.approx(200)
    assert (found.cpu_s, found.tuned_cpu_s) == (pytest.approx(2_000), pytest.approx(20_000))
    assert (found.ratio, found.tuned_ratio) == (pytest.approx(40), pytest.approx(400))


@pytest.mark.parametrize(
    ("level", "bound", "steps"), [(2.5, "beyond", 400), (5.5, "within", 100), (5.0, "within", 100)]
)
def test_outside_of_the_horizons_it_is_a_bound(level, bound, steps):
    (found,) = against(level, training(40_000, 3.0), training(10_000, 5.0))
    assert (found.bound, found.steps) == (bound, steps)


def test_what_is_better_may_be_higher():
    (found,) = against(0.5, training(100, 0.4), training(400, 0.6), goal="max")
    assert found.work == pytest.approx(200)


def test_on_the_test_split_if_all_have_it():
    (found,) = against(9.0, training(10_000, 1.0, 5.0), training(40_000, 0.0, 4.0), test=4.5)
    assert (found.split, found.steps) == ("test", pytest.approx(200))
    (found,) = against(9.0, training(10_000, 1.0, 5.0), training(40_000, 0.0), test=4.5)
    assert found.split == "validation"


def test_methods_are_told_apart_by_tuning_and_by_what_they_build_on():
    found = against(
        1.0, training(100, 2.0), training(100, 2.0, tried=1), training(100, 2.0, builds_on=("fit",)), training(400, 0.5)
    )
    assert [one.method for one in found] == ["adam, tuned", "adam, untuned", "adam, tuned, from fit"]


def test_what_has_one_length_and_no_steps_is_no_training_to_cross():
    assert against(1.0, training(100, 2.0, steps=False)) == []
