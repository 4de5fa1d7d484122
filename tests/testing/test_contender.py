"""Each rule of the kit has a broken baseline that it must catch."""

import json
import random
from dataclasses import dataclass

import numpy as np
import pytest

from evokit import Evaluation
from evokit.testing import baseline_conformance
from evokit.testing.contender import RULES
from tests.small import TOY
from tests.testing.caught import broken_rules, refused

AROUND = {
    "plugins": [str(TOY)],
    "data": {"name": "points"},
    "fitness": {"name": "squares"},
    "genome": {"name": "real_vector", "length": 1, "low": -3, "high": 3},
}

test_descent = baseline_conformance("descent", recipe=AROUND)
test_a_control_is_held_to_what_a_search_promises = baseline_conformance("random_search", recipe=AROUND)


class Model:
    """Sound: a point with noise of the seed."""

    budgets = (1, 2)
    deterministic = False
    goal = "min"
    unit = "point"

    def __init__(self, context):
        self.context = context

    def settings(self, best):
        return [{"weight": 0.5, "offsets": [0.0]}]

    def value(self, seed, budget):
        return float(self.context.train.mean() + np.random.default_rng(seed).random() / budget)

    def fit(self, setting, seed, budget, scratch):
        path = scratch / "model.json"
        path.write_text(json.dumps(self.value(seed, budget)))
        return Evaluation((float(self.score(path, self.context.validation).mean()),), work=budget, artifact=str(path))

    def score(self, artifact, split):
        return np.square(split - json.loads(artifact.read_text()))


@dataclass(frozen=True)
class Sound:
    def build(self, context):
        return type(self).Model(context)

    Model = Model


test_sound = baseline_conformance(Sound(), recipe=AROUND)


class HasNoSettings(Sound):
    class Model(Model):
        def settings(self, best):
            return []


class TellsOneScore(Sound):
    class Model(Model):
        def score(self, artifact, split):
            return super().score(artifact, split)[:1]


class LosesItsModel(Sound):
    class Model(Model):
        def fit(self, setting, seed, budget, scratch):
            made = super().fit(setting, seed, budget, scratch)
            (scratch / "model.json").unlink()
            return made


class WritesIntoSettings(Sound):
    class Model(Model):
        def fit(self, setting, seed, budget, scratch):
            setting["offsets"].append(1.0)
            return super().fit(setting, seed, budget, scratch)


class WritesIntoModels(Sound):
    class Model(Model):
        def score(self, artifact, split):
            scores = super().score(artifact, split)
            artifact.write_text(artifact.read_text() + " ")
            return scores


class DrawsGlobally(Sound):
    class Model(Model):
        def value(self, seed, budget):
            random.seed(seed)
            return random.random()


class HasLuck(Sound):
    class Model(Model):
        def value(self, seed, budget):
            return np.random.default_rng().random()


class KeepsItsModelInMemory(Sound):
    class Model(Model):
        kept = 0.0

        def value(self, seed, budget):
            self.kept = super().value(seed, budget)
            return self.kept

        def score(self, artifact, split):
            return np.square(split - self.kept)


class SaysThatSeedsChangeNothing(Sound):
    class Model(Model):
        deterministic = True


class AddsUpBudgets(Sound):
    class Model(Model):
        def fit(self, setting, seed, budget, scratch):
            log = scratch / "log"
            log.write_text((log.read_text() if log.exists() else "") + "x" * budget)
            self.spent = len(log.read_text())
            return super().fit(setting, seed, budget, scratch)

        def value(self, seed, budget):
            return super().value(seed, budget) + self.spent * (budget == 2)


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (HasNoSettings, "every method answers", "settings returned none"),
        (TellsOneScore, "every method answers", "score returned 1 values for 2 units"),
        (LosesItsModel, "every method answers", "fit names a model that is not there"),
        (WritesIntoSettings, "what is given stays unchanged", "fit changed the setting"),
        (WritesIntoModels, "what is given stays unchanged", "score changed the model"),
        (DrawsGlobally, "no global generator is touched", "the global generator of random"),
        (HasLuck, "same seed, same model", "for the same setting and seed"),
        (KeepsItsModelInMemory, "same seed, same model", "score does not go by the model in its file alone"),
        (SaysThatSeedsChangeNothing, "same seed, same model", "depends on the seed, and deterministic is True"),
        (AddsUpBudgets, "the same model after a lower budget", "after lower budgets"),
    ],
)
def test_a_broken_baseline_is_caught(broken, rule, evidence):
    refused(baseline_conformance(broken(), recipe=AROUND), rule, evidence)


def test_every_rule_has_a_baseline_that_breaks_it():
    assert broken_rules(test_a_broken_baseline_is_caught) == {rule.name for rule in RULES}
