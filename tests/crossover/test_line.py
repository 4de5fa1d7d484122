import numpy as np
import pytest

from evokit.crossover.line import Line, line_crossover
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.streams import Streams

LOW, HIGH = np.full(3, -10.0), np.full(3, 10.0)


def test_children_lie_on_the_line_at_a_normal_share_of_the_distance():
    rng = np.random.default_rng(0)
    a, b = np.zeros((4000, 3)), np.tile([1.0, 2.0, -4.0], (4000, 1))
    first, second = line_crossover(a, b, low=LOW, high=HIGH, sigma=0.2, rng=rng)
    shares = first[:, 0]
    assert first == pytest.approx(shares[:, None] * b)
    assert (shares.mean(), shares.std()) == pytest.approx((0, 0.2), abs=0.01)
    back = 1 - second[:, 0]
    assert back.std() == pytest.approx(0.2, abs=0.01)
    assert abs(np.corrcoef(shares, back)[0, 1]) < 0.05, "each child has a share of its own"


def test_what_lies_beyond_a_bound_stops_there():
    a, b = np.full((500, 3), 9.0), np.full((500, 3), -9.0)
    first, second = line_crossover(a, b, low=LOW, high=HIGH, sigma=2.0, rng=np.random.default_rng(0))
    for child in (first, second):
        assert (child.min(), child.max()) == (-10, 10)


def test_twins_have_a_twin_and_a_pair_may_be_passed_on():
    genome = RealVector(-10, 10, 3)
    context = Context(Streams(0), genome=genome)
    a, b = genome.from_json([1.0, 2.0, 3.0]), genome.from_json([4.0, 0.0, 0.0])
    cross = Line().build(context)
    assert cross(a, a, np.random.default_rng(0))[0].tolist() == a.tolist()
    assert cross(a, b, np.random.default_rng(0))[0].tolist() != a.tolist()
    assert Line(prob=0).build(context)(a, b, np.random.default_rng(0))[0].tolist() == a.tolist()
