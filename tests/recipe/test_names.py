"""Names that several plugins offer, as recipes say them."""

from pathlib import Path

import pytest

from evokit.plugins import RESTRICT
from evokit.recipe import RecipeError, load_recipe

from .conftest import ONEMAX

RIVAL = """\
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar
from evokit import Component, hookimpl
from evokit.recipe import Nested

@dataclass(frozen=True)
class Picky:
    model: Annotated[Mapping[str, Any], Nested("surrogate")] = field(default_factory=lambda: {"name": "ridge"})

@dataclass(frozen=True)
class Rival:
    size: int = 4
    genes: ClassVar = "bits"
    phenotype: ClassVar = "bits"
    takes: ClassVar = "bits"

@hookimpl
def evokit_components():
    kinds = {"genome": "bits", "fitness": "onemax", "selection": "tournament", "surrogate": "ridge"}
    named = [Component(kind, name, Rival) for kind, name in kinds.items()] + [Component("screen", "picky", Picky)]
    return [*named, Component("baseline", "rival", Rival, fits="onemax"), Component("export", "files", Rival)]
"""
CLEAR = """\
plugins: rival.py
fitness: {name: core:onemax}
genome: {name: "core:bits", length: 8}
search: {name: generational}
crossover: {name: uniform}
mutation: {name: bit_flip}
"""


@pytest.fixture
def rivalled(folder, monkeypatch):
    """Loads a recipe beside a local file that offers built-in names."""
    monkeypatch.setenv(RESTRICT, "core")
    Path("rival.py").write_text(RIVAL)

    def rivalled(*overrides, text=CLEAR):
        Path("r.yaml").write_text(text)
        return load_recipe(Path("r.yaml"), overrides)

    return rivalled


def test_a_recipe_that_says_full_names_loads_and_its_saved_form_is_the_same_recipe(rivalled, folder):
    recipe = rivalled("genome={name: rival.py:bits, size: 3}", "screens=[{name: picky}]")
    assert (recipe.genome.name, recipe.genome.options.size) == ("rival.py:bits", 3)
    assert (recipe.fitness.name, recipe.selection.name) == ("core:onemax", "core:tournament")
    assert recipe.selection.options.size == 5  # a default is the built-in one
    assert recipe.screens[0].options.model.name == "core:ridge"
    (folder / "saved").mkdir()
    Path("saved/recipe.yaml").write_text(recipe.to_yaml())
    saved = load_recipe(Path("saved/recipe.yaml"))
    assert saved.resolved == recipe.resolved
    assert saved.digest == recipe.digest


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "genome.name=bits",
            "--set: genome.name: genome 'bits' is built in, and a file of this recipe offers it too; ",
        ),
        ("selection.name=tournament", "--set: selection.name: selection 'tournament' is built in, and a file of this"),
        (
            "screens=[{name: surrogate, model: {name: ridge}}]",
            "--set: screens.0.model.name: surrogate 'ridge' is built in, and a file of this recipe offers it too; "
            "write core:ridge or rival.py:ridge",
        ),
    ],
)
def test_a_built_in_name_that_the_recipes_own_file_offers_too_is_asked_about(rivalled, override, message):
    with pytest.raises(RecipeError) as caught:
        rivalled(override)
    assert any(line.startswith(message) for line in str(caught.value).splitlines())


def test_a_fitness_by_its_full_name_has_what_belongs_to_it(rivalled):
    theirs = rivalled("fitness={name: rival.py:onemax}", "baselines=[{name: rival}]")
    assert theirs.baselines[0].name == "rival"
    with pytest.raises(RecipeError, match=r"baseline 'rival' belongs to rival\.py:onemax, not to core:onemax$"):
        rivalled("baselines=[{name: rival}]")


def test_a_name_that_nobody_keeps_is_refused_with_the_full_ones(rivalled):
    Path("other.py").write_text(RIVAL)
    two = CLEAR.replace("rival.py", "[rival.py, other.py]")
    assert rivalled("genome={name: other.py:bits}", text=two).genome.name == "other.py:bits"
    with pytest.raises(RecipeError, match=r"export 'files' is offered by several plugins; write other\.py:files or "):
        rivalled("export=[files]", text=two)


def test_a_misspelt_name_beside_full_ones_is_told_as_ever(rivalled):
    with pytest.raises(RecipeError, match=r"unknown genome 'rival\.py:bitz'; did you mean 'rival\.py:bits'\?"):
        rivalled("genome.name=rival.py:bitz")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("length: 32", "length: .inf"), "r.yaml:2: genome.length: not a finite number: .inf"),
        (("population: 64", "population: .nan"), "r.yaml:3: search.population: not a finite number: .nan"),
        (("prob: 0.1", "prob: .inf"), "r.yaml:5: mutation.prob: not a finite number: .inf"),
        (("{name: onemax}", "!x {}"), "r.yaml:1: fitness: tags are not read here: !x"),
        (("length: 32", 'length: "a\\0b"'), "r.yaml:2: genome.length: a NUL character is no part of a text or path"),
        (("fitness:", 'extends: "a\\0b"\nfitness:'), "r.yaml:1: extends: a NUL character is no part of a text or path"),
        (
            ("fitness:", 'plugins: ["a\\0b"]\nfitness:'),
            "r.yaml:1: plugins.0: a NUL character is no part of a text or path",
        ),
        (("fitness:", "plugins: .inf\nfitness:"), "r.yaml:1: plugins: not a finite number: .inf"),
        (("fitness:", "seed: .inf\nfitness:"), "r.yaml:1: seed: not a finite number: .inf"),
        (
            ("population: 64", "population: 64, generations: 999999999999999999999"),
            "r.yaml:3: search.generations: an integer has at most 64 bits here, got 999999999999999999999",
        ),
    ],
)
def test_a_value_that_cannot_be_read_is_the_only_problem(problems, change, problem):
    assert problems(ONEMAX.replace(*change)) == [problem]


@pytest.mark.parametrize("value", ['"a\\0b"', ".inf", "999999999999999999999"])
def test_so_is_one_of_the_command_line(problems, value):
    (problem,) = problems(ONEMAX, f"genome.length={value}")
    assert problem.startswith("--set: genome.length: ")
