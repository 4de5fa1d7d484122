"""Each rule of the kit has a broken surrogate that it must catch."""

import itertools
import random
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from evokit.testing import surrogate_conformance
from evokit.testing.surrogate import RULES
from tests.testing.caught import broken_rules, refused

COUNTER = itertools.count()

test_ridge = surrogate_conformance("ridge")
test_nearest_neighbours_of_bits = surrogate_conformance("nearest_neighbours", k=3)


@dataclass(frozen=True)
class Line:
    """Sound: least squares by the pseudo-inverse."""

    genes: ClassVar = frozenset({"real_vector"})

    def build(self, context):
        return type(self).Model()

    class Model:
        def fit(self, X, y, rng):
            self.shares = np.linalg.pinv(np.column_stack([X, np.ones(len(X))]).astype(float)) @ y

        def predict(self, X):
            return self.mean(X), np.zeros(len(X))

        def mean(self, X):
            return (X.astype(float) * self.shares[:-1]).sum(axis=1) + self.shares[-1]


test_line = surrogate_conformance(Line())


class MeanAlone(Line):
    class Model(Line.Model):
        def predict(self, X):
            return self.mean(X)


class SpreadBelowZero(Line):
    class Model(Line.Model):
        def predict(self, X):
            return self.mean(X), -np.ones(len(X))


class FailsOnEqualValues(Line):
    class Model(Line.Model):
        def fit(self, X, y, rng):
            if not y.std():
                raise ValueError("nothing to learn")
            super().fit(X, y, rng)


class SortsInPlace(Line):
    class Model(Line.Model):
        def fit(self, X, y, rng):
            y.sort()
            super().fit(X, y, rng)


class CentresInPlace(Line):
    class Model(Line.Model):
        def predict(self, X):
            if X.flags.writeable:
                X -= 1
            return super().predict(X)


class DrawsGlobally(Line):
    class Model(Line.Model):
        def fit(self, X, y, rng):
            random.random()
            super().fit(X, y, rng)


class HasLuck(Line):
    class Model(Line.Model):
        def fit(self, X, y, rng):
            super().fit(X, y + np.random.default_rng().random(len(y)), rng)


class AnswersAnew(Line):
    class Model(Line.Model):
        def predict(self, X):
            return self.mean(X) + next(COUNTER), np.zeros(len(X))


class GoesOn(Line):
    class Model(Line.Model):
        def fit(self, X, y, rng):
            before = getattr(self, "shares", 0)
            super().fit(X, y, rng)
            self.shares = self.shares + before / 10


class Ranks(Line):
    class Model(Line.Model):
        def predict(self, X):
            return np.argsort(np.argsort(self.mean(X))).astype(float), np.zeros(len(X))


class MoreIsBetter(Line):
    class Model(Line.Model):
        def predict(self, X):
            return -self.mean(X), np.zeros(len(X))


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (MeanAlone, "every method answers", "predict returned ndarray instead of mean and spread"),
        (SpreadBelowZero, "every method answers", "a spread below 0"),
        (FailsOnEqualValues, "every method answers", "fit raised ValueError: nothing to learn"),
        (SortsInPlace, "what is given stays unchanged", "fit raised"),
        (CentresInPlace, "what is given stays unchanged", "predict changed the features"),
        (DrawsGlobally, "no global generator is touched", "the global generator of random"),
        (HasLuck, "same stream, same predictions", "fit leads to other predictions"),
        (AnswersAnew, "same stream, same predictions", "predictions"),
        (GoesOn, "fitted from scratch", "fit goes on from what it was fitted to before"),
        (Ranks, "a prediction is the same alone", "for it alone"),
        (MoreIsBetter, "lower is predicted lower", "predicts low values where high ones were measured"),
    ],
)
def test_a_broken_surrogate_is_caught(broken, rule, evidence):
    refused(surrogate_conformance(broken()), rule, evidence)


def test_every_rule_has_a_surrogate_that_breaks_it():
    assert broken_rules(test_a_broken_surrogate_is_caught) == {rule.name for rule in RULES}
