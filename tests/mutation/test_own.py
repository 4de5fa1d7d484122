from types import SimpleNamespace

import numpy as np
import pytest

from evokit.interfaces import Context
from evokit.mutation.own import OwnMutation
from evokit.streams import Streams


def test_the_genomes_own_mutation_is_called():
    genome = SimpleNamespace(mutate=lambda genes, rng: (*genes, 3))
    assert OwnMutation().build(Context(Streams(0), genome=genome))((1, 2), np.random.default_rng(0)) == (1, 2, 3)


def test_a_genome_without_mutate_is_an_error():
    with pytest.raises(ValueError, match="the genome SimpleNamespace has no mutate of its own"):
        OwnMutation().build(Context(Streams(0), genome=SimpleNamespace()))
