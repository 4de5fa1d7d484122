import pytest

from evokit.recipe.schema import Stop
from evokit.runs.stopping import stop_reason


def reason(stop, best=(3.0,), work=0, seconds=0.0, goal="min"):
    return stop_reason(stop, [{"best": value} for value in best], work, seconds, goal)


def test_a_recipe_without_limits_never_stops():
    assert reason(Stop(), [1.0] * 1000, 10**9, 1e9) is None


@pytest.mark.parametrize(("work", "stops"), [(99, False), (100, True), (101, True)])
def test_work_stops_once_it_is_spent(work, stops):
    assert (reason(Stop(work=100), work=work) is not None) == stops


def test_work_stops_before_anything_was_valid():
    assert reason(Stop(work=1), [None], work=1) == "1 units of work spent (stop.work 1)"


def test_seconds_stop_once_they_are_spent():
    assert reason(Stop(seconds=2.5), seconds=2.4) is None
    assert reason(Stop(seconds=2.5), seconds=2.5) == "2 s spent (stop.seconds 2.5)"


@pytest.mark.parametrize(
    ("goal", "best", "stops"), [("min", 2.0, True), ("min", 2.1, False), ("max", 2.0, True), ("max", 1.9, False)]
)
def test_a_target_stops_when_a_value_is_as_good(goal, best, stops):
    assert (reason(Stop(target=2.0), [best], goal=goal) == "target 2 reached") == stops


def test_patience_counts_generations_since_the_best_was_found():
    assert reason(Stop(patience=3), [5.0, 4.0, 4.0, 4.0]) is None
    assert reason(Stop(patience=3), [5.0, 4.0, 4.0, 4.0, 4.0]).startswith("no improvement for 3 generations")


def test_patience_counts_from_the_first_generation_where_it_found_the_best():
    assert reason(Stop(patience=3), [4.0, 4.0, 4.0]) is None
    assert reason(Stop(patience=2), [4.0, 4.0, 4.0]).startswith("no improvement for 2 generations")


def test_patience_counts_from_the_last_refit_as_other_contexts_are_not_compared():
    before = [{"best": value} for value in (5.0, 4.0, 1.0)]
    after = [{"best": value, "refits": 1} for value in (3.0, 2.5, 2.5)]
    assert stop_reason(Stop(patience=2), [*before, *after], 0, 0.0, "min") is None
    assert stop_reason(Stop(patience=1), [*before, *after], 0, 0.0, "min").startswith("no improvement for 1")


def test_patience_waits_while_nothing_valid_was_measured():
    assert reason(Stop(patience=1, target=0.0), [None] * 5) is None
    assert reason(Stop(patience=1)) is None


def test_patience_starts_with_the_first_valid_value():
    assert reason(Stop(patience=2), [None, None, None, 4.0, 4.0]) is None


def test_nothing_stops_before_the_first_generation():
    assert stop_reason(Stop(patience=1, target=1.0), [], 0, 0.0, "min") is None


def test_with_several_objectives_patience_counts_from_the_last_new_point_of_the_front():
    logbook = [{"best": 3.0, "front_new": n} for n in (4, 0, 1, 0, 0)]
    assert stop_reason(Stop(patience=3), logbook, 0, 0.0, "min") is None
    assert stop_reason(Stop(patience=2), logbook, 0, 0.0, "min").startswith("no improvement for 2 generations")


class Counting(list):
    """A logbook that counts how often it is looked at."""

    looks = 0

    def __getitem__(self, at):
        self.looks += 1
        return super().__getitem__(at)

    def __iter__(self):
        raise AssertionError("the whole logbook is read")


def test_patience_looks_back_no_further_than_the_last_improvement():
    logbook = Counting([{"best": float(-n)} for n in range(1000)] + [{"best": -999.0}] * 3)
    assert stop_reason(Stop(patience=3), logbook, 0, 0.0, "min").startswith("no improvement for 3 generations")
    assert logbook.looks < 20


def test_patience_counts_from_the_last_refit():
    logbook = [{"best": 1.0}, {"best": 1.0}, {"best": 1.0, "refits": 1}, {"best": 1.0, "refits": 1}]
    assert stop_reason(Stop(patience=2), logbook, 0, 0.0, "min") is None
    assert stop_reason(Stop(patience=1), logbook, 0, 0.0, "min").startswith("no improvement for 1 generations")
