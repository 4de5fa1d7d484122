from types import SimpleNamespace

import deap.tools.mutation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.polynomial import Polynomial, polynomial_mutation
from evokit.streams import Streams

N = 4
LOW, HIGH = np.array([-5.0, 0, 0, -100]), np.array([5.0, 1, 10, 100])
places = st.lists(st.floats(0, 1), min_size=N, max_size=N).map(lambda share: LOW + np.array(share) * (HIGH - LOW))
draws = st.lists(st.floats(0, 1, exclude_max=True), min_size=2 * N, max_size=2 * N).map(lambda x: np.reshape(x, (2, N)))


@given(genes=places, drawn=draws, eta=st.sampled_from([1.0, 20.0, 100.0]))
def test_equals_deap_at_the_same_draws(genes, drawn, eta):
    script = iter([one for i in range(N) for one in (drawn[0, i], *([drawn[1, i]] if drawn[0, i] <= 0.5 else []))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deap.tools.mutation, "random", SimpleNamespace(random=lambda: next(script)))
        (expected,) = deap.tools.mutPolynomialBounded(genes.tolist(), eta, LOW.tolist(), HIGH.tolist(), 0.5)
    rng = SimpleNamespace(random=lambda shape: drawn)
    found = polynomial_mutation(genes, low=LOW, high=HIGH, prob=0.5, eta=eta, rng=rng)
    assert found == pytest.approx(np.array(expected), rel=1e-9, abs=1e-9)


@given(genes=places, seed=st.integers(0, 2**32))
def test_genes_stay_inside_and_the_parent_as_it_is(genes, seed):
    before = genes.tobytes()
    child = polynomial_mutation(genes, low=LOW, high=HIGH, prob=1.0, rng=np.random.default_rng(seed))
    assert ((child >= LOW) & (child <= HIGH)).all()
    assert not child.flags.writeable
    assert genes.tobytes() == before


def test_one_gene_moves_on_average_unless_the_recipe_says_otherwise():
    genome, rng = RealVector(-1, 1, 10), np.random.default_rng(0)
    for options, n in ((Polynomial(), 1.0), (Polynomial(prob=0.5), 5.0)):
        mutate = options.build(Context(Streams(0), genome=genome))
        genes = genome.random(rng)
        assert np.mean([(mutate(genes, rng) != genes).sum() for _ in range(2000)]) == pytest.approx(n, abs=0.15)
