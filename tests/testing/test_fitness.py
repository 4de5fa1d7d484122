"""Each rule of the kit has a broken fitness that it must catch."""

import itertools
import random
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pytest
from annotated_types import Ge

from evokit import Evaluation
from evokit.errors import UserError
from evokit.testing import fitness_conformance
from evokit.testing.fitness import RULES
from tests.testing.caught import broken_rules, refused

COUNTER = itertools.count()

test_onemax = fitness_conformance("onemax")
test_a_quiet_sphere = fitness_conformance("sphere")
test_a_noisy_sphere = fitness_conformance("sphere", noise=0.3, rungs=(1, 3))
test_two_objectives = fitness_conformance(
    "zdt1", recipe={"genome": {"name": "real_vector", "length": 3, "low": 0, "high": 1}}
)


@dataclass(frozen=True)
class Steps:
    """Sound: noisy squares with a ladder of budgets, fresh noise and a fingerprint."""

    sample: Annotated[int, Ge(0)] = 0
    objectives: ClassVar = {"value": "min"}
    takes: ClassVar = frozenset({"vector"})
    budgets: ClassVar = (1, 2)
    slots: ClassVar = {}

    @property
    def context(self):
        return f"steps {self.sample}"

    def noise(self, budget):
        return np.random.default_rng(self.sample).standard_normal(budget).mean()

    def evaluate(self, batch, budget):
        return [float(np.square(vector - self.noise(budget)).sum()) for vector in batch]

    def fresh(self):
        return type(self)(self.sample + 1)

    def fingerprint(self, vector):
        return vector.tolist()


test_steps = fitness_conformance(Steps())


@dataclass(frozen=True)
class TakesAnything:
    objectives: ClassVar = {"value": "min"}
    context: ClassVar = "anything"

    def evaluate_one(self, phenotype, budget):
        raise ArithmeticError("as planned")


def test_a_fitness_that_takes_anything_is_tried_with_a_genome_that_is_said_and_else_not_called_sound():
    with pytest.raises(UserError, match="goes with whatever a genome makes: say in a recipe which genome"):
        fitness_conformance(TakesAnything())()
    with pytest.raises(AssertionError, match=r"fails on all of 8 individuals.*as planned"):
        fitness_conformance(TakesAnything(), recipe={"genome": {"name": "bits", "length": 4}})()


class Raises(Steps):
    def evaluate(self, batch, budget):
        raise ArithmeticError("as planned")


class AnswersTooFew(Steps):
    def evaluate(self, batch, budget):
        return super().evaluate(batch, budget)[:1]


class WritesIntoPhenotypes(Steps):
    def evaluate(self, batch, budget):
        for vector in batch:
            vector[0] = 0
        return super().evaluate(batch, budget)


class HasLuck(Steps):
    def evaluate(self, batch, budget):
        return [value + np.random.default_rng().random() for value in super().evaluate(batch, budget)]


class DrawsGlobally(Steps):
    def evaluate(self, batch, budget):
        return [value + random.random() for value in super().evaluate(batch, budget)]


class SeedsGlobally(Steps):
    def evaluate(self, batch, budget):
        random.seed(0)
        return [value + random.random() for value in super().evaluate(batch, budget)]


class Normalises(Steps):
    def evaluate(self, batch, budget):
        values = np.array(super().evaluate(batch, budget))
        return values - values.mean()


class AnswersInOrderOfValue(Steps):
    def evaluate(self, batch, budget):
        return sorted(super().evaluate(batch, budget))


class RemembersBudgets(Steps):
    def evaluate(self, batch, budget):
        if budget == 1:
            object.__setattr__(self, "warm", 0.5)
        return [value + getattr(self, "warm", 0) * (budget == 2) for value in super().evaluate(batch, budget)]


@dataclass(frozen=True)
class CountsWhenBuilt(Steps):
    def build(self, context):
        return Steps(next(COUNTER))


@dataclass(frozen=True)
class ChangesWhenBuilt(Steps):
    def build(self, context):
        made = Steps()
        shift = next(COUNTER)
        object.__setattr__(made, "noise", lambda budget: shift)
        return made


class SaysTooLittle(Steps):
    def fingerprint(self, vector):
        return 0


class SaysSomethingElse(Steps):
    def fingerprint(self, vector):
        return next(COUNTER)


class IsNotFresh(Steps):
    context: ClassVar = "always"


class ForgetsFresh(Steps):
    def fresh(self):
        Steps(self.sample + 1)


class FailsHereAndThere(Steps):
    """Sound: a bad individual harms nobody."""

    def evaluate(self, batch, budget):
        return [
            Evaluation(outcome="diverged", work=budget) if vector[0] > 0 else Evaluation((value,), work=budget)
            for vector, value in zip(batch, super().evaluate(batch, budget), strict=True)
        ]


test_failures_are_allowed = fitness_conformance(FailsHereAndThere())


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (
            Raises,
            "every method answers",
            "fails on all of 8 individuals at budget 1; raised: ArithmeticError",
        ),
        (AnswersTooFew, "every method answers", "answer one for each"),
        (WritesIntoPhenotypes, "what is given stays unchanged", "in place"),
        (HasLuck, "the same value each time", "the next time"),
        (DrawsGlobally, "the same value each time", "drawing from the global generator of random"),
        (SeedsGlobally, "no global generator is touched", "evaluate used the global generator of random"),
        (Normalises, "the same value in any company", "in a batch"),
        (AnswersInOrderOfValue, "the same value in any company", "in a batch"),
        (RemembersBudgets, "the same value after a lower budget", "after it was measured at lower budgets"),
        (CountsWhenBuilt, "the same fitness in every worker", "context is 'steps"),
        (ChangesWhenBuilt, "the same fitness in every worker", "when the fitness is built again"),
        (SaysTooLittle, "equal fingerprints, equal values", "is the same for individuals with values"),
        (SaysSomethingElse, "equal fingerprints, equal values", "something else of the same individual"),
        (IsNotFresh, "fresh is fresh", "under the same context"),
        (ForgetsFresh, "fresh is fresh", "fresh returned NoneType"),
    ],
)
def test_a_broken_fitness_is_caught(broken, rule, evidence):
    refused(fitness_conformance(broken()), rule, evidence)


def test_every_rule_has_a_fitness_that_breaks_it():
    assert broken_rules(test_a_broken_fitness_is_caught) == {rule.name for rule in RULES}


def test_the_place_is_told():
    line = Raises.evaluate.__code__.co_firstlineno
    where = refused(fitness_conformance(Raises()), "every method answers", "")
    assert where.endswith(f"test_fitness.py:{line})")


def test_a_genome_that_does_not_fit_is_refused_as_in_a_recipe():
    with pytest.raises(Exception, match="expresses bits, fitness 'sphere' takes vector"):
        fitness_conformance("sphere", recipe={"genome": {"name": "bits", "length": 3}})()
