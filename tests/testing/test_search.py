"""Each rule of the kit has a broken search that it must catch."""

import random
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pytest
from annotated_types import Ge

from evokit import AskTell, make_individual, ranked, weights_of
from evokit.testing import search_conformance
from evokit.testing.search import RULES
from tests.testing.caught import broken_rules, refused

BITS = {"genome": {"name": "bits", "length": 16}}

test_generational = search_conformance("generational", population=6, generations=5)
test_random_search = search_conformance("random_search", generations=4)
test_steady_state = search_conformance("steady_state", recipe=BITS)


@dataclass(frozen=True)
class Climb:
    """Sound: each member's mutant takes its place if it is better."""

    size: Annotated[int, Ge(1)] = 6
    generations: Annotated[int, Ge(1)] = 6
    reads: ClassVar = frozenset({"mutation"})

    def build(self, context):
        return type(self).Loop(self, context)

    class Loop(AskTell):
        def __init__(self, options, context):
            super().__init__(context.genome, weights_of(context.fitness.objectives), options.generations)
            self.options, self.context = options, context

        def rng(self):
            return self.context.streams.at("climb", self.generation).numpy()

        def ask(self):
            rng, genome = self.rng(), self.context.genome
            if not self.population:
                drawn = [genome.random(rng) for _ in range(self.options.size)]
                return [make_individual(genome, genes, self._weights) for genes in drawn]
            return [self.child(one, rng) for one in self.population]

        def child(self, one, rng):
            genes = self.context.operators["mutation"](one.genes, rng)
            return make_individual(self.context.genome, genes, self._weights, (one.key,), "mutation")

        def valid(self, individuals):
            return [one for one in individuals if one.fitness.valid]

        def tell(self, individuals):
            known = {one.key: one for one in [*self.population, *self.valid(individuals)]}
            self.population = ranked(known.values())[: self.options.size]
            self.archive.add(self.generation, individuals, self.population)
            self.generation += 1


test_climb = search_conformance(Climb())


class ForgetsTheCount(Climb):
    class Loop(Climb.Loop):
        def tell(self, individuals):
            super().tell(individuals)
            self.generation = 1


class KeepsNoArchive(Climb):
    class Loop(Climb.Loop):
        def tell(self, individuals):
            self.population = self.valid(individuals)
            self.generation += 1


class DrawsGlobally(Climb):
    class Loop(Climb.Loop):
        def ask(self):
            random.random()
            return super().ask()


class HasLuck(Climb):
    class Loop(Climb.Loop):
        def rng(self):
            return np.random.default_rng()


class CarriesItsGenerator(Climb):
    class Loop(Climb.Loop):
        def __init__(self, options, context):
            super().__init__(options, context)
            self.carried = context.streams.at("climb").numpy()

        def rng(self):
            return self.carried


class ForgetsAStep(Climb):
    """What ``tell`` learns and ``ask`` depends on is not in its state."""

    class Loop(Climb.Loop):
        told = 0

        def rng(self):
            return self.context.streams.at("climb", self.generation, self.told).numpy()

        def tell(self, individuals):
            super().tell(individuals)
            self.told += 1


class SavesASet(Climb):
    class Loop(Climb.Loop):
        def state_dict(self):
            return super().state_dict() | {"seen": {1, 2}}


class KeepsTheFailed(Climb):
    class Loop(Climb.Loop):
        def tell(self, individuals):
            self.archive.add(self.generation, individuals, self.valid(individuals))
            self.population = list(individuals)
            self.generation += 1


class RemembersTheLast(Climb):
    class Loop(Climb.Loop):
        def best(self):
            return self.archive.hall[-1]


class WritesIntoGenes(Climb):
    class Loop(Climb.Loop):
        def tell(self, individuals):
            super().tell(individuals)
            genes = self.population[0].genes
            genes.flags.writeable = True
            genes[0] = 1 - genes[0]
            genes.flags.writeable = False

        def state_dict(self):
            return super().state_dict()


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (ForgetsTheCount, "every method answers", "leaves generation at 1 after step 2"),
        (KeepsNoArchive, "every method answers", "tell leaves no record of the generation"),
        (DrawsGlobally, "no global generator is touched", "the global generator of random"),
        (HasLuck, "same stream, same search", "asks for others in another run of the same seed"),
        (CarriesItsGenerator, "asked again, the same answer", "ask answers something else when it is asked again"),
        (ForgetsAStep, "a saved state goes on to the same end", "state_dict lacks something"),
        (SavesASet, "a saved state goes on to the same end", "state_dict holds what cannot be saved"),
        (KeepsTheFailed, "only the measured count", "children of an individual that failed"),
        (RemembersTheLast, "the best is the best measured", "where a better one was measured"),
        (WritesIntoGenes, "what is given stays unchanged", "changed genes in place"),
    ],
)
def test_a_broken_search_is_caught(broken, rule, evidence):
    refused(search_conformance(broken(), recipe=BITS), rule, evidence)


def test_every_rule_has_a_search_that_breaks_it():
    assert broken_rules(test_a_broken_search_is_caught) == {rule.name for rule in RULES}
