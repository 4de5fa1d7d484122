import pytest

from tests.cli.commands import invoke
from tests.docs.conftest import EXAMPLE
from tests.small import TOY, TOY_RECIPE

BROKEN = """
from dataclasses import dataclass
from typing import ClassVar

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Luck:
    objectives: ClassVar = {"value": "min"}
    takes: ClassVar = "bits"

    def evaluate_one(self, bits, budget):
        bits[0] = 0
        return 0.0


@dataclass(frozen=True)
class Sized:
    size: int

    def build(self, context):
        return lambda genes, rng: genes


@hookimpl
def evokit_components():
    return [Component("fitness", "luck", Luck), Component("mutation", "sized", Sized)]
"""


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    return path


def test_a_file_is_checked_with_a_recipe_around_it():
    done = invoke("check-plugin", EXAMPLE / "evokit_tour.py", "--recipe", EXAMPLE / "tour.yaml")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["ok    genome tours", "ok    fitness tour_length"]


def test_what_is_broken_is_told_with_place_and_remedy_and_exit_code_1(broken):
    done = invoke("check-plugin", broken)
    assert done.exit_code == 1
    luck, where, remedy, read, sized = done.stdout.splitlines()
    assert luck.startswith("BAD   fitness luck: what is given stays unchanged: evaluate")
    assert "broken.py:" in where
    assert remedy.startswith("      remedy: work on a copy")
    assert read == "      read: docs/plugins.md, The contract of each kind"
    assert (
        sized == "note  mutation sized: not tried: mutation: size is missing; name a recipe that uses it: --recipe FILE"
    )


def test_a_recipe_says_the_options(broken, tmp_path):
    recipe = tmp_path / "sized.yaml"
    recipe.write_text(
        "plugins: [./broken.py]\nfitness: {name: onemax}\ngenome: {name: bits, length: 8}\n"
        "search: {name: generational}\ncrossover: {name: uniform}\nmutation: {name: sized, size: 3}\n"
    )
    done = invoke("check-plugin", broken, "--recipe", recipe)
    assert "BAD   mutation sized: a mutation makes new genes: left all of 16 individuals as they were" in done.stdout


def test_what_needs_a_recipe_is_told(tmp_path):
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(TOY_RECIPE)
    assert "note  export text: not tried: " in invoke("check-plugin", TOY).stdout
    assert "ok    export text" in invoke("check-plugin", TOY, "--recipe", recipe).stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("corr", "no plugin 'corr' is installed; did you mean 'core'?"),
        ("nowhere.py", "nowhere.py: no such file"),
    ],
)
def test_what_is_no_plugin_is_one_sentence_and_exit_code_2(name, message):
    done = invoke("check-plugin", name)
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
