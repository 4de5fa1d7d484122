import math
from types import SimpleNamespace

import deap.tools.mutation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.real_vector import RealVector
from evokit.genomes.self_adaptive_vector import SelfAdaptiveVector, SelfAdaptiveVectorOptions
from evokit.interfaces import Context
from evokit.mutation.self_adaptive import SelfAdaptive, self_adaptive_mutation
from evokit.streams import Streams


class Strategic(list):
    """Places with their steps, as DEAP has them."""


def test_each_with_its_own_length_equals_deap_at_the_same_draws():
    n, wide = 3, 1e6
    genome = SelfAdaptiveVector(-wide, wide, n, n, 1e-6)
    genes = np.array([[0.5, -1.0, 2.0, -13.0, -14.0, -15.0]])
    together, each, moves = 0.3, [1.0, -0.5, 0.2], [0.7, -2.0, 1.1]
    theirs = Strategic(genes[0, :n].tolist())
    theirs.strategy = (np.exp(genes[0, n:]) * 2 * wide).tolist()
    script = iter([together, *(one for pair in zip(each, moves, strict=True) for one in pair)])
    with pytest.MonkeyPatch.context() as patch:
        fake = SimpleNamespace(gauss=lambda mean, sigma: next(script), random=lambda: 0.0)
        patch.setattr(deap.tools.mutation, "random", fake)
        (expected,) = deap.tools.mutESLogNormal(theirs, 1.0, 1.0)
    ours = iter([np.array([[together]]), np.array([each]), np.array([moves])])
    rng = SimpleNamespace(standard_normal=lambda shape: next(ours))
    (found,) = self_adaptive_mutation(genes, low=genome.low, high=genome.high, n_places=n, rng=rng)
    assert found[:n] == pytest.approx(np.array(expected))
    assert np.exp(found[n:]) * 2 * wide == pytest.approx(np.array(expected.strategy))


def test_one_length_for_all_equals_the_example_worked_by_hand():
    genes, low, high = np.array([[0.0] * 4 + [math.log(0.1)]]), np.array([-1.0] * 4 + [-30]), np.array([1.0] * 4 + [0])
    draws = iter([np.array([[2.0]]), np.array([[1.0, -1.0, 0.0, 0.5]])])
    rng = SimpleNamespace(standard_normal=lambda shape: next(draws))
    (found,) = self_adaptive_mutation(genes, low=low, high=high, n_places=4, rng=rng)
    length = 0.1 * math.exp(2 / math.sqrt(4))
    assert found[:4] == pytest.approx(np.array([1, -1, 0, 0.5]) * 2 * length)
    assert found[4] == pytest.approx(math.log(length))


@given(seed=st.integers(0, 2**32), each=st.booleans(), sigma=st.floats(1e-9, 1))
def test_genes_stay_within_their_bounds_and_parents_as_they_are(seed, each, sigma):
    genome, rng = SelfAdaptiveVector([-1, 0], [1, 7], 2, 2 if each else 1, sigma), np.random.default_rng(seed)
    mutate = SelfAdaptive().build(Context(Streams(0), genome=genome))
    genes = np.stack([genome.random(rng) for _ in range(5)])
    before = genes.tobytes()
    for _ in range(5):
        mutants = mutate.rows(genes, rng)
        for row in mutants:
            genome.from_json(genome.to_json(row))
    assert genes.tobytes() == before
    assert not mutate(genes[0], rng).flags.writeable


def test_a_genome_without_steps_is_refused():
    with pytest.raises(ValueError, match="the genome self_adaptive_vector"):
        SelfAdaptive().build(Context(Streams(0), genome=RealVector(-1, 1, 3)))


def test_options_reach_the_genome():
    genome = SelfAdaptiveVectorOptions(length=3, step_sizes="each", sigma=0.25).build(Context(Streams(0)))
    assert np.exp(genome.random(np.random.default_rng(0))[3:]) == pytest.approx([0.25] * 3)
