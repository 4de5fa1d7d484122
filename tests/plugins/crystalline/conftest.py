"""Parts that several modules test with. What they fit is cached in a folder of each module."""

import numpy as np
import pytest

from evokit.interfaces import Individual, Score
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.options import Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context, learned_genome


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def learned_parts():
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
    fitness = build_fitness(options, fitted_context())
    genome = learned_genome(fitness, 4)
    genes = np.array([1, 1, 0, 0, 0, 0, 0, 0])
    return fitness, genome, Individual(genes, "key", Score((-1.0,)))
