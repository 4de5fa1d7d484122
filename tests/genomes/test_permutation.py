import numpy as np
import pytest

from evokit.genomes.permutation import Permutation, PermutationOptions
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.testing import genome_conformance
from tests.permutations import are_permutations, shares_of

test_permutation = genome_conformance(PermutationOptions(length=7))
test_permutation_of_two = genome_conformance(PermutationOptions(length=2))


def test_all_are_as_likely():
    rng = np.random.default_rng(0)
    assert shares_of(np.stack([Permutation(3).random(rng) for _ in range(6000)])) == pytest.approx(
        [1 / 6] * 6, abs=0.02
    )


def test_the_own_operators_are_order_crossover_and_inversion():
    genome, rng = Permutation(9), np.random.default_rng(0)
    a = genome.random(rng)
    mutant = genome.mutate(a, rng)
    changed = np.flatnonzero(mutant != a)
    stretch = slice(changed[0], changed[-1] + 1)
    assert (mutant[stretch] == a[stretch][::-1]).all()
    assert are_permutations(np.stack(genome.crossover(a, genome.random(rng), rng)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([0, 1, 1], r"genes\[2\]: must be there once, got 1"),
        ([0, 3, 1], r"genes\[1\]: must be an integer in 0..2, got 3"),
        ([0, True, 2], r"genes\[1\]: must be an integer in 0..2, got True"),
        ([0, 1], "genes: must be 3 values, got 2"),
    ],
)
def test_what_is_no_permutation_is_named_with_its_place(data, message):
    with pytest.raises(ValueError, match=message):
        Permutation(3).from_json(data)


def test_a_surrogate_sees_where_each_item_stands():
    features = Permutation(4).encode(np.array([2, 0, 3, 1]))
    assert (features.tolist(), features.dtype) == ([0.25, 0.75, 0.0, 0.5], np.float32)


def test_one_item_has_no_order():
    with pytest.raises(ValueError, match="length: must be at least 2, got 1"):
        Permutation(1)
    assert PermutationOptions(length=5).build(Context(Streams(0))).n_genes == 5
