import numpy as np
import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.searches.novelty import Novelty, mean_distance
from tests.door import door
from tests.searches.building import built, run
from tests.searches.described import WHOLE, Described, one, refuse_changed_by_a_stop

SMALL = Novelty(**WHOLE, population=6, generations=9, neighbours=3, remembered=2)


def test_novelty_is_the_mean_distance_to_the_nearest_others():
    rng = np.random.default_rng(0)
    points, memory = rng.random((7, 2)), rng.random((9, 2))
    others = np.concatenate([points, memory])
    far = np.sort(np.linalg.norm(points[:, None] - others, axis=-1), axis=1)
    assert mean_distance(points, others, 4) == pytest.approx(far[:, 1:5].mean(axis=1))
    assert mean_distance(points, points, 99) == pytest.approx(np.sort(far[:, :0], axis=1).sum(axis=1) + [
        np.linalg.norm(point - points, axis=1).sum() / 6 for point in points
    ])  # fmt: skip
    assert mean_distance(points[:1], points[:1], 3).tolist() == [0]


def test_the_most_novel_survive_whatever_they_are_worth():
    search = built(Novelty(**WHOLE, population=2, neighbours=1), Described())
    near, same, far = one(0, 0, 1), one(0.1, 0, 1, rest=(1, 0)), one(3, 3, 39)
    search.tell([near, same, far])
    assert far in search.population
    assert len(search.population) == 2


def test_only_who_has_a_place_survives():
    search = built(Novelty(**WHOLE, population=4), Described())
    failed, placeless, well = one(0, 0, None), one(1, 0, 3), one(3, 3, 9)
    placeless.metrics = {"first": float("nan"), "second": 0.0}
    search.tell([failed, placeless, well])
    assert search.population == [well]
    assert search.logbook[-1]["unplaced"] == 1


def test_so_many_children_of_each_generation_are_remembered():
    genome = IndexVector([8] * 6)
    search, measure = built(SMALL, Described(), genome), door(Described(), genome=genome)
    run(search, measure)
    assert search.logbook.select("memory") == [2 * n for n in range(1, 10)]
    assert search.logbook[-1]["coverage"] > search.logbook[0]["coverage"]


def test_stopped_and_resumed_is_whole(tmp_path):
    refuse_changed_by_a_stop(SMALL, tmp_path)
