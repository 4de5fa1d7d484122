from types import SimpleNamespace

import deap.tools.mutation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.gaussian import Gaussian, gaussian_mutation
from evokit.streams import Streams


def scripted(moves, steps):
    return SimpleNamespace(random=lambda shape: np.array(moves), standard_normal=lambda shape: np.array(steps))


def moved(step, bounds):
    one = np.zeros(1)
    rng = scripted([0.0], [step])
    return gaussian_mutation(one, low=one - 1, high=one + 1, sigma=1.0, prob=1.0, rng=rng, bounds=bounds)[0]


@pytest.mark.parametrize(
    ("step", "place"), [(0.5, 0.5), (1.25, 0.75), (-1.25, -0.75), (3.5, -0.5), (-4.0, 0.0), (1, 1)]
)
def test_a_step_beyond_a_bound_is_folded_back(step, place):
    assert moved(step, "reflect") == pytest.approx(place)


@pytest.mark.parametrize(("step", "place"), [(0.5, 0.5), (1.25, 1.0), (-9.0, -1.0)])
def test_a_clipped_step_stops_at_the_bound(step, place):
    assert moved(step, "clip") == place


def test_equals_deap_inside_the_bounds(monkeypatch):
    genes, draws, steps = [0.1, 0.2, 0.3], [0.1, 0.9, 0.4], [0.5, -1.0, 2.0]
    theirs = iter(draws)
    gauss = iter([0.5, 2.0])
    fake = SimpleNamespace(random=lambda: next(theirs), gauss=lambda mu, sigma: mu + sigma * next(gauss))
    monkeypatch.setattr(deap.tools.mutation, "random", fake)
    (expected,) = deap.tools.mutGaussian(list(genes), 0.0, 0.2, 0.5)
    wide = np.full(3, 10.0)
    mutant = gaussian_mutation(
        np.array(genes), low=-wide, high=wide, sigma=0.2, prob=0.5, rng=scripted(draws, steps), bounds="clip"
    )
    assert mutant.tolist() == pytest.approx(expected)


@given(
    seed=st.integers(0, 2**32),
    sigma=st.floats(1e-6, 1e6),
    prob=st.floats(0, 1),
    bounds=st.sampled_from(["reflect", "clip"]),
)
def test_genes_stay_within_their_bounds(seed, sigma, prob, bounds):
    genome, rng = RealVector([-1, 0, 1e-9], [1, 7, 2e-9], 3), np.random.default_rng(seed)
    mutant = gaussian_mutation(
        genome.random(rng), low=genome.low, high=genome.high, sigma=sigma, prob=prob, rng=rng, bounds=bounds
    )
    assert (mutant >= genome.low).all()
    assert (mutant <= genome.high).all()


def test_genes_that_do_not_move_keep_their_bits():
    genome = RealVector(-1 / 3, 1 / 7, 50)
    genes = genome.random(np.random.default_rng(0))
    mutant = gaussian_mutation(
        genes, low=genome.low, high=genome.high, sigma=1.0, prob=0.0, rng=np.random.default_rng(1)
    )
    assert mutant.tobytes() == genes.tobytes()
    assert not mutant.flags.writeable


@pytest.mark.parametrize(("relative", "spread"), [(True, [0.2, 2.0]), (False, [0.1, 0.1])])
def test_sigma_is_a_share_of_each_range_or_absolute(relative, spread):
    genome, rng = RealVector([-1, -10], [1, 10], 2), np.random.default_rng(0)
    mutate = Gaussian(sigma=0.1, relative=relative, prob=1.0).build(Context(Streams(0), genome=genome))
    steps = np.stack([mutate(np.zeros(2), rng) for _ in range(4000)])
    assert steps.std(axis=0) == pytest.approx(spread, rel=0.05)


def test_one_gene_moves_on_average_if_nothing_is_said():
    genome, rng = RealVector(-1, 1, 20), np.random.default_rng(0)
    mutate = Gaussian().build(Context(Streams(0), genome=genome))
    assert np.mean([(mutate(np.zeros(20), rng) != 0).sum() for _ in range(2000)]) == pytest.approx(1, abs=0.1)
