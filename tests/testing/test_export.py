"""Each rule of the kit has a broken export that it must catch."""

import itertools
import random
from dataclasses import dataclass, replace

import pytest

from evokit.errors import UserError
from evokit.testing import export_conformance
from evokit.testing.export import RULES
from tests.small import TOY, TOY_RECIPE
from tests.testing.caught import broken_rules, refused

COUNTER = itertools.count()
SPHERE = {"fitness": {"name": "sphere"}}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A recipe whose fitness has finished models."""
    path = tmp_path_factory.mktemp("toy") / "toy.yaml"
    path.write_text(TOY_RECIPE)
    return path


def test_an_export_of_a_model_is_sound(toy):
    export_conformance("text", recipe=toy)()


@dataclass(frozen=True)
class AsFile:
    """Sound: one file, of a model."""

    def export(self, artifact, out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(artifact.read_text())


def test_an_export_that_is_a_file_is_sound(toy):
    export_conformance(AsFile(), recipe=toy)()


@dataclass(frozen=True)
class Table:
    """Sound: a folder, of what was measured."""

    def export_measured(self, measured, out):
        out.mkdir(parents=True, exist_ok=True)
        (out / "values.txt").write_text(self.text(measured))

    def text(self, measured):
        return " ".join(str(one.evaluation.values[0]) for one in measured)


test_table = export_conformance(Table(), recipe=SPHERE)


class Nothing(Table):
    def export_measured(self, measured, out):
        out.mkdir(parents=True)


class NeedsItsFolder(Table):
    def export_measured(self, measured, out):
        out.write_text(self.text(measured))


class Beside(Table):
    def export_measured(self, measured, out):
        super().export_measured(measured, out)
        (out.parent / f"{out.name}.log").write_text("done")


class Sorts(Table):
    def text(self, measured):
        measured[:] = sorted(measured, key=lambda one: one.evaluation.values)
        return super().text(measured)


class Rounds(Table):
    def text(self, measured):
        for place, one in enumerate(measured):
            measured[place] = replace(one, evaluation=replace(one.evaluation, values=(0.0,)))
        return super().text(measured)


class DrawsGlobally(Table):
    def text(self, measured):
        random.random()
        return super().text(measured)


class Counts(Table):
    def text(self, measured):
        return str(next(COUNTER))


class Appends(Table):
    def export_measured(self, measured, out):
        out.mkdir(parents=True, exist_ok=True)
        with (out / "values.txt").open("a") as file:
            file.write(self.text(measured))


class RefusesFiles(Table):
    def export_measured(self, measured, out):
        out.mkdir(parents=True)
        (out / "values.txt").write_text(self.text(measured))


@pytest.mark.parametrize(
    ("export", "rule", "evidence"),
    [
        (Nothing, "every method answers", "export_measured left no file"),
        (NeedsItsFolder, "every method answers", "export_measured raised FileNotFoundError"),
        (Beside, "nothing is written elsewhere", "wrote made/anew/alone.log beside made/anew/alone"),
        (Sorts, "what is given stays unchanged", "export_measured changed the measurements"),
        (Rounds, "what is given stays unchanged", "export_measured changed the measurements"),
        (DrawsGlobally, "no global generator is touched", "used the global generator of random"),
        (Counts, "the same files each time", "writes other files the next time"),
        (Appends, "the same files each time", "leaves other files where it has written before"),
        (RefusesFiles, "every method answers", "raised FileExistsError"),
    ],
)
def test_a_broken_export_is_caught(export, rule, evidence):
    refused(export_conformance(export(), recipe=SPHERE), rule, evidence)


@dataclass(frozen=True)
class Finishes:
    def export(self, artifact, out):
        artifact.write_text("exported")
        AsFile().export(artifact, out)


def test_a_model_that_is_changed_is_told(toy):
    evidence = "export changed the model, which is frozen"
    refused(export_conformance(Finishes(), recipe=toy), "what is given stays unchanged", evidence)


def test_every_rule_catches_one():
    assert broken_rules(test_a_broken_export_is_caught) == {rule.name for rule in RULES}


def test_where_there_is_nothing_to_export_it_is_not_tried(toy):
    with pytest.raises(UserError, match="it writes what a run leaves: say in a recipe of which fitness"):
        export_conformance(Table())()
    with pytest.raises(UserError, match="makes no finished models here"):
        export_conformance(AsFile(), recipe=SPHERE)()
    without_data = {"plugins": [str(TOY)], "fitness": {"name": "squares"}}
    with pytest.raises(UserError, match="the model that it was to export could not be made: TypeError"):
        export_conformance(AsFile(), recipe=without_data)()
