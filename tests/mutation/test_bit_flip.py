from types import SimpleNamespace

import deap.tools.mutation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.bits import Bits
from evokit.interfaces import Context
from evokit.mutation.bit_flip import BitFlip, bit_flip
from evokit.streams import Streams


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=6), prob=st.floats(0, 1))
def test_equals_deap_at_the_same_draws(draws, prob):
    bits, theirs = [i % 2 == 0 for i in range(len(draws))], iter(draws)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deap.tools.mutation, "random", SimpleNamespace(random=lambda: next(theirs)))
        (expected,) = deap.tools.mutFlipBit(list(bits), prob)
    assert (
        bit_flip(np.array(bits), prob=prob, rng=SimpleNamespace(random=lambda shape: np.array(draws))).tolist()
        == expected
    )


def test_the_parent_stays_and_the_mutant_is_read_only():
    genes = np.zeros(3, bool)
    mutant = bit_flip(genes, prob=1.0, rng=np.random.default_rng(0))
    assert (genes.any(), mutant.all(), mutant.dtype) == (False, True, np.bool_)
    assert not mutant.flags.writeable


@pytest.mark.parametrize(("prob", "expected"), [(None, 1.0), (0.5, 10.0)])
def test_one_bit_flips_on_average_if_nothing_is_said(prob, expected):
    mutate, rng = BitFlip(prob=prob).build(Context(Streams(0), genome=Bits(20))), np.random.default_rng(0)
    assert np.mean([mutate(np.zeros(20, bool), rng).sum() for _ in range(2000)]) == pytest.approx(expected, rel=0.1)
