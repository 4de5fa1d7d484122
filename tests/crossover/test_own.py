from types import SimpleNamespace

import numpy as np
import pytest

from evokit.crossover.own import OwnCrossover
from evokit.interfaces import Context
from evokit.streams import Streams

GENOME = SimpleNamespace(crossover=lambda a, b, rng: (a + b, b + a))


def test_the_genomes_own_crossover_is_called():
    cross = OwnCrossover().build(Context(Streams(0), genome=GENOME))
    assert cross((1,), (2,), np.random.default_rng(0)) == ((1, 2), (2, 1))


def test_its_chance_is_the_recipes():
    cross = OwnCrossover(prob=0.0).build(Context(Streams(0), genome=GENOME))
    assert cross((1,), (2,), np.random.default_rng(0)) == ((1,), (2,))


def test_a_genome_without_crossover_is_an_error():
    with pytest.raises(ValueError, match="the genome SimpleNamespace has no crossover of its own"):
        OwnCrossover().build(Context(Streams(0), genome=SimpleNamespace()))
