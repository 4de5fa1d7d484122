"""Each rule of the kits has a broken operator that it must catch."""

import random
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from evokit.testing import crossover_conformance, mutation_conformance, selection_conformance
from evokit.testing.operators import SELECTING, VARYING
from tests.testing.caught import broken_rules, refused

EQUAL = {"genome": {"name": "index_vector", "length": 6, "choices": 3}}

test_one_point = crossover_conformance("one_point")
test_order = crossover_conformance("order")
test_blx_alpha = crossover_conformance("blx_alpha")
test_gaussian = mutation_conformance("gaussian", sigma=0.5)
test_bit_flip = mutation_conformance("bit_flip")
test_swap = mutation_conformance("swap", recipe=EQUAL)
test_tournament = selection_conformance("tournament", size=3)
test_best = selection_conformance("best")
test_roulette = selection_conformance("roulette")
test_random_is_no_preference_for_the_worse = selection_conformance("random")


class Made:
    """Options of an operator that is a method of theirs."""

    genes: ClassVar = frozenset({"real_vector"})

    def build(self, context):
        return self.call


@dataclass(frozen=True)
class Middle(Made):
    def call(self, a, b, rng):
        weight = rng.random()
        return weight * a + (1 - weight) * b, weight * b + (1 - weight) * a


test_middle = crossover_conformance(Middle())


class OneChild(Middle):
    def call(self, a, b, rng):
        return super().call(a, b, rng)[:1]


class Crashes(Middle):
    def call(self, a, b, rng):
        raise ArithmeticError("as planned")


class WritesToParents(Middle):
    def call(self, a, b, rng):
        a[0] = b[0]
        return a, b


class DrawsFromRandom(Middle):
    def call(self, a, b, rng):
        return super().call(a, b, np.random.default_rng(random.getrandbits(32)))


class OwnLuck(Middle):
    def call(self, a, b, rng):
        return super().call(a, b, np.random.default_rng())


class Counts(Middle):
    calls: ClassVar = []

    def call(self, a, b, rng):
        self.calls.append(1)
        return a + (b - a) * (len(self.calls) % 3) / 3, b


class LeavesBounds(Middle):
    def call(self, a, b, rng):
        return 3 * a, 3 * b


class OtherShape(Middle):
    def call(self, a, b, rng):
        return np.append(a, b), b


class ReturnsLists(Middle):
    def call(self, a, b, rng):
        return a.tolist(), b.tolist()


class RowsOfAnotherShape(Middle):
    def build(self, context):
        return self

    def __call__(self, a, b, rng):
        return self.call(a, b, rng)

    def rows(self, a, b, rng):
        return a[:1], b


@dataclass(frozen=True)
class Shift(Made):
    def call(self, genes, rng):
        return np.clip(genes + 0.1 * rng.standard_normal(len(genes)), -2, 2)


test_shift = mutation_conformance(Shift())


class Nothing(Shift):
    def call(self, genes, rng):
        return None


class Idle(Shift):
    def call(self, genes, rng):
        return genes


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (Crashes, "every method answers", "raised ArithmeticError: as planned"),
        (OneChild, "every method answers", "returned 1 children instead of two"),
        (Nothing, "every method answers", "returned nothing"),
        (WritesToParents, "what is given stays unchanged", "read-only"),
        (DrawsFromRandom, "no global generator is touched", "the global generator of random"),
        (OwnLuck, "same stream, same genes", "two generators in the same state"),
        (Counts, "same stream, same genes", "two generators in the same state"),
        (LeavesBounds, "children are genes", "genes"),
        (OtherShape, "children are genes", "genes"),
        (ReturnsLists, "children are genes", "genes"),
        (Idle, "a mutation makes new genes", "left all of 16 individuals as they were"),
        (RowsOfAnotherShape, "rows agree", "rows returned"),
    ],
)
def test_a_broken_operator_is_caught(broken, rule, evidence):
    kit = mutation_conformance if issubclass(broken, Shift) else crossover_conformance
    refused(kit(broken()), rule, evidence)


def test_every_rule_has_an_operator_that_breaks_it():
    assert broken_rules(test_a_broken_operator_is_caught) == {rule.name for rule in VARYING}


@dataclass(frozen=True)
class Truncation:
    """The better half, each as likely."""

    def build(self, context):
        return self

    def __call__(self, population, n, rng):
        order = sorted(population, key=lambda one: one.fitness, reverse=True)
        half = order[: max(1, len(order) // 2)]
        return [half[place] for place in rng.integers(len(half), size=n)]


test_truncation = selection_conformance(Truncation())


class TooFew(Truncation):
    def __call__(self, population, n, rng):
        return super().__call__(population, n, rng)[: len(population)]


class Copies(Truncation):
    def __call__(self, population, n, rng):
        return [one.__deepcopy__({}) for one in super().__call__(population, n, rng)]


class SortsInPlace(Truncation):
    def __call__(self, population, n, rng):
        population.sort(key=lambda one: one.key)
        return super().__call__(population, n, rng)


class LuckySelection(Truncation):
    def __call__(self, population, n, rng):
        return super().__call__(population, n, np.random.default_rng())


class GlobalSelection(Truncation):
    def __call__(self, population, n, rng):
        return [random.choice(population) for _ in range(n)]


class TakesTheLeast(Truncation):
    """Right where less is better."""

    def __call__(self, population, n, rng):
        order = sorted(population, key=lambda one: one.fitness.values)
        return [order[place] for place in rng.integers(max(1, len(order) // 2), size=n)]


class PicksBeyond(Truncation):
    def pick(self, scores, n, rng):
        return rng.integers(2 * len(scores), size=n)


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (TooFew, "every method answers", "returned 16 individuals where 33 were asked for"),
        (Copies, "every method answers", "no member of the population"),
        (SortsInPlace, "what is given stays unchanged", "changed the population"),
        (GlobalSelection, "no global generator is touched", "the global generator of random"),
        (LuckySelection, "same stream, same choice", "a generator in the same state"),
        (TakesTheLeast, "the worse are not preferred", "takes the worse"),
        (PicksBeyond, "pick agrees", "pick returned int64"),
    ],
)
def test_a_broken_selection_is_caught(broken, rule, evidence):
    refused(selection_conformance(broken()), rule, evidence)


def test_every_rule_has_a_selection_that_breaks_it():
    assert broken_rules(test_a_broken_selection_is_caught) == {rule.name for rule in SELECTING}


def test_options_beside_an_instance_are_an_error():
    with pytest.raises(TypeError, match="give a component's name and options, or an instance"):
        crossover_conformance(Middle(), prob=1)()


def test_options_are_checked_as_those_of_a_recipe():
    with pytest.raises(Exception, match=r"crossover\.porb: unknown key; did you mean 'prob'"):
        crossover_conformance("one_point", porb=1)()
