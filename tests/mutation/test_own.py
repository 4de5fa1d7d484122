from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.crossover.uniform import Uniform
from evokit.genomes.index_vector import IndexVector
from evokit.interfaces import Context
from evokit.mutation.own import Anneal, OwnMutation
from evokit.mutation.reset import Reset
from evokit.searches.generational import Generational
from evokit.selection.tournament import Tournament
from evokit.streams import Streams


def test_the_genomes_own_mutation_is_called():
    genome = SimpleNamespace(mutate=lambda genes, rng: (*genes, 3))
    assert OwnMutation().build(Context(Streams(0), genome=genome))((1, 2), np.random.default_rng(0)) == (1, 2, 3)


def test_a_genome_without_mutate_is_an_error():
    with pytest.raises(ValueError, match="the genome SimpleNamespace has no mutate of its own"):
        OwnMutation().build(Context(Streams(0), genome=SimpleNamespace()))


def test_a_strength_is_annealed_in_a_straight_line_and_then_stays():
    genome = SimpleNamespace(mutate=lambda genes, rng, strength: strength)
    mutation = OwnMutation(Anneal(generations=4, first=1.0, last=0.5)).build(Context(Streams(0), genome=genome))
    assert [mutation.at(generation)(None, None) for generation in (0, 2, 4, 9)] == [1.0, 0.75, 0.5, 0.5]
    assert mutation(None, None) == 1.0


def test_a_mutation_without_strength_cannot_be_annealed():
    genome = SimpleNamespace(mutate=lambda genes, rng: genes)
    with pytest.raises(ValueError, match="the mutation of the genome SimpleNamespace has no strength"):
        OwnMutation(Anneal(generations=4)).build(Context(Streams(0), genome=genome))


def test_a_generational_search_anneals_by_its_generation():
    seen = []
    genome = IndexVector([9] * 4)
    genome.mutate = lambda genes, rng, strength: seen.append(strength) or reset(genes, rng)
    mutation = OwnMutation(Anneal(generations=2)).build(Context(Streams(0), genome=genome))
    reset = Reset(prob=1.0).build(Context(Streams(0), genome=genome))
    context = Context(Streams(0), genome=genome, fitness=SimpleNamespace(objectives={"value": "max"}))
    operators = {
        "selection": Tournament(size=2).build(context), "crossover": Uniform().build(context), "mutation": mutation
    }  # fmt: skip
    search = Generational(population=4, generations=4, elites=1).build(replace(context, operators=operators))
    while not search.done:
        asked = search.ask()
        for one in asked:
            one.fitness.values = (float(one.genes[0]),)
        search.tell(asked)
    assert list(dict.fromkeys(seen)) == [0.75, 0.5]  # the first generation is drawn, not mutated
