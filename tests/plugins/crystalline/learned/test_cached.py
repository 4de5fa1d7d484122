"""Learned crystals in the cache and in the library."""

import pytest

from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.genome import build_genome
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.options import Crystalline, Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context


@pytest.fixture(scope="module")
def fitness():
    options = Gpt2Loss(FITTED, tokens=1024, block=16, continuous=Continuous(fit="bigram_newton"))
    return build_fitness(options, fitted_context())


def test_the_library_holds_what_was_learned_and_keeps_it(fitness):
    options = LibraryOptions(size=6, kinds=("zero", "learned"))
    first, second = (build_genome(Crystalline(options), fitted_context(fitness=fitness)) for _ in range(2))
    assert first.library.digest == second.library.digest
    assert fitness.prepared["library"].cpu_s > 0
    assert fitness.prepared["library"].energy_j > 0
    assert first.library.kinds == ("zero", "learned") * 3
