"""The fitnesses of the gallery's recipes, files beside them: what a run relies on, and what their headers say."""

import importlib.util

import numpy as np
import pytest

from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.testing import fitness_conformance
from tests.small import RECIPES

FOLDER = RECIPES / "gallery"
OPTIMUM = (
    "1 49 32 45 19 41 8 9 10 43 33 51 11 52 14 13 47 26 27 28 12 25 4 6 15 5 24 48 38 37 40 39 36 35 34 44 46 16 29 "
    "50 20 23 30 2 7 42 21 17 3 18 31 22"  # of TSPLIB, which counts from 1
)


def module(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def named(recipe):
    return next(
        line.split("name: ")[1].split(",")[0].rstrip("}")
        for line in recipe.read_text().splitlines()
        if line.startswith("fitness:")
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_fitness_keeps_to_what_a_run_relies_on(path):
    recipe = path.with_suffix(".yaml")
    fitness_conformance(named(recipe), recipe=recipe)()


def test_the_known_tour_has_the_known_length():
    tour = np.array([int(one) - 1 for one in OPTIMUM.split()])
    assert module("berlin52").TourLength().evaluate([tour], 1).tolist() == [7542]


def test_two_opt_makes_no_tour_longer_and_loses_no_place(rng):
    berlin52 = module("berlin52")
    tours = [rng.permutation(52) for _ in range(3)]
    short = [berlin52.shortened(tour) for tour in tours]
    length = berlin52.TourLength().evaluate
    assert (length(short, 1) < length(tours, 1)).all()
    assert all(sorted(tour) == list(range(52)) for tour in (*short, berlin52.double_bridge(tours[0], rng)))


def test_nobody_walks_through_a_wall(rng):
    maze = module("maze")
    walks = maze.walks(rng.uniform(-np.pi, np.pi, (50, 36)))
    assert (walks > 0).all()
    assert (walks < 1).all()
    assert maze.walks(np.full((1, 36), np.pi / 2))[0, -1].tolist() == pytest.approx([0.15, 0.755])  # below the wall


def test_a_circle_bends_least():
    circle, oval = module("closed_curves").Bending().evaluate([np.zeros(12), np.array([0.3, *[0.0] * 11])], 1)
    assert circle.values[0] == pytest.approx(1, abs=1e-3)
    assert circle.metrics == pytest.approx({"roundness": 1, "slenderness": 0}, abs=1e-3)
    assert oval.values[0] > 1
    assert oval.metrics["slenderness"] > 0.2


def test_a_rule_that_keeps_all_is_right_of_rows_that_are_all_alike():
    majority = module("majority")
    rule = np.array([sight >> 3 & 1 for sight in range(128)])
    same, mixed = np.ones((1, 35), bool), np.arange(35)[None] % 2 == 0
    assert np.array_equal(majority.histories(rule[None], np.concatenate([same, mixed]))[-1][0], [same[0], mixed[0]])


def test_a_rule_that_never_rests_is_never_right():
    majority = module("majority")
    flips = np.array([1 - (sight >> 3 & 1) for sight in range(128)])
    assert majority.Rows(Context(Streams(0))).evaluate([flips], 15) == [0]


def test_a_motor_that_does_nothing_leaves_the_pole_where_it_hangs():
    swing_up = module("swing_up")
    states = swing_up.drives(np.zeros((1, 43)), np.zeros((4, 1)))
    assert np.allclose(states[-1].ravel(), [0, np.pi, 0, 0], atol=1e-9)


def test_the_opaque_triangle_over_all_is_the_picture():
    sunset = module("sunset")
    covers = np.array([[0, 0, 1, 0, 0.0, 1, 0.2, 0.4, 0.6, 1]])
    assert np.allclose(sunset.painted(covers)[0, 3, 3], [0.2, 0.4, 0.6])


def test_circles_are_as_large_as_the_nearest_two_allow():
    places = np.array([0.2, 0.8, 0.5, 0.5])
    assert module("circles").Packing().evaluate([places, np.array([0.2, 0.4, 0.5, 0.5])], 1) == pytest.approx(
        [0.2, 0.1]
    )
