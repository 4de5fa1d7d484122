"""Each rule of the kit has broken primitives that it must catch."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
from deap import gp

from evokit.testing import primitives_conformance
from evokit.testing.primitives import RULES
from tests.testing.caught import broken_rules, refused

test_arithmetic = primitives_conformance("arithmetic")
test_elementary = primitives_conformance("elementary")
test_boolean = primitives_conformance("boolean")
test_conditional = primitives_conformance("conditional")

IN_A_RECIPE = {"data": {"name": "known_formula", "formula": "nguyen-9"}, "fitness": {"name": "symbolic_regression"}}


@dataclass(frozen=True)
class Sums:
    """Sound."""

    def primitive_set(self, n_inputs):
        primitives = gp.PrimitiveSet("sums", n_inputs)
        primitives.addPrimitive(np.add, 2, name="add")
        primitives.addPrimitive(self.one, 1, name="one")
        return primitives

    def one(self, x):
        return np.tanh(x)


test_sums = primitives_conformance(Sums())


@dataclass(frozen=True)
class OfTwo(Sums):
    """Sound where there are two inputs."""

    def primitive_set(self, n_inputs):
        if n_inputs != 2:
            raise ValueError("two inputs")
        return super().primitive_set(n_inputs)


test_the_fitness_says_how_many_inputs_there_are = primitives_conformance(OfTwo(), recipe=IN_A_RECIPE)


@dataclass(frozen=True)
class OfWords(Sums):
    """Sound, with a type that the kit has no values of."""

    def primitive_set(self, n_inputs):
        primitives = gp.PrimitiveSetTyped("words", [float] * n_inputs, float)
        primitives.addPrimitive(np.add, [float, float], float, "add")
        primitives.addPrimitive(lambda word, x: x * len(word), [str, float], float, "times")
        primitives.addPrimitive(lambda a: a, [str], str, "same")
        primitives.addTerminal("three", str)
        return primitives


test_words = primitives_conformance(OfWords())


class OneTooFew(Sums):
    def primitive_set(self, n_inputs):
        return super().primitive_set(n_inputs - 1)


class NoSet(Sums):
    def primitive_set(self, n_inputs):
        return {"add": np.add}


class Barren(Sums):
    def primitive_set(self, n_inputs):
        primitives = gp.PrimitiveSetTyped("barren", [float] * n_inputs, bool)
        primitives.addPrimitive(np.add, [float, float], float, "add")
        return primitives


class NeedsWords(OfWords):
    def primitive_set(self, n_inputs):
        primitives = super().primitive_set(n_inputs)
        primitives.addTerminal(3, str)
        return primitives


class ArraysAlone(Sums):
    def one(self, x):
        x = x.copy()
        x[x < 0] = 0
        return x


class Pairs(Sums):
    def one(self, x):
        return np.stack([x, x])


KEPT = {}


class TheSameObject(Sums):
    def primitive_set(self, n_inputs):
        return KEPT.setdefault(n_inputs, super().primitive_set(n_inputs))


class InPlace(Sums):
    def one(self, x):
        if isinstance(x, np.ndarray):
            x *= 2
        return x


class DrawsGlobally(Sums):
    def one(self, x):
        return x + 0 * random.random()


class MeanOverCases(Sums):
    def one(self, x):
        return x - np.mean(x)


class HasLuck(Sums):
    def one(self, x):
        return x + np.random.default_rng().random()


@pytest.mark.parametrize(
    ("primitives", "rule", "evidence"),
    [
        (OneTooFew, "every method answers", "(3) made a set of 2 inputs"),
        (NoSet, "every method answers", "returned dict instead of a PrimitiveSet"),
        (Barren, "every method answers", "no tree can be grown"),
        (NeedsWords, "every method answers", "which raised TypeError: object of type 'int' has no len()"),
        (ArraysAlone, "every method answers", "has 'one', which for a number raised AttributeError"),
        (Pairs, "every method answers", "has 'one', which for 9 cases gave float64 of shape (2, 9)"),
        (TheSameObject, "the same set, made anew", "returned the same object again"),
        (InPlace, "what is given stays unchanged", "has 'one', which changed an array"),
        (DrawsGlobally, "no global generator is touched", "has 'one', which used the global generator of random"),
        (MeanOverCases, "a value for each case, by that case alone", "for a case among others and 0 for it alone"),
        (HasLuck, "a value for each case, by that case alone", "gives something else the next time"),
    ],
)
def test_broken_primitives_are_caught(primitives, rule, evidence):
    refused(primitives_conformance(primitives()), rule, evidence)


def test_every_rule_catches_one():
    assert broken_rules(test_broken_primitives_are_caught) == {rule.name for rule in RULES}
