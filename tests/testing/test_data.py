"""Each rule of the kit has broken data that it must catch."""

import itertools
import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from evokit import Data, Vault, cut_vault, digest
from evokit.testing import data_conformance
from evokit.testing.data import RULES
from tests.testing.caught import broken_rules, refused

COUNTER = itertools.count()

test_known_formula = data_conformance("known_formula", formula="nguyen-1")


@dataclass(frozen=True)
class Points:
    """Sound."""

    vault: Vault = 0.0

    def build(self, context):
        points = self.drawn(context)
        train, validation, test = np.split(points, [20, 30])
        test, vault = cut_vault(test, self.vault)
        return Data("points", "drawn", self.digest(points), {"train": 20}, train, validation, test, vault)

    def drawn(self, context):
        return context.streams.at("points").numpy().random(40)

    def digest(self, points):
        return digest(points.tolist())


test_points = data_conformance(Points())


class HasNoOrigin(Points):
    def build(self, context):
        return replace(super().build(context), origin="")


class HasNoTest(Points):
    def build(self, context):
        return replace(super().build(context), test=None)


class DrawsGlobally(Points):
    def drawn(self, context):
        random.seed(0)
        return np.array([random.random() for _ in range(40)])


class HasLuck(Points):
    def drawn(self, context):
        return np.random.default_rng().random(40)


class Counts(Points):
    def digest(self, points):
        return f"version {next(COUNTER)}"


class NamesTheDigest(Points):
    def digest(self, points):
        return "points"


class DealsTwice(Points):
    def drawn(self, context):
        return np.tile(super().drawn(context)[:20], 2)


class IgnoresTheVault(Points):
    def build(self, context):
        return Points(0.0).build(context)


class LeavesTheVaultInTheTest(Points):
    def build(self, context):
        made, whole = super().build(context), Points(0.0).build(context)
        return Data(
            made.name, made.origin, made.digest, made.sizes, made.train, made.validation, whole.test, made.vault
        )


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (HasNoOrigin, "the data say what they are", "whose origin is ''"),
        (HasNoTest, "the data say what they are", "without a test split"),
        (DrawsGlobally, "no global generator is touched", "the global generator of random"),
        (HasLuck, "the same data each time", "and then"),
        (Counts, "the same data each time", "and then"),
        (NamesTheDigest, "other data, another digest", "with the same digest"),
        (DealsTwice, "no unit in two splits", "into train and"),
        (IgnoresTheVault, "a vault is kept", "keeps none"),
        (LeavesTheVaultInTheTest, "a vault is kept", "leaves units of the vault in the test split"),
    ],
)
def test_broken_data_are_caught(broken, rule, evidence):
    refused(data_conformance(broken()), rule, evidence)


def test_every_rule_has_data_that_break_it():
    assert broken_rules(test_broken_data_are_caught) == {rule.name for rule in RULES}
