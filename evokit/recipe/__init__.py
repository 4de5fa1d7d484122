"""Recipes: one YAML file per run, read, merged and checked before anything is built.

Imports ``plugins``, ``components`` and the interfaces, and no part: it knows options, not what they build. Whoever
needs a checked recipe imports it, from ``assembly`` up.
"""

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
