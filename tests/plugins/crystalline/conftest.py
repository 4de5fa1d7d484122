"""Parts that several modules test with. What they fit is cached in a folder of each module."""

import numpy as np
import pytest

from evokit.interfaces import Individual, Score
from tests.plugins.crystalline.tiny import fitted_with_crystals


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def float64(float64, tmp_path_factory, monkeypatch):
    """With a cache of its own, whose keys do not say that all is computed in float64."""
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def learned_parts():
    fitness, genome = fitted_with_crystals()
    return fitness, genome, Individual(np.array([1, 1, 0, 0, 0, 0, 0, 0]), "key", Score((-1.0,)))
