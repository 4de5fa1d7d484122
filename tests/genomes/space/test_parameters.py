import re
import time

import numpy as np
import pytest

from evokit import Choice, Float, Int, Order, Space, Subset, UserError, minimize
from evokit.genomes.space.parameters import SpaceError
from evokit.genomes.space.space import space_of
from evokit.recipe import RecipeError, load_recipe
from tests.genomes.space.spaces import EVERYTHING


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(2, 1), r"low (2): must be below high (1)"),
        (lambda: Float(0, 1, log=True), "low (0): must be above 0 with log"),
        (lambda: Float(0, float("inf")), "high: must be a finite number, got inf"),
        (lambda: Float("a", 1), "low: must be a finite number, got 'a'"),
        (lambda: Float(0, 1, step=2), "step (2): must be above 0 and at most 1, high less low"),
        (lambda: Float(1, 2, log=True, step=0.1), "step: has no meaning with log"),
        (lambda: Float(0, 1, log="yes"), "log: must be true or false, got 'yes'"),
        (lambda: Float(0, 1, length=0), "length: must be a whole number of at least 1, got 0"),
        (lambda: Int(0.5, 2), "low: must be a whole number, got 0.5"),
        (lambda: Int(0, 2**60), "high: must be within 2**53 of 0, where steps of one are exact, got 11529"),
        (lambda: Choice([]), "options: there is none"),
        (lambda: Choice("abc"), "options: must be a list, got 'abc'"),
        (lambda: Choice(["a", "a"]), "options: 'a' is there twice"),
        (lambda: Choice([(3, 3), (5, 5)]), "options: (3, 3) has a tuple, which would come back as a list; give a list"),
        (lambda: Choice([{"kernel": [(3, 3)]}]), "options: {'kernel': [(3, 3)]} has a tuple"),
        (lambda: Choice([time.time]), "give things of other types names"),
        (lambda: Subset(["a"], at_most=2), "at_most: must be a whole number from 0 to 1, got 2"),
        (lambda: Subset(["a", "b"], at_most=1, at_least=2), "at_least (2): must not be above at_most (1)"),
        (lambda: Order(["a"]), "options: must be two or more"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
    with pytest.raises(UserError, match=r"^(Float|Int|Choice|Subset|Order): "):
        make()


def test_python_and_a_recipe_are_told_the_same_of_a_parameter():
    """Where Python makes it, it has no name yet; a recipe and a mapping tell its place."""
    with pytest.raises(UserError, match=r"^Int: low: must be a whole number, got 1.5$"):
        Space({"group": {"n": Int(1.5, 3)}})
    with pytest.raises(UserError, match=r"^parameters.group.n.int: low: must be a whole number, got 1.5$"):
        Space({"group": {"n": {"int": [1.5, 3]}}})
    with pytest.raises(UserError, match=r"^the space: parameters.group.n.int: low: must be a whole number, got 1.5$"):
        minimize(len, {"group": {"n": {"int": [1.5, 3]}}}, work=9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space([Int(1, 2)]), "parameters: must be a mapping of names to parameters, got a list"),
        (lambda: Space({"n": Int(1, 2)}, {"n": 1}), "forbidden: must be a list of mappings, got a dict"),
        (lambda: Space({"n": Int(1, 2)}, file="a.json"), "file: holds parameters and what is forbidden"),
        (lambda: Space.from_configspace("nowhere.json"), "file: nowhere.json: cannot be read as JSON"),
        (lambda: Space.from_configspace({"n": 1}), "file: is not a ConfigSpace file"),
    ],
)
def test_what_is_no_space_is_the_users_error(make, message):
    with pytest.raises(UserError, match=message):
        make()
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "parameters: there is none"),
        ({"x": [0, 1]}, "parameters.x: must be a parameter such as"),
        ({"flot": [0, 1]}, "did you mean 'float'?"),
        ({"x": None}, "parameters.x: must be a parameter such as {float: [0, 1]} or {choice: [a, b]}, or several by"),
        ({"x": {"float": [0]}}, "parameters.x.float: must be [low, high], got 1 values"),
        ({"x": {"float": 3}}, "parameters.x.float: must be a list, got 3"),
        ({"x": {"float": [0, 1], "stp": 0.1}}, "parameters.x.stp: unknown key; did you mean 'step'?"),
        ({"x": {"float": [0, 1], "int": [0, 1]}}, "parameters.x: must be one kind of parameter, got float and int"),
        ({"x": {"float": [0, 1], "step": 7}}, "parameters.x.step: step (7): must be above 0"),
        ({"a.b": 1}, "parameters.a.b: a name must be text without a dot"),
        ({"when": 1}, "parameters.when: cannot be the name of a parameter"),
        ({"g": {}}, "parameters.g: has no parameters"),
        ({"x": Float(0, 1, when={"y": 1})}, "parameters.x.when.y: there is no parameter 'y'"),
        ({"x": Float(0, 1, when="y")}, "parameters.x.when: must be a mapping of names to values"),
        ({"x": Float(0, 1, when={"x": 1})}, "conditions go round in a circle: x needs x"),
        ({"c": Choice(["adam"]), "x": Float(0, 1, when={"c": "adm"})}, "is never 'adm'; did you mean 'adam'?"),
        ({"c": Choice([1, 2]), "x": Float(0, 1, when={"c": {"above": 1}})}, "has no order: write ordered: true"),
        ({"n": Int(1, 3), "x": Float(0, 1, when={"n": 4})}, "parameters.x.when.n: is never 4, it goes from 1 to 3"),
        ({"n": Int(1, 3), "x": Float(0, 1, when={"n": {"abov": 1}})}, "unknown word 'abov'; did you mean 'above'?"),
        ({"s": Subset([1]), "x": Float(0, 1, when={"s": 1})}, "must say what it has, such as {has: 1}, got 1"),
        ({"s": Subset(["crop"]), "x": Float(0, 1, when={"s": {"has": "crp"}})}, "is never 'crp'; did you mean 'crop'?"),
        ({"s": Subset([1]), "x": Float(0, 1, when={"s": {"has": []}})}, "has: there is none"),
        ({"s": Order([1, 2]), "x": Float(0, 1, when={"s": 1})}, "must be a single number, choice or subset"),
    ],
)
def test_a_space_that_cannot_be_is_refused_with_the_place(parameters, message):
    with pytest.raises(SpaceError, match=re.escape(message)):
        Space(parameters)


def test_what_is_forbidden_must_speak_of_what_there_is():
    with pytest.raises(SpaceError, match=re.escape("forbidden.0.y: there is no parameter 'y'")):
        Space({"x": 1}, ({"y": 1},))


def test_a_space_is_the_same_as_written():
    assert Space(EVERYTHING.parameters, EVERYTHING.forbidden) == EVERYTHING
    assert space_of({"x": {"float": [0, 1]}}) == space_of({"x": Float(0, 1)}) == Space({"x": Float(0.0, np.float64(1))})
    assert space_of(EVERYTHING) is EVERYTHING


def test_names_are_looked_up_in_the_group_first_and_then_around_it():
    space = Space({"n": Int(1, 3), "g": {"n": Int(7, 9), "x": Float(0, 1, when={"n": 8}), "y": Int(1, 2)}})
    (test,) = space.layout().leaves[2].conditions[0][0]
    assert test.leaf == 1
    with pytest.raises(SpaceError, match="is never 8"):
        Space({"n": Int(1, 3), "g": {"n": Int(7, 9)}, "x": Float(0, 1, when={"n": 8})})
    assert Space({"g": {"n": Int(7, 9)}, "x": Float(0, 1, when={"g.n": 8})}).layout().order == (0, 1)


def test_after_in_an_order_is_above():
    genome = Space({"size": Choice(["s", "m", "l"], ordered=True), "x": Float(0, 1, when={"size": {"above": "s"}})})
    exists = genome.layout().leaves[1].exists
    assert [exists((place, None)) for place in range(3)] == [False, True, True]


def test_of_a_subset_one_of_those_named_is_enough():
    parameters = {"parts": Subset(["a", "b", "c"]), "x": Float(0, 1, when={"parts": {"has": ["a", "c"]}})}
    exists = Space(parameters).layout().leaves[1].exists
    assert [exists((gene, None)) for gene in ((), (0,), (1,), (1, 2), (0, 1, 2))] == [False, True, False, True, True]


RECIPE = """\
plugins: [./fits.py]
fitness: {name: any_params}
genome:
  name: space
  parameters:
    lr:
      float: [1, 0.1]
      log: true
    n: {int: [1, 8]}
  forbidden: []
search: {name: random_search, generations: 1}
"""
FITS = """
from dataclasses import dataclass
from typing import ClassVar

from evokit import Component, hookimpl


@dataclass(frozen=True)
class AnyParams:
    takes: ClassVar = frozenset({"params"})


@hookimpl
def evokit_components():
    return [Component("fitness", "any_params", AnyParams)]
"""


def test_a_recipe_tells_the_line_of_each_mistake(tmp_path):
    (tmp_path / "fits.py").write_text(FITS)
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    with pytest.raises(RecipeError, match=re.escape("yaml:7: genome.parameters.lr.float: low (1): must be below high")):
        load_recipe(path)
    path.write_text(RECIPE.replace("[1, 0.1]", "[0.1, 1]").replace("[]", "[{n: 9}]"))
    with pytest.raises(RecipeError, match=re.escape("yaml:10: genome.forbidden.0.n: is never 9")):
        load_recipe(path)
    path.write_text(RECIPE.replace("[1, 0.1]", "[0.1, 1]"))
    recipe = load_recipe(path)
    assert recipe.genome.options == Space({"lr": Float(0.1, 1, log=True), "n": Int(1, 8)})
    assert recipe.resolved["genome"]["parameters"]["lr"] == {"float": [0.1, 1.0], "log": True}
