"""Each rule of the kit has a broken screen that it must catch."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

from evokit.testing import screen_conformance
from evokit.testing.screen import RULES
from tests.testing.caught import broken_rules, refused

test_race = screen_conformance("race")
test_surrogate = screen_conformance("surrogate", model={"name": "nearest_neighbours"}, refit_every=2, top=0.3)


@dataclass(frozen=True)
class Half:
    """Sound: the better half at the lower budget, and who is better than all that were measured before."""

    def build(self, context):
        return type(self).Screen(context)

    class Screen:
        def __init__(self, context):
            self.best, self.context = None, context

        def __call__(self, candidates, measure):
            seen = [one.values[0] if one.ok else np.inf for one in measure(candidates, 1)]
            middle = np.median(seen) if seen else 0.0
            pairs = zip(candidates, seen, strict=True)
            return self.picked([one for one, value in pairs if value <= middle or self.is_record(value)])

        def is_record(self, value):
            return self.best is not None and value < self.best

        def picked(self, chosen):
            return chosen

        def observe(self, generation, measured):
            values = [one.fitness.values[0] for one in measured if one.fitness.valid]
            self.best = min([*values, *([] if self.best is None else [self.best])], default=None)

        def expected(self, n, generation):
            return n, n

        def summary(self):
            return {"screen": "half"}

        def state_dict(self):
            return {"best": self.best}

        def load_state_dict(self, state):
            self.best = state["best"]


test_half = screen_conformance(Half())


class AnIterator(Half):
    class Screen(Half.Screen):
        def picked(self, chosen):
            return iter(chosen)


class TheOtherWayRound(Half):
    class Screen(Half.Screen):
        def picked(self, chosen):
            return chosen[::-1]


class More(Half):
    class Screen(Half.Screen):
        def expected(self, n, generation):
            return 2 * n, 0


class Arrays(Half):
    class Screen(Half.Screen):
        def summary(self):
            return {"screen": "half", "seen": np.zeros(2)}


class NoName(Half):
    class Screen(Half.Screen):
        def summary(self):
            return {}


class Raises(Half):
    class Screen(Half.Screen):
        def observe(self, generation, measured):
            raise KeyError("lost")


class Judges(Half):
    class Screen(Half.Screen):
        def __call__(self, candidates, measure):
            for one in candidates:
                one.fitness.hold((0.0,), ())
            return super().__call__(candidates, measure)


class DrawsGlobally(Half):
    class Screen(Half.Screen):
        def picked(self, chosen):
            return [one for one in chosen if random.random() < 0.5]


class HasLuck(Half):
    class Screen(Half.Screen):
        def picked(self, chosen):
            rng = np.random.default_rng()
            return [one for one in chosen if rng.random() < 0.5]


class Forgets(Half):
    class Screen(Half.Screen):
        calls = 0

        def picked(self, chosen):
            self.calls += 1
            return chosen if self.calls < 5 else chosen[:1]


class NeedsValues(Half):
    class Screen(Half.Screen):
        def __call__(self, candidates, measure):
            seen = [one.values[0] for one in measure(candidates, 1)]
            return [one for one, value in zip(candidates, seen, strict=True) if value < 3]


@pytest.mark.parametrize(
    ("screen", "rule", "evidence"),
    [
        (AnIterator, "every method answers", "__call__ returned list_iterator instead of a list"),
        (TheOtherWayRound, "every method answers", "not in their order"),
        (More, "every method answers", "expected (10, 0) returned 20 of 10"),
        (Arrays, "every method answers", "summary returned what JSON cannot hold"),
        (NoName, "every method answers", "summary returned no mapping with its name"),
        (Raises, "every method answers", "KeyError: 'lost'"),
        (Judges, "what is given stays unchanged", "__call__ changed genes, values or parents"),
        (DrawsGlobally, "no global generator is touched", "__call__ used the global generator of random"),
        (HasLuck, "same stream, same choice", "__call__ chooses others in another run"),
        (Forgets, "a saved state goes on to the same end", "state_dict lacks something"),
        (NeedsValues, "those that fail end nothing", "raised IndexError"),
    ],
)
def test_a_broken_screen_is_caught(screen, rule, evidence):
    refused(screen_conformance(screen()), rule, evidence)


def test_every_rule_catches_one():
    assert broken_rules(test_a_broken_screen_is_caught) == {rule.name for rule in RULES}
