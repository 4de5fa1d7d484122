import math

import numpy as np
import pytest

from evokit.genomes.bits import Bits
from evokit.genomes.individuals import make_individual
from evokit.interfaces import Score
from evokit.runs.checkpoint import as_saved
from evokit.searches.archive import Archive, dump_individuals, load_individuals, only_ok
from tests.door import GENOME
from tests.searches.building import person


def archive(size=3, goal="min"):
    return Archive(GENOME, (-1.0 if goal == "min" else 1.0,), size)


def genes(one):
    return one.genes.tolist()


def filled(*values, size=3, goal="min"):
    """An archive that was told one individual per value: genes [i, 0, 0, 0]."""
    mine = archive(size, goal)
    for generation, value in enumerate(values):
        one = person([generation, 0, 0, 0], value, goal)
        mine.add(generation, [one], [one])
    return mine


def test_only_finite_values_are_ok():
    people = [person([0, 0, 0, i], value) for i, value in enumerate([1.0, None, math.nan, math.inf])]
    assert only_ok(people) == people[:1]


@pytest.mark.parametrize(("goal", "best"), [("min", [1, 0, 0, 0]), ("max", [0, 0, 0, 0])])
def test_the_best_is_the_best_ever_told(goal, best):
    assert genes(filled(3.0, 1.0, 2.0, goal=goal).best()) == best


def test_the_hall_holds_the_best_in_order():
    assert [one.fitness.values[0] for one in filled(3.0, 1.0, 2.0, 0.5).hall] == [0.5, 1.0, 2.0]


def test_the_hall_has_ten_places_unless_told_otherwise():
    mine = Archive(GENOME, (-1.0,))
    mine.add(0, [person([i // 4, i % 4, 0, 0], float(i)) for i in range(12)], [])
    assert [one.fitness.values[0] for one in mine.hall] == list(range(10))


def test_the_hall_holds_a_key_once():
    mine = archive()
    for generation in range(3):
        mine.add(generation, [person([1, 0, 0, 0], 1.0), person([1, 0, 0, 0], 1.0)], [])
    assert len(mine.hall) == 1


def test_the_hall_never_holds_who_was_not_measured():
    mine = archive()
    predicted = person([1, 0, 0, 0])
    predicted.predicted = -100.0
    mine.add(0, [predicted, person([2, 0, 0, 0], math.nan), person([3, 0, 0, 0], 7.0)], [])
    assert [genes(one) for one in mine.hall] == [[3, 0, 0, 0]]


def test_without_anybody_valid_there_is_no_best():
    mine = archive()
    mine.add(0, [person([1, 0, 0, 0])], [])
    with pytest.raises(LookupError, match="nothing valid was measured"):
        mine.best()


def test_what_happens_to_a_member_later_does_not_change_the_hall():
    mine, one = archive(), person([1, 0, 0, 0], 1.0)
    mine.add(0, [one], [])
    del one.fitness.values
    assert mine.best().fitness.values == (1.0,)


def test_measured_keys_are_known():
    mine, good, unmeasured = archive(), person([1, 0, 0, 0], 1.0), person([2, 0, 0, 0])
    mine.add(0, [good, unmeasured], [])
    assert mine.known == {good.key}


def test_the_logbook_tells_of_the_measured_population():
    mine = archive()
    told = [person([i, 0, 0, 0], value) for i, value in enumerate([4.0, 2.0, None])]
    mine.add(0, told, [*told, person([3, 0, 0, 0], 6.0)])
    assert dict(mine.logbook[0]) == {"generation": 0, "best": 2.0, "measured": 2, "min": 2.0, "mean": 4.0, "max": 6.0}


def test_a_generation_without_anybody_valid_is_logged():
    mine = archive()
    mine.add(0, [person([1, 0, 0, 0])], [])
    assert dict(mine.logbook[0]) == {"generation": 0, "best": None, "measured": 0}


def test_the_best_in_the_logbook_never_worsens():
    assert filled(3.0, 1.0, 2.0).logbook.select("best") == [3.0, 1.0, 1.0]


@pytest.mark.parametrize("values", [(3.0, 1.0, 2.0), (1.0, 1.0, 1.0), (2.0, 1.0, 1.0, 2.0), ()])
def test_the_state_survives_json_with_the_order_of_equals(values):
    first, second = filled(*values), filled(9.0)
    second.load_state_dict(as_saved(first.state_dict()))
    for mine in (first, second):
        mine.add(9, [person([3, 3, 3, 3], 1.0)], [])
    assert repr(second.state_dict()) == repr(first.state_dict())


def test_individuals_survive_a_checkpoint():
    one, other = person([1, 2, 3, 0], 0.1), person([0, 0, 0, 1])
    one.parents, one.born_by, other.predicted = ("a", "b"), "crossover+mutation", 0.25
    loaded = load_individuals(as_saved(dump_individuals([one, other], GENOME)), GENOME, (-1.0,))
    assert repr(dump_individuals(loaded, GENOME)) == repr(dump_individuals([one, other], GENOME))
    assert loaded[0].fitness == one.fitness
    assert not loaded[1].fitness.valid
    assert not loaded[0].genes.flags.writeable


def test_with_several_objectives_the_front_holds_what_nothing_dominates():
    genome = Bits(3)
    archive = Archive(genome, (-1.0, 1.0))
    values = {(False, False, False): (1.0, 1.0), (True, False, False): (2.0, 2.0), (True, True, False): (2.0, 0.0)}
    told = []
    for genes, value in values.items():
        one = make_individual(genome, np.array(genes), (-1.0, 1.0))
        one.fitness.values = value
        told.append(one)
    archive.add(0, told, told)
    again = Archive(genome, (-1.0, 1.0))
    again.load_state_dict(archive.state_dict())
    for kept in (archive, again):
        assert sorted(one.fitness.values for one in kept.front) == [(1.0, 1.0), (2.0, 2.0)]


def two_valued(genes, *values):
    one = person(genes)
    one.fitness = Score((-1.0, -1.0), values)
    return one


def test_the_front_is_logged_by_its_points_and_goes_on_from_a_state():
    archive, again = (Archive(GENOME, (-1.0, -1.0)) for _ in range(2))
    told = [two_valued([i, 0, 0, 0], *values) for i, values in enumerate([(1, 2), (2, 1), (1, 2), (3, 3)])]
    archive.add(0, told[:2], told)
    archive.add(1, told[2:], told)
    again.load_state_dict(as_saved(archive.state_dict()))
    for one in (archive, again):
        one.add(2, [two_valued([0, 1, 0, 0], 2, 1), *told], told)  # the told are known, and counted
        assert [one.key for one in one.front] == [one.key for one in told[:2]]
        assert list(one.front.shared.values()) == [2, 2]
        assert [(record["front"], record["front_new"]) for record in one.logbook] == [(2, 2), (2, 0), (2, 0)]


def test_after_a_refit_the_front_counts_who_was_measured_again():
    archive = Archive(GENOME, (-1.0, -1.0))
    archive.add(0, [two_valued([i, 0, 0, 0], 1, 2) for i in range(4)], [])
    archive.renew([two_valued([0, 0, 0, 0], 3, 4), two_valued([1, 0, 0, 0], 3, 4), two_valued([2, 0, 0, 0], 5, 5)])
    assert [(one.fitness.values, n) for one, n in zip(archive.front, archive.front.shared.values(), strict=True)] == [
        ((3.0, 4.0), 2)
    ]
    archive.add(1, [two_valued([1, 0, 0, 0], 3, 4), two_valued([3, 0, 0, 0], 3, 4)], [])
    assert list(archive.front.shared.values()) == [3]
