"""The archive of elites against values worked by hand, and against that of pyribs where it is installed."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evokit.errors import UserError
from evokit.searches.elites import IMPROVED, NEW, NOT_ADDED, Diverse, Elites
from tests.searches.building import through_a_file
from tests.searches.described import TWO, WHOLE, context, one
from tests.searches.test_contract import Pair

BENCH = "the extra bench is not installed; pip install 'evokit-deap[bench]' ends this"


def archive(rate=1.0, goal="min", **options):
    return Elites(Diverse(**(WHOLE | options)), context(goal), rate)


def test_each_cell_keeps_its_best_and_of_equals_the_first():
    elites = archive()
    first, better, equal, elsewhere = one(0, 0, 9), one(0, 1, 5), one(0, 1, 5, rest=(1, 0)), one(0, 3, 30)
    for some in ([first], [better], [equal, elsewhere]):
        elites.add(some)
    assert elites.members == [better, elsewhere]
    assert elites.figures["coverage"] == 2 / 8
    assert elites.figures["qd_score"] == (40 - 5) + (40 - 30)


def test_more_is_better_where_the_goal_is_max():
    elites = archive(goal="max", offset=1.0)
    elites.add([one(0, 0, 5, goal="max"), one(0, 1, 9, goal="max")])
    assert [elite.fitness.values[0] for elite in elites.members] == [9]
    assert elites.figures["qd_score"] == 8


def test_what_became_of_each_is_held_against_the_archive_before():
    elites = archive()
    added = elites.add([one(0, 0, 9), one(0, 1, 5), one(0, 0, None)])
    assert added.status.tolist() == [NEW, NEW, NOT_ADDED]
    assert added.gain.tolist() == [31, 35, -math.inf]
    added = elites.add([one(0, 0, 4), one(0, 1, 6), one(3, 3, 50)])
    assert added.status.tolist() == [IMPROVED, NOT_ADDED, NEW]
    assert added.gain.tolist() == [1, -1, -10]
    assert added.n == 2


def test_bars_follow_what_comes_above_them():
    elites = archive(rate=0.5)
    assert elites.add([one(0, 0, 20), one(3, 3, 50)]).status.tolist() == [NEW, NOT_ADDED]  # worth 20 and -10
    added = elites.add([one(0, 0, 24), one(0, 1, 22)])  # the bar is at 10, they are worth 16 and 18
    assert added.gain.tolist() == [6, 8]
    assert added.status.tolist() == [IMPROVED, IMPROVED]
    assert elites.add([one(0, 0, 40)]).gain.tolist() == [-(0.25 * 10 + 0.75 * 17)]
    assert [elite.fitness.values[0] for elite in elites.members] == [20, 50], "the best stays, whatever the bar"


def test_the_infeasible_are_no_elites():
    infeasible, elites = one(0, 0, 5), archive()
    infeasible.fitness.hold((5.0,), (0.1,))
    assert elites.add([infeasible, one(0, 0, 9)]).status.tolist() == [NOT_ADDED, NEW]
    assert elites.figures["qd_score"] == 40 - 9


def test_the_failed_the_unmeasured_and_the_unplaced_are_no_elites():
    elites = archive()
    elites.add([one(0, 0, None), placeless()])
    assert not elites.members
    assert (elites.unplaced, elites.outside) == (1, 0)


def placeless():
    individual = one(0, 0, 3)
    individual.metrics = {"first": math.nan, "second": 1.0}
    return individual


def test_what_is_outside_counts_at_the_bound_and_is_counted():
    elites = archive()
    elites.add([one(-5, 9, 3), one(2, 2, 3)])
    assert elites.outside == 1
    assert elites.cells.of(elites.points(elites.members)).tolist() == [1, 5]


def test_a_metric_that_nobody_has_is_an_error_and_one_that_somebody_lacks_is_not():
    elites = archive()
    bare, full = one(0, 0, 3), one(1, 1, 3)
    bare.metrics = {"frist": 1.0}
    with pytest.raises(
        UserError, match=r"search.descriptors: the fitness tells no metric 'first', it tells frist; did"
    ):
        elites.add([bare])
    elites.add([bare, full])
    assert elites.members == [full]


def test_a_metric_that_somebody_lacks_is_told_once(caplog):
    elites, lacks = archive(), replace(one(0, 1, 1), metrics={})
    for _ in range(2):
        elites.add([one(1, 1, 1), lacks])
    (told,) = caplog.messages
    assert "of some individuals the fitness tells no metric" in told
    assert told.endswith("they count as unplaced")
    assert elites.unplaced == 2


def test_several_objectives_are_refused():
    with pytest.raises(ValueError, match="this search has one objective, the fitness has 2: name nsga2"):
        Elites(Diverse(TWO), replace(context(), fitness=Pair()))


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_a_saved_archive_goes_on_like_it(rate, tmp_path):
    rng = np.random.default_rng(0)
    some = [[one(*rng.uniform(-1, 5, 2), value) for value in rng.normal(20, 9, 30)] for _ in "ab"]
    elites, other = archive(rate), archive(rate)
    elites.add(some[0])
    other.load_state_dict(through_a_file(elites.state_dict(), tmp_path))
    assert other.figures == elites.figures
    added, again = elites.add(some[1]), other.add(some[1])
    assert (added.status == again.status).all()
    assert (added.gain == again.gain).all()
    assert [elite.key for elite in elites.members] == [elite.key for elite in other.members]


def test_a_sample_is_of_different_elites_each_as_likely():
    elites = archive()
    elites.add([one(i, 0, 3) for i in range(4)])
    rng = np.random.default_rng(0)
    assert len(elites.sample(9, rng)) == 4
    counts = np.bincount([int(elites.sample(1, rng)[0].genes[0]) for _ in range(2000)])
    assert counts == pytest.approx([500] * 4, abs=90)


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_it_is_the_archive_of_pyribs(rate):
    archives = pytest.importorskip("ribs.archives", reason=BENCH)
    threshold = {} if rate == 1 else {"learning_rate": rate, "threshold_min": 0.0}
    theirs = archives.GridArchive(solution_dim=4, dims=[4, 2], ranges=[(0, 4)] * 2, **threshold)
    ours, rng = archive(rate, offset=0.0, goal="max"), np.random.default_rng(1)
    for _ in range(20):
        some = [one(*rng.uniform(-1, 5, 2), v, goal="max") for v in rng.normal(1, 1, 9)]
        told = theirs.add(
            np.array([each.genes for each in some]),
            np.array([each.fitness.values[0] for each in some]),
            ours.cells.points([each.metrics for each in some]),
        )
        added = ours.add(some)
        assert added.status.tolist() == told["status"].tolist()
        assert added.gain == pytest.approx(told["value"])
    if rate == 1:
        assert ours.figures["qd_score"] == pytest.approx(theirs.stats.qd_score)
        assert ours.figures["coverage"] == theirs.stats.coverage
