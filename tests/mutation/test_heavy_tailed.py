import numpy as np
import pytest

from evokit.genomes.bits import Bits
from evokit.interfaces import Context
from evokit.mutation.heavy_tailed import HeavyTailed, heavy_tailed_flips
from evokit.streams import Streams


def binomial(n, p):
    chances = np.ones(1)
    for _ in range(n):
        chances = np.convolve(chances, [1 - p, p])
    return chances


@pytest.mark.parametrize(("n", "beta"), [(10, 1.5), (11, 3.0), (3, 1.5), (1, 2.0)])
def test_as_many_bits_flip_as_the_paper_says(n, beta):
    numbers = np.arange(1, max(n // 2, 1) + 1)
    weights = numbers**-beta / (numbers**-beta).sum()
    expected = sum(weight * binomial(n, number / n) for weight, number in zip(weights, numbers, strict=True))
    flips = heavy_tailed_flips(np.zeros((30_000, n), bool), beta=beta, rng=np.random.default_rng(0)).sum(axis=1)
    assert np.bincount(flips, minlength=n + 1) / 30_000 == pytest.approx(expected, abs=0.01)


def test_the_parent_stays_and_the_mutant_is_read_only():
    genes = np.zeros(4, bool)
    mutate = HeavyTailed().build(Context(Streams(0), genome=Bits(4)))
    rng = np.random.default_rng(0)
    mutants = [mutate(genes, rng) for _ in range(20)]
    assert any(mutant.any() for mutant in mutants)
    assert not genes.any()
    assert not mutants[0].flags.writeable
    assert mutants[0].dtype == np.bool_
