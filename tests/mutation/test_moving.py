"""Mutations that move genes: swap, insertion, inversion, scramble."""

from collections import Counter
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.permutation import Permutation
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.mutation.insertion import Insertion, insertion_mutation
from evokit.mutation.inversion import Inversion, inversion_mutation
from evokit.mutation.scramble import Scramble, scramble_mutation
from evokit.mutation.swap import Swap, swap_mutation
from evokit.streams import Streams
from tests.permutations import are_permutations

OPTIONS = [Swap, Insertion, Inversion, Scramble]
MUTATIONS = [swap_mutation, insertion_mutation, inversion_mutation, scramble_mutation]
each_option = pytest.mark.parametrize("options", OPTIONS)
each = pytest.mark.parametrize("mutation", MUTATIONS)

PAIRS_OF_4 = [(i, j) for j in range(4) for i in range(j)]


def swapped(i, j):
    row = [0, 1, 2, 3]
    row[i], row[j] = row[j], row[i]
    return tuple(row)


def moved(i, j):
    row = [0, 1, 2, 3]
    row.insert(j, row.pop(i))
    return tuple(row)


def turned(i, j):
    row = [0, 1, 2, 3]
    return (*row[:i], *row[i : j + 1][::-1], *row[j + 1 :])


def mixed(i, j):
    row = [0, 1, 2, 3]
    return [(*row[:i], *middle, *row[j + 1 :]) for middle in permutations(row[i : j + 1])]


def equally(outcomes):
    """The chance of each outcome, all that are listed being as likely."""
    return {one: count / len(outcomes) for one, count in Counter(outcomes).items()}


def scrambled():
    chances = Counter()
    for pair in PAIRS_OF_4:
        for one in mixed(*pair):
            chances[one] += 1 / len(PAIRS_OF_4) / len(mixed(*pair))
    return chances


EXPECTED = {
    swap_mutation: equally([swapped(*pair) for pair in PAIRS_OF_4]),
    insertion_mutation: equally([moved(*pair) for i, j in PAIRS_OF_4 for pair in ((i, j), (j, i))]),
    inversion_mutation: equally([turned(*pair) for pair in PAIRS_OF_4]),
    scramble_mutation: scrambled(),
}


@each
def test_rows_come_out_as_often_as_steps_by_hand(mutation):
    n = 12_000
    mutants = mutation(np.tile(np.arange(4), (n, 1)), rng=np.random.default_rng(0))
    found = Counter(map(tuple, mutants.tolist()))
    assert set(found) == set(EXPECTED[mutation])
    for one, chance in EXPECTED[mutation].items():
        assert found[one] / n == pytest.approx(chance, abs=0.015)


@each
@given(n=st.integers(2, 9), rows=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_permutations_stay_permutations_and_parents_as_they_are(mutation, n, rows, seed):
    rng = np.random.default_rng(seed)
    genes = np.stack([rng.permutation(n) for _ in range(rows)])
    before = genes.tobytes()
    assert are_permutations(mutation(genes, rng=rng))
    assert genes.tobytes() == before


def test_an_inversion_equals_the_example_worked_by_hand():
    draws = iter([3, 1])  # the places 3 and 1
    rng = SimpleNamespace(integers=lambda n, size: np.array([next(draws)]))
    assert inversion_mutation(np.array([[5, 6, 7, 8, 9]]), rng=rng).tolist() == [[5, 8, 7, 6, 9]]


@each_option
@pytest.mark.parametrize("genome", [Permutation(5), Bits(5), RealVector(-2, 2, 5), IndexVector([3] * 5)])
def test_a_recipe_moves_genes_of_every_kind(options, genome):
    mutate, rng = options().build(Context(Streams(0), genome=genome)), np.random.default_rng(0)
    genes = genome.random(rng)
    for _ in range(20):
        mutant = mutate(genes, rng)
        assert np.array_equal(np.sort(mutant), np.sort(genes))
        assert mutant.dtype == genome.dtype
        assert not mutant.flags.writeable


@each_option
def test_an_individual_is_mutated_with_the_chance_that_is_told(options):
    genes = np.tile(np.arange(30), (4000, 1))
    changed = {}
    for prob in (1.0, 0.25, 0.0):
        mutate = options(prob=prob).build(Context(Streams(0), genome=Permutation(30)))
        changed[prob] = (mutate.rows(genes, np.random.default_rng(0)) != genes).any(axis=1).mean()
    assert changed[0.0] == 0
    assert changed[0.25] == pytest.approx(0.25 * changed[1.0], abs=0.03)
    assert changed[1.0] > 0.95


@each_option
@pytest.mark.parametrize(
    ("genome", "message"),
    [
        (IndexVector([3, 3, 2]), "their sizes differ"),
        (RealVector([0, -1], 1, 2), "their low differ"),
        (RealVector(0, [1, 2], 2), "their high differ"),
        (Bits(1), "a genome of one gene has no other place"),
    ],
)
def test_genes_that_may_not_stand_in_each_others_places_are_refused(options, genome, message):
    with pytest.raises(ValueError, match=message):
        options().build(Context(Streams(0), genome=genome))
