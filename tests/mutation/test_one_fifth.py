import math

import numpy as np
import pytest

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.gaussian import gaussian_mutation
from evokit.mutation.one_fifth import LARGEST, SMALLEST, OneFifth
from evokit.streams import Streams

GENOME = RealVector([-1, 0, 0], [1, 10, 1], 3)


def built(**options):
    return OneFifth(**options).build(Context(Streams(0), genome=GENOME))


def told(mutate, successes, failures=0):
    mutate.learn([("", True)] * successes + [("", False)] * failures)
    return mutate.figures()["sigma"]


def test_steps_grow_above_a_fifth_and_shrink_below():
    """The less the fewer children of 3 genes there were: Igel, Hansen and Roth 2007, equation 2 and table 1."""
    assert told(built(sigma=0.1), 1, 0) == pytest.approx(0.1 * math.exp(1 / (1 + 3 / 2)))
    assert told(built(sigma=0.1), 0, 3) == pytest.approx(0.1 * math.exp(-0.25 / (1 + 3 / 6)))
    assert told(built(sigma=0.1), 2, 8) == pytest.approx(0.1)
    assert told(built(sigma=0.1), 0, 0) == 0.1


def test_a_success_makes_up_for_four_failures():
    mutate = built()
    told(mutate, 1)
    for _ in range(4):
        told(mutate, 0, 1)
    assert mutate.figures()["sigma"] == pytest.approx(0.1)


def test_steps_have_a_smallest_and_a_largest_length():
    mutate = built()
    for _ in range(1000):
        told(mutate, 0, 1)
    assert mutate.figures()["sigma"] == SMALLEST
    for _ in range(1000):
        told(mutate, 1)
    assert mutate.figures()["sigma"] == LARGEST


def test_it_is_the_gaussian_mutation_of_that_length():
    mutate = built(sigma=0.2, prob=0.5)
    told(mutate, 1)
    genes = np.stack([GENOME.random(np.random.default_rng(i)) for i in range(4)])
    expected = gaussian_mutation(
        genes,
        low=GENOME.low,
        high=GENOME.high,
        sigma=0.2 * math.exp(1 / (1 + 3 / 2)) * (GENOME.high - GENOME.low),
        prob=0.5,
        rng=np.random.default_rng(9),
    )
    assert mutate.rows(genes, np.random.default_rng(9)) == pytest.approx(expected)
    one = mutate(genes[0], np.random.default_rng(9))
    assert one.tolist() == mutate.rows(genes[:1], np.random.default_rng(9))[0].tolist()
    assert not one.flags.writeable


def test_a_state_goes_on_and_a_beginning_knows_nothing():
    mutate, other = built(), built()
    told(mutate, 1)
    other.load_state_dict(mutate.state_dict())
    assert other.figures() == mutate.figures()
    assert mutate.begun().figures() == {"sigma": 0.1}
