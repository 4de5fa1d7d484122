import numpy as np
import pytest

from evokit.genomes.bits import Bits, BitsOptions
from evokit.interfaces import Context
from evokit.streams import Streams


def test_json_holds_zeros_and_ones():
    assert Bits(3).to_json(np.array([True, False, True])) == [1, 0, 1]


@pytest.mark.parametrize("value", [2, -1, True, "1", 1.0])
def test_what_is_no_bit_is_named_with_its_place(value):
    with pytest.raises(ValueError, match=r"genes\[1\]: must be 0 or 1, got"):
        Bits(2).from_json([0, value])


def test_random_bits_are_fair():
    assert Bits(10_000).random(np.random.default_rng(0)).mean() == pytest.approx(0.5, abs=0.02)


def test_no_bits_is_an_error():
    with pytest.raises(ValueError, match="length: must be at least 1, got 0"):
        Bits(0)


def test_options_build_the_genome():
    assert BitsOptions(length=7).build(Context(Streams(0))).n_genes == 7
