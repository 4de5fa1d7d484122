from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.crossover.simulated_binary import SimulatedBinary, simulated_binary_crossover
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.streams import Streams

N = 5
LOW, HIGH = np.array([-5.0, 0, 0, -1, -100]), np.array([5.0, 1, 10, 1, 100])
places = st.lists(st.floats(0, 1), min_size=N, max_size=N).map(lambda share: LOW + np.array(share) * (HIGH - LOW))
draws = st.lists(st.floats(0, 1, exclude_max=True), min_size=3 * N, max_size=3 * N).map(lambda x: np.reshape(x, (3, N)))


def theirs(a, b, drawn, eta, monkeypatch):
    """DEAP's own with the same draws; it asks for the second and third only of genes that it crosses."""
    a, b = a.tolist(), b.tolist()
    script = []
    for i in range(N):
        crossed = drawn[0, i] <= 0.5 and abs(a[i] - b[i]) > 1e-14
        script += [drawn[0, i], *([drawn[1, i], drawn[2, i]] if crossed else [])]
    script = iter(script)
    monkeypatch.setattr(deap.tools.crossover, "random", SimpleNamespace(random=lambda: next(script)))
    return deap.tools.cxSimulatedBinaryBounded(a, b, eta, LOW.tolist(), HIGH.tolist())


@given(a=places, b=places, drawn=draws, eta=st.sampled_from([1.0, 15.0, 30.0]))
def test_equals_deap_at_the_same_draws(a, b, drawn, eta):
    rng = SimpleNamespace(random=lambda shape: drawn)
    with pytest.MonkeyPatch.context() as patch:
        expected = theirs(a, b, drawn, eta, patch)
    children = simulated_binary_crossover(a, b, low=LOW, high=HIGH, eta=eta, rng=rng)
    for child, one in zip(children, expected, strict=True):
        assert child == pytest.approx(np.array(one), rel=1e-9, abs=1e-9)


@given(a=places, b=places, seed=st.integers(0, 2**32))
def test_children_stay_inside_and_parents_as_they_are(a, b, seed):
    before = a.tobytes(), b.tobytes()
    for child in simulated_binary_crossover(a, b, low=LOW, high=HIGH, rng=np.random.default_rng(seed)):
        assert ((child >= LOW) & (child <= HIGH)).all()
        assert not child.flags.writeable
    assert (a.tobytes(), b.tobytes()) == before


def test_far_from_bounds_the_mean_of_the_children_is_that_of_the_parents():
    a, b = np.full(1000, -1.0), np.full(1000, 1.0)
    wide = np.full(1000, 1e9)
    children = simulated_binary_crossover(a, b, low=-wide, high=wide, rng=np.random.default_rng(0))
    assert children[0] + children[1] == pytest.approx(np.zeros(1000), abs=1e-9)
    assert 0.4 < np.mean(children[0] != a) < 0.6


def test_a_recipe_crosses_within_the_genomes_bounds():
    genome = RealVector(-1, 1, 4)
    cross = SimulatedBinary(prob=1.0, eta=2.0).build(Context(Streams(0), genome=genome))
    rng = np.random.default_rng(0)
    pairs = [cross(genome.random(rng), genome.random(rng), rng) for _ in range(50)]
    assert np.abs(np.array(pairs)).max() <= 1


def test_parents_of_different_length_are_an_error():
    with pytest.raises(ValueError, match=r"parents must have equal shapes"):
        simulated_binary_crossover(np.zeros(3), np.zeros(2), low=LOW, high=HIGH, rng=np.random.default_rng(0))
