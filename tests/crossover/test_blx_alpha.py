from types import SimpleNamespace

import deap.tools.crossover
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evokit.crossover.blx_alpha import BLXAlpha, blend_crossover
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.streams import Streams

INSIDE = arrays(np.float64, (2, 3), elements=st.floats(-1, 1))
DRAWS = arrays(np.float64, (2, 3), elements=st.floats(0, 1, exclude_max=True))
ONE = np.ones(3)


@given(a=INSIDE, b=INSIDE, drawn=DRAWS, alpha=st.floats(0, 2))
def test_equals_deap_at_the_same_draws_where_no_bound_is_met(a, b, drawn, alpha):
    script = iter(drawn.ravel().tolist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deap.tools.crossover, "random", SimpleNamespace(random=lambda: next(script)))
        expected = [deap.tools.cxBlend(one.tolist(), other.tolist(), alpha) for one, other in zip(a, b, strict=True)]
    rng = SimpleNamespace(random=lambda shape: drawn)
    children = blend_crossover(a, b, low=-99 * ONE, high=99 * ONE, alpha=alpha, rng=rng)
    assert np.stack(children, axis=1) == pytest.approx(np.array(expected), abs=1e-9)


@given(a=INSIDE, b=INSIDE, seed=st.integers(0, 2**32), alpha=st.floats(0, 5))
def test_children_stay_inside_and_parents_as_they_are(a, b, seed, alpha):
    before = a.tobytes(), b.tobytes()
    for child in blend_crossover(a, b, low=-ONE, high=ONE, alpha=alpha, rng=np.random.default_rng(seed)):
        assert (abs(child) <= 1).all()
    assert (a.tobytes(), b.tobytes()) == before


def test_none_pile_up_at_a_bound():
    a, b = np.full((4000, 3), 0.9), np.full((4000, 3), 1.0)
    first, _ = blend_crossover(a, b, low=-ONE, high=ONE, rng=np.random.default_rng(0))
    assert first.max() < 1
    # From 0.85 to 1.05, the last quarter folded onto the one before it.
    assert np.histogram(first, bins=[0.85, 0.9, 0.95, 1.0])[0] / first.size == pytest.approx(
        [0.25, 0.25, 0.5], abs=0.02
    )


@pytest.mark.parametrize(("alpha", "grows"), [(0.366, 1.0), (0.5, 7 / 6), (0.0, 2 / 3)])
def test_the_variance_grows_as_the_options_say(alpha, grows):
    rng, wide = np.random.default_rng(0), np.full(1, 99.0)
    a, b = rng.standard_normal((2, 100_000, 1))
    first, _ = blend_crossover(a, b, low=-wide, high=wide, alpha=alpha, rng=rng)
    assert first.var() == pytest.approx(grows, rel=0.02)


def test_a_recipe_crosses_within_the_genomes_bounds():
    genome, rng = RealVector([-1, 0], [1, 7], 2), np.random.default_rng(0)
    cross = BLXAlpha(alpha=3.0, prob=1.0).build(Context(Streams(0), genome=genome))
    for _ in range(50):
        for child in cross(genome.random(rng), genome.random(rng), rng):
            genome.from_json(genome.to_json(child))
