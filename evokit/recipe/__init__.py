"""Recipes: one YAML file per run, read, merged and checked before anything is built."""

from evokit.components.nested import Nested
from evokit.recipe.check import load_recipe
from evokit.recipe.json_schema import json_schema
from evokit.recipe.schema import Confirm, Execution, Final, Recipe, Section, Stop
from evokit.recipe.yaml_source import RecipeError

__all__ = [
    "Confirm",
    "Execution",
    "Final",
    "Nested",
    "Recipe",
    "RecipeError",
    "Section",
    "Stop",
    "json_schema",
    "load_recipe",
]
