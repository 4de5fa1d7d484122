import numpy as np
import pytest

from evokit.genomes.points import Points, PointsOptions, combinations
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.testing import genome_conformance

GRIDS = ({"size": (1, 2), "kind": ("a", "b")}, {"size": (2, 3), "kind": ("a",)})

test_points = genome_conformance("points", grids=[{"size": [1, 2, 3], "kind": ["a", "b"]}])


def test_grids_follow_each_other_and_equal_points_count_once():
    points = Points(list(combinations(GRIDS)))
    assert [points.express(one) for one in points.points] == [
        {"kind": "a", "size": 1},
        {"kind": "b", "size": 1},
        {"kind": "a", "size": 2},
        {"kind": "b", "size": 2},
        {"kind": "a", "size": 3},
    ]


def test_any_point_is_drawn():
    points = Points(list(combinations(GRIDS)))
    rng = np.random.default_rng(0)
    assert {points.random(rng) for _ in range(100)} == set(points.points)


def test_a_point_that_the_fitness_refuses_is_an_error_before_the_run():
    class Picky:
        def accept(self, point):
            if point["size"] > 2:
                raise ValueError(f"size must be at most 2, got {point['size']}")

    with pytest.raises(ValueError, match="size must be at most 2, got 3"):
        PointsOptions(GRIDS).build(Context(Streams(0), fitness=Picky()))


def test_no_points_are_refused():
    with pytest.raises(ValueError, match="there is no point"):
        Points([])
