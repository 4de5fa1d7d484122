import math

import numpy as np
import pytest

from evokit.genomes.real_vector import RealVector
from evokit.searches.snes import SNES, _utilities
from tests.searches.building import built
from tests.searches.test_gaussian import Stretched, told

LOSSES = [3.0, 1.0, 9.0, 4.0, 5.0, 2.0]


def test_an_update_is_the_papers():
    search = built(SNES(6, sigma=0.05), Stretched(), RealVector(-10, 10, 4))
    mean, sigma = np.zeros(4), np.full(4, 1.0)
    for _ in range(3):
        s = (told(search, LOSSES)[:-1] - mean) / sigma
        order = sorted(range(6), key=LOSSES.__getitem__)
        raw = [max(0, math.log(6 / 2 + 1) - math.log(k)) for k in range(1, 7)]
        u = [value / sum(raw) - 1 / 6 for value in raw]
        mean = mean + sigma * sum(u[k] * s[order[k]] for k in range(6))
        rate = (3 + math.log(4)) / (5 * math.sqrt(4))
        sigma = sigma * np.exp(rate / 2 * sum(u[k] * (s[order[k]] ** 2 - 1) for k in range(6)))
        state = search.state_dict()
        assert state["mean"] == pytest.approx(mean, rel=1e-12)
        assert state["sigma"] == pytest.approx(sigma, rel=1e-12)


def test_the_worse_half_is_worth_the_same_and_all_together_nothing():
    assert _utilities(4) == pytest.approx([0.4804, 0.0196, -0.25, -0.25], abs=1e-4)
    assert _utilities(100).sum() == pytest.approx(0, abs=1e-12)


def test_the_population_grows_with_the_logarithm_of_the_numbers():
    sizes = [len(built(SNES(), Stretched(), RealVector(-1, 1, n)).ask()) for n in (1, 10, 1000)]
    assert sizes == [4 + 1, 10 + 1, 24 + 1]
