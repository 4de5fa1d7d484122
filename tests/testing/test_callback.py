"""Each rule of the kit has a broken callback that it must catch."""

from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from evokit import StopSearch
from evokit.testing import callback_conformance
from evokit.testing.callback import RULES
from tests.testing.caught import broken_rules, refused


@dataclass(frozen=True)
class Log:
    """Sound: a line a generation."""

    def build(self, context):
        return type(self).Listener()

    class Listener:
        def run_started(self, run):
            self.path = run.directory / "log.txt"
            self.path.write_text("")

        def generation_ended(self, run, generation):
            with self.path.open("a") as file:
                file.write(self.line(generation))

        def line(self, generation):
            return f"{generation.best} {generation.solution}\n"


test_log = callback_conformance(Log())


class Stops(Log):
    """Sound: who ends a search hears the rest of it here all the same."""

    class Listener(Log.Listener):
        def evaluation_ended(self, run, evaluation):
            raise StopSearch("enough")


test_stops = callback_conformance(Stops())


@pytest.mark.skipif(
    find_spec("tensorboard") is None,
    reason="tensorboard is not installed; pip install 'evokit-deap[tensorboard]' ends this",
)
def test_tensorboard():
    callback_conformance("tensorboard")()


class WritesTooEarly(Log):
    def build(self, context):
        if context.directory is not None:
            (context.directory / "log.txt").write_text("")
        return super().build(context)


class TakesTooLittle(Log):
    class Listener(Log.Listener):
        def generation_ended(self, generation):
            self.line(generation)


class NeedsANewFile(Log):
    class Listener(Log.Listener):
        def run_started(self, run):
            self.path = run.directory / "log.txt"
            self.path.touch(exist_ok=False)


class NeedsASolution(Log):
    class Listener(Log.Listener):
        def line(self, generation):
            return f"{'' if generation.best is None else generation.solution.sum()}\n"


class NeedsAValue(Log):
    class Listener(Log.Listener):
        def run_ended(self, run, end):
            return f"{end.values[0]:.3f}"


class NeedsAllValues(Log):
    class Listener(Log.Listener):
        def evaluation_ended(self, run, evaluation):
            return f"{evaluation.value:.3f}"


@pytest.mark.parametrize(
    ("callback", "rule", "evidence"),
    [
        (WritesTooEarly, "nothing happens before a run starts", "build wrote into the run directory"),
        (TakesTooLittle, "every method answers", "generation_ended raised TypeError"),
        (NeedsANewFile, "a run that is gone on with is told again", "run_started raised FileExistsError"),
        (NeedsASolution, "a run that is gone on with is told again", "generation_ended raised AttributeError"),
        (NeedsAValue, "a run may find nothing valid", "run_ended raised TypeError"),
        (NeedsAllValues, "a run may find nothing valid", "evaluation_ended raised TypeError"),
    ],
)
def test_a_broken_callback_is_caught(callback, rule, evidence):
    refused(callback_conformance(callback()), rule, evidence)


def test_every_rule_catches_one():
    assert broken_rules(test_a_broken_callback_is_caught) == {rule.name for rule in RULES}
