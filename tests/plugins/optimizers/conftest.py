"""What several modules test with."""

import pytest

from evokit_optimizers.final import build_champion
from evokit_optimizers.options import TrainFresh
from tests.plugins.optimizers.tiny_tasks import contender, fitness_of


@pytest.fixture(scope="module")
def fitness():
    return fitness_of()


@pytest.fixture
def champion(fitness):
    return contender(build_champion, TrainFresh(), fitness)
