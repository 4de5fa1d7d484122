from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.keys import array_key, digest
from evokit.contracts.blame import ContractError
from evokit.genomes.bits import Bits
from evokit.genomes.individuals import (
    canonical,
    feasible_value,
    key_of,
    make_individual,
    ranked,
    refuse_changed,
    weights_of,
)
from evokit.interfaces import Individual, Score


class Sets:
    """Sets of numbers as tuples in any order."""

    def canonical(self, genes):
        return tuple(sorted(genes))

    def to_json(self, genes):
        return list(genes)


def scored(*values, weights=(-1.0,)):
    return Individual(None, str(values), Score(weights, values))


def test_genes_that_mean_the_same_have_one_key():
    assert key_of(Sets(), (2, 1)) == key_of(Sets(), (1, 2)) == digest([1, 2])


def test_an_array_has_the_key_of_its_bytes():
    genes = np.array([True, False])
    assert key_of(Bits(2), genes) == array_key(genes)


def test_an_individual_holds_canonical_genes_and_their_key():
    individual = make_individual(Sets(), (2, 1), (-1.0,), parents=("a", "b"), born_by="one_point+reset")
    assert individual.genes == (1, 2)
    assert individual.key == key_of(Sets(), (1, 2))
    assert (individual.parents, individual.born_by) == (("a", "b"), "one_point+reset")


def test_a_new_individual_is_unmeasured_under_the_given_weights():
    individual = make_individual(Sets(), (1,), (1.0, -1.0))
    assert not individual.fitness.valid
    assert individual.fitness.weights == (1.0, -1.0)


def test_an_individuals_array_is_apart_from_the_callers():
    mine = np.array([True, False])
    individual = make_individual(Bits(2), mine, (1.0,))
    mine[0] = False
    assert individual.genes.tolist() == [True, False]
    assert not individual.genes.flags.writeable


def test_without_canonical_the_genes_are_as_they_are():
    class Plain:
        def to_json(self, genes):
            return genes

    genes = (2, 1)
    assert canonical(Plain(), genes) is genes


@given(st.lists(st.integers(0, 5)))
def test_ranked_is_ascending_for_min_and_stable(values):
    population = [scored(float(value)) for value in values]
    expected = [population[i] for i in sorted(range(len(values)), key=lambda i: values[i])]
    assert [id(i) for i in ranked(population)] == [id(i) for i in expected]


def test_ranked_is_descending_for_max_with_the_unmeasured_last():
    unmeasured, low, high = (scored(*v, weights=(1.0,)) for v in [(), (1.0,), (2.0,)])
    assert ranked([unmeasured, low, high]) == [high, low, unmeasured]


def test_a_goal_that_is_neither_is_an_error():
    with pytest.raises(ValueError, match=r"objectives\.loss: must be min or max, got 'least'"):
        weights_of({"loss": "least"})


def test_no_objective_is_an_error():
    with pytest.raises(ValueError, match="must name at least one"):
        weights_of({})


def test_genes_that_were_changed_after_they_were_made_are_noticed():
    genome = SimpleNamespace(to_json=list)
    one, other = (make_individual(genome, genes, (1.0,)) for genes in ([1, 2], [3, 4]))
    refuse_changed(genome, [one, other])
    other.genes.append(5)
    with pytest.raises(ContractError, match="an individual born by random were changed in place after it was made"):
        refuse_changed(genome, [one, other])


def test_who_violates_a_constraint_has_no_value():
    people = [Individual(None, "", Score((-1.0,), (3.0,), (over,))) for over in (-1.0, 0.0, 0.5)]
    assert [feasible_value(one) for one in people] == [3.0, 3.0, None]
