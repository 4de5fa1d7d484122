import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.individuals import key_of
from evokit.genomes.real_vector import RealVector, RealVectorOptions
from evokit.interfaces import Context
from evokit.streams import Streams


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_every_float_survives_json_bit_for_bit(values):
    genome = RealVector(-1, 1, 3)
    genes = genome.canonical(np.array(values))
    assert genome.canonical(genome.from_json(genome.to_json(genes))).tobytes() == genes.tobytes()


def test_negative_zero_has_the_key_of_zero():
    genome = RealVector(-1, 1, 1)
    assert key_of(genome, np.array([-0.0])) == key_of(genome, np.array([0.0]))


def test_single_precision_has_the_key_of_the_same_double():
    genome = RealVector(-1, 1, 1)
    assert key_of(genome, np.array([0.5], np.float32)) == key_of(genome, np.array([0.5]))


@given(st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=3))
def test_genes_of_single_precision_survive_json_bit_for_bit(values):
    genome = RealVector(-0.1, 0.1, 3, np.float32)
    genes = genome.canonical(np.array(values))
    assert genes.dtype == np.float32
    assert genome.from_json(genome.to_json(genes)).tobytes() == genes.tobytes()


def test_random_genes_of_single_precision_lie_in_its_bounds():
    genome = RealVector(0.1, np.nextafter(np.float32(0.1), 1), 1000, np.float32)
    genes = genome.random(np.random.default_rng(0))
    assert genes.dtype == genome.low.dtype == np.float32
    assert set(genes) == {genome.low[0], genome.high[0]}


def test_a_bound_that_single_precision_cannot_hold_is_an_error():
    with pytest.raises(ValueError, match="high: must be finite"):
        RealVector(0, 1e300, 2, np.float32)


@pytest.mark.parametrize("value", [1.5, -1.5, float("nan"), float("inf"), "0", None, True])
def test_what_is_out_of_bounds_is_named_with_its_place(value):
    with pytest.raises(ValueError, match=r"genes\[1\]: must be a number in -1.0..1.0, got"):
        RealVector(-1, 1, 2).from_json([0.0, value])


def test_random_genes_fill_their_own_bounds():
    genome, rng = RealVector([0, 10], [1, 20], 2), np.random.default_rng(0)
    genes = np.stack([genome.random(rng) for _ in range(4000)])
    assert genes.mean(0) == pytest.approx([0.5, 15], rel=0.03)
    assert (genes >= genome.low).all()
    assert (genes <= genome.high).all()


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (1, 1, "low: must be below high"),
        ([0, 2], [1, 1], "low: must be below high"),
        (0, float("inf"), "high: must be finite"),
        ([0, 0, 0], 1, r"low: must be one number or 2, got shape \(3,\)"),
    ],
)
def test_bounds_that_hold_nothing_are_an_error(low, high, message):
    with pytest.raises(ValueError, match=message):
        RealVector(low, high, 2)


def test_options_build_the_genome():
    genome = RealVectorOptions(length=2, low=-5, high=5).build(Context(Streams(0)))
    assert (genome.n_genes, genome.low.tolist(), genome.high.tolist()) == (2, [-5, -5], [5, 5])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_options_name_the_type(dtype):
    genome = RealVectorOptions(length=2, dtype=dtype).build(Context(Streams(0)))
    assert genome.dtype == np.dtype(dtype)


def test_options_check_their_bounds():
    with pytest.raises(ValueError, match=r"finite, their difference too, with low below high, got 1\.0 and 0\.0"):
        RealVectorOptions(length=2, low=1.0, high=0.0)
