"""In recipes that compare, what is learned by champion and controls differs in one thing."""

from functools import cache
from pathlib import Path

import pytest

from evokit.genomes.points import combinations
from evokit.recipe import load_recipe
from evokit_activations.analyses.options import LearningPoint
from evokit_activations.options import Control

RECIPES = Path(__file__).parents[3] / "recipes"


def loaded(fitness, folder=RECIPES):
    return [pytest.param(one, id=one.path.stem) for one in recipes(folder) if one.fitness.name == fitness]


@cache
def recipes(folder):
    return [load_recipe(path) for path in sorted(folder.glob("activations_*.yaml"))]


def controls(recipe):
    return {one.name for one in recipe.baselines if isinstance(one.options, Control)}


@pytest.mark.parametrize("recipe", loaded("label_likelihood"))
def test_champion_and_controls_learn_the_logits_of_a_class_and_share_within_it(recipe):
    options = recipe.final.section.options
    assert {"class_code", "class_mean"} <= controls(recipe)
    assert (options.logits, options.average) == ("class", ("class",))


@pytest.mark.parametrize("recipe", loaded("label_likelihood", RECIPES / "paper"))
def test_recipes_of_the_paper_learn_what_was_found_for_each_image(recipe):
    options = recipe.final.section.options
    assert (options.logits, options.average) == ("own", ("none",))


@pytest.mark.parametrize("recipe", loaded("learned_accuracy"))
def test_beside_every_control_of_an_analysis_stands_a_search_with_its_logits(recipe):
    learn = recipe.fitness.options.learn
    points = [LearningPoint(**point) for point in combinations(recipe.genome.options.grids)]
    targets = {(one.learn_from, one.logits or learn.logits) for one in points if one.learn_from != "labels"}
    searched = {logits for name, logits in targets if name == "searches"}
    assert "class" in searched
    assert {logits for _, logits in targets} == searched
